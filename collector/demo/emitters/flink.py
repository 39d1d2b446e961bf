"""Flink 2: a job that goes on for weeks and tells from time to time that it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from collector.demo.emitters.columns import schema
from collector.demo.facets import Json, facet, run_event, zulu_time
from collector.demo.model import Table
from collector.demo.occasions import Occasion, Sent

PRODUCER: Final = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/flink"


def events(occasion: Occasion) -> Iterator[Sent]:
    """Give the event of one checkpoint; all of a seed are of one run."""
    flow, (step,) = occasion.flow, occasion.flow.steps
    # The job was deployed long before anybody looked, and has not been restarted since.
    deployed = replace(occasion, at=0)
    run_id = deployed.run_id(at=DEPLOYED)
    about = facet(PRODUCER, "jobType", integration="FLINK", jobType="JOB", processingType="STREAMING")
    about |= facet(PRODUCER, "ownership", of_job=True, owners=[{"name": flow.owner}])
    about |= facet(
        PRODUCER,
        "sourceCodeLocation",
        type="git",
        url=f"https://git.shop.example/streams/{flow.name}",
        repoUrl="https://git.shop.example/streams",
        path=flow.name,
        version="4be1c07",
        branch="main",
    )
    run = facet(
        PRODUCER, "processing_engine", name="flink", openlineageAdapterVersion="1.54.0", version="2.0.1"
    )
    body = run_event(
        PRODUCER, "RUNNING", zulu_time(occasion.at), run_id, (flow.namespace, flow.name), run=run, about=about,
        inputs=[_dataset(occasion, table) for table in step.reads],
        outputs=[_dataset(occasion, table) for table in step.writes],
    )  # fmt: skip
    yield Sent(occasion.at + occasion.late("RUNNING", 0.05, 0.4), body)


def _dataset(occasion: Occasion, table: Table) -> Json:
    facets = schema(PRODUCER, occasion, table, nested=False)
    facets |= facet(PRODUCER, "dataSource", name=table.namespace, uri=table.namespace)
    return {"facets": facets, "name": table.name, "namespace": table.namespace}


DEPLOYED: Final = 1_767_261_600_000_000
"""When the jobs were deployed (µs UTC)."""
