"""Spark 3.5 with openlineage-spark: a run of the application, and one of each action of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from collector.demo.emitters.columns import schema, sources
from collector.demo.facets import SPEC, Json, custom, facet, run_event, zulu_time
from collector.demo.model import Step, Table
from collector.demo.occasions import Occasion, Sent, Try

PRODUCER: Final = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark"
CUSTOM_RUN: Final = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet"


def events(occasion: Occasion) -> Iterator[Sent]:
    """Give the events of an application and its actions; rows are known with the second RUNNING of each."""
    details = custom(
        PRODUCER,
        "spark_applicationDetails",
        CUSTOM_RUN,
        appName=occasion.flow.name,
        applicationId=f"application_{occasion.at // 1_000_000}_0001",
        deployMode="cluster",
        master="yarn",
        userName="spark",
    )
    yield _application(occasion, "START", occasion.start, details)
    for each in occasion.tries:
        yield from _action(occasion, each)
    yield _application(occasion, "FAIL" if occasion.failed else "COMPLETE", occasion.end, {})


def _application(occasion: Occasion, kind: str, at: int, run: Json) -> Sent:
    flow = occasion.flow
    body = run_event(
        PRODUCER, kind, zulu_time(at), occasion.run_id(), (flow.namespace, flow.name),
        run=run | _engine(), about=_job(occasion, "APPLICATION"), inputs=[], outputs=[],
    )  # fmt: skip
    return Sent(at + occasion.late(kind, 0.05, 0.3), body)


def _action(occasion: Occasion, each: Try) -> Iterator[Sent]:
    flow, step = occasion.flow, each.step
    job, over = {"name": flow.name, "namespace": flow.namespace}, {"runId": occasion.run_id()}
    run = facet(PRODUCER, "parent", job=job, run=over, root={"job": job, "run": over}) | _engine()
    inputs = [_dataset(occasion, table) for table in step.reads]
    plain = [_output(occasion, step, table, counted=False) for table in step.writes]
    counted = [_output(occasion, step, table, counted=True) for table in step.writes]
    middle, near = each.start + (each.end - each.start) // 3, each.end - (each.end - each.start) // 10
    ends = [("START", each.start, plain), ("RUNNING", middle, plain)]
    failure: Json = {}
    if each.failed:
        ends.append(("FAIL", each.end, plain))
        failure = facet(
            PRODUCER,
            "errorMessage",
            message=occasion.fate.failure.message,
            programmingLanguage="JAVA",
        )
    else:
        ends += [("RUNNING", near, counted), ("COMPLETE", each.end, plain)]
    for kind, at, outputs in ends:
        body = run_event(
            PRODUCER, kind, zulu_time(at), occasion.run_id(step.name, at=each.start),
            (flow.namespace, f"{flow.name}.{step.name}"), run=run | (failure if kind == "FAIL" else {}),
            about=_job(occasion, "SQL_JOB"), inputs=inputs, outputs=outputs,
        )  # fmt: skip
        yield Sent(at + occasion.late(f"{step.name}{kind}{at}", 0.05, 0.3), body)


def _job(occasion: Occasion, kind: str) -> Json:
    found = facet(PRODUCER, "jobType", integration="SPARK", jobType=kind, processingType="BATCH")
    return found | facet(PRODUCER, "ownership", of_job=True, owners=[{"name": occasion.flow.owner}])


def _engine() -> Json:
    return facet(
        PRODUCER, "processing_engine", name="spark", openlineageAdapterVersion="1.54.0", version="3.5.6"
    )


def _dataset(occasion: Occasion, table: Table) -> Json:
    facets = schema(PRODUCER, occasion, table, nested=False)
    facets |= facet(PRODUCER, "dataSource", name=table.namespace, uri=table.namespace)
    if table.link:
        link = {"name": table.link[1], "namespace": table.link[0], "type": "TABLE"}
        facets |= facet(PRODUCER, "symlinks", identifiers=[link])
    return {"facets": facets, "inputFacets": {}, "name": table.name, "namespace": table.namespace}


def _output(occasion: Occasion, step: Step, table: Table, *, counted: bool) -> Json:
    found = _dataset(occasion, table)
    del found["inputFacets"]
    fields = {
        name: {
            "inputFields": [
                {
                    "field": field,
                    "name": read.name,
                    "namespace": read.namespace,
                    "transformations": [_transformation(name, field, len(made_of))],
                }
                for read, field in made_of
            ]
        }
        for name, made_of in sources(occasion, step, table)
    }
    if fields:
        found["facets"] |= facet(PRODUCER, "columnLineage", fields=fields)
    if counted and table.rows:
        rows = occasion.rows(table)
        found["outputFacets"] = facet(
            PRODUCER, "outputStatistics", fileCount=1 + rows // 100_000, rowCount=rows, size=rows * 61
        )
    return found


def _transformation(name: str, field: str, number: int) -> Json:
    subtype = "IDENTITY" if name == field else "TRANSFORMATION" if number == 1 else "AGGREGATION"
    return {"description": "", "masking": False, "subtype": subtype, "type": "DIRECT"}
