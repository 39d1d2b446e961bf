"""Prefect 3.8 with openlineage-prefect 0.0.1b22: a run of the flow and of each task, with facets under old keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from collector.demo.facets import (
    CLIENT,
    CLIENT_TAGS,
    SPEC,
    Json,
    custom,
    facet,
    offset_time,
    run_event,
    zulu_time,
)
from collector.demo.model import Table
from collector.demo.occasions import Occasion, Sent

PRODUCER: Final = "https://github.com/OpenLineage/openlineage/integration/prefect"
SCHEMA: Final = f"{SPEC}/1-0-5/OpenLineage.json#/definitions/RunEvent"
MAIN: Final = "https://raw.githubusercontent.com/OpenLineage/OpenLineage/main"
DATABASE: Final = "postgresql://warehouse.shop.internal:5432/shop"
"""The address of the database as it stands in the flow: what Prefect takes for the namespace of a table."""


def events(occasion: Occasion) -> Iterator[Sent]:
    """Give the events of a flow run and its task runs."""
    flow = occasion.flow
    yield _event(occasion, "START", occasion.start, occasion.run_id(), flow.name, "FLOW", {}, [], [])
    for each in occasion.tries:
        step = each.step
        run = facet(CLIENT, "nominalTime", nominalStartTime=zulu_time(each.start)) | custom(
            CLIENT,
            "parentRun",
            _definition("ParentRunFacet"),
            job={"name": flow.name, "namespace": flow.namespace},
            run={"runId": occasion.run_id()},
        )
        inputs, outputs = [_named(table) for table in step.reads], [_named(table) for table in step.writes]
        run_id = occasion.run_id(step.name, at=each.start)
        for kind, at in (("START", each.start), ("COMPLETE", each.end)):
            yield _event(occasion, kind, at, run_id, step.name, "TASK", run, inputs, outputs)
    yield _event(occasion, "COMPLETE", occasion.end, occasion.run_id(), flow.name, "FLOW", {}, [], [])


def _event(
    occasion: Occasion,
    kind: str,
    at: int,
    run_id: str,
    name: str,
    job_type: str,
    run: Json,
    inputs: list[Json],
    outputs: list[Json],
) -> Sent:
    flow = occasion.flow
    about = custom(
        CLIENT, "jobType", _definition("JobTypeJobFacet"), integration="Prefect", jobType=job_type,
        processingType="BATCH",
    )  # fmt: skip
    deployment = custom(
        CLIENT,
        "prefectDeployment",
        f"{MAIN}/integration/prefect/src/openlineage_prefect/prefect_adapter/facets/PrefectDeploymentRunFacet.json",
        created="2026-02-03T09:12:44.776306+00:00",
        deploymentId=str(uuid5(NAMESPACE_URL, f"{PRODUCER}/{flow.name}")),
        name="prod",
        updated="2026-02-03T09:12:44.768303+00:00",
    )
    schema = f"{SPEC}/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"
    engine = custom(CLIENT, "processingEngine", schema, name="Prefect", version="3.8.8")
    body = run_event(
        PRODUCER, kind, offset_time(at), run_id, (flow.namespace, name),
        run=run | deployment | engine | facet(CLIENT, "tags", tags=CLIENT_TAGS),
        about=about, inputs=inputs, outputs=outputs, schema=SCHEMA,
    )  # fmt: skip
    return Sent(at + occasion.late(f"{name}{kind}", 0.08, 0.4), body)


def _definition(name: str) -> str:
    return f"{MAIN}/spec/OpenLineage.json#/definitions/{name}"


def _named(table: Table) -> Json:
    return {"facets": {}, "name": table.short, "namespace": DATABASE}
