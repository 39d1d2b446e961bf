"""dlt 1.31 with dlt-openlineage 0.1: one run of the pipeline, with the tables that it loads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from collector.demo.emitters.columns import schema
from collector.demo.facets import CLIENT, CLIENT_TAGS, Json, custom, facet, offset_time, run_event
from collector.demo.model import SECOND, Table
from collector.demo.occasions import Occasion, Sent

PRODUCER: Final = "https://github.com/sidequery/dlt-openlineage"


def events(occasion: Occasion) -> Iterator[Sent]:
    """Give START, RUNNING after the extraction, COMPLETE. Only the first says what kind of job it is."""
    flow = occasion.flow
    (load,) = occasion.tries
    tables = load.step.writes
    resources = [
        {"facets": {}, "inputFacets": {}, "name": table.short, "namespace": flow.namespace}
        for table in tables
        if "__" not in table.short
    ]
    about = facet(CLIENT, "jobType", integration="DLT", jobType="PIPELINE", processingType="BATCH")
    engine = facet(
        CLIENT, "processing_engine", name="dlt", openlineageAdapterVersion="0.1.0", version="1.31.0"
    )
    extracted = load.start + (load.end - load.start) * 6 // 10
    done = {
        "dataset_name": tables[0].name.split(".")[1],
        "destination_name": "postgres",
        "destination_type": "dlt.destinations.postgres",
        "failed_jobs": 0,
        "step": "load",
        "total_jobs": len(tables) + 2,
    }
    outputs = [_output(occasion, table) for table in tables]
    yield _event(occasion, "START", load.start, engine, about, [], [])
    yield _event(occasion, "RUNNING", extracted, _execution(step="extract"), {}, resources, [])
    yield _event(occasion, "COMPLETE", load.end, _execution(**done), {}, resources, outputs)


def _event(
    occasion: Occasion, kind: str, at: int, run: Json, about: Json, inputs: list[Json], outputs: list[Json]
) -> Sent:
    flow = occasion.flow
    body = run_event(
        PRODUCER, kind, offset_time(at), occasion.run_id(version=4), (flow.namespace, flow.name),
        run=run | facet(CLIENT, "tags", tags=CLIENT_TAGS), about=about, inputs=inputs, outputs=outputs,
    )  # fmt: skip
    return Sent(at + SECOND // 20 + occasion.late(kind, 0.02, 0.2), body)


def _execution(**values: object) -> Json:
    return custom(PRODUCER, "dlt_execution", f"{PRODUCER}#DltExecutionRunFacet", **values)


def _output(occasion: Occasion, table: Table) -> Json:
    """Name a table as dlt does: by a hash of the host, and without the database."""
    return {
        "facets": schema(CLIENT, occasion, table),
        "name": table.name.partition(".")[2],
        "namespace": f"dlt.destinations.postgres://{occasion.flow.fingerprint}",
        "outputFacets": facet(CLIENT, "outputStatistics", rowCount=occasion.rows(table)),
    }
