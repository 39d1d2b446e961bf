"""The events of a run of a flow, in the manner of the tool that runs it: names, facets, order and delays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from collector.demo.emitters import airflow, dbt, dlt, flink, prefect, spark
from collector.demo.model import Tool
from collector.demo.occasions import Occasion, Sent

__all__ = ["events_of"]

EMITTERS: Final[Mapping[Tool, Callable[[Occasion], Iterator[Sent]]]] = {
    Tool.AIRFLOW: airflow.events,
    Tool.DBT: dbt.events,
    Tool.DLT: dlt.events,
    Tool.FLINK: flink.events,
    Tool.PREFECT: prefect.events,
    Tool.SPARK: spark.events,
}


def events_of(occasion: Occasion) -> Iterator[Sent]:
    """Give all events of one run of a flow and of what it starts, not in order."""
    if not occasion.fate.skipped:
        yield from EMITTERS[occasion.flow.tool](occasion)
    for each in occasion.tries:
        if not occasion.fate.skipped and (nested := occasion.nested(each)):
            yield from events_of(nested)
