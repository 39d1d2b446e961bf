"""An account of deadlines made by hand, for tests of what reads it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from collector.storage.outcomes import Exclusion, Settled, write
from lineage.model import DatasetRef
from triggers.breaches import Described
from triggers.outcomes import Outcome, Settlement
from triggers.rules import RuleSet

DAY = 86_400_000_000


def nobody(_ids: Collection[int]) -> Mapping[int, Described]:
    """Describe no dataset."""
    return {}


def settled(expectation: str, dataset_id: int, *outcomes: Outcome) -> Settled:
    """Give what a look has found."""
    return Settled(expectation, dataset_id, Settlement(list(outcomes), [], 0, None))


def history(
    conn: Connection, expectation: str, name: str, last: int, met: str, namespace: str = "shop"
) -> int:
    """Write a deadline a day, the last one at ``last`` (µs UTC): met (``+``), missed (``-``); give the dataset's id."""
    dataset_id = DatasetRef(namespace, name).id
    found = []
    for number, sign in enumerate(reversed(met)):
        deadline = last - number * DAY
        arrived = deadline - DAY // 24 if sign == "+" else None
        found.append(Outcome(deadline, deadline, arrived, arrived is not None))
    write(conn, [settled(expectation, dataset_id, *found)], Exclusion(RuleSet(), nobody))
    return dataset_id
