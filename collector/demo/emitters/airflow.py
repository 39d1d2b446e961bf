"""Airflow 3.3 with its OpenLineage provider 2.20: a run of the DAG, and one of each try of a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from collector.demo.emitters.columns import schema, sources
from collector.demo.facets import CLIENT_TAGS, SPEC, Json, custom, facet, offset_time, run_event
from collector.demo.model import SECOND, Step, Table
from collector.demo.occasions import Occasion, Sent, Try

PRODUCER: Final = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
CUSTOM_RUN: Final = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet"
SERVER: Final = "https://airflow.shop.example"


def events(occasion: Occasion) -> Iterator[Sent]:
    """Give the events of a DAG run and its tasks; of what is upstream_failed Airflow says nothing."""
    for each in occasion.tries:
        yield from _task(occasion, each)
    yield _dag(occasion, "START", occasion.start)
    yield _dag(occasion, "FAIL" if occasion.failed else "COMPLETE", occasion.end)


def _dag(occasion: Occasion, kind: str, at: int) -> Sent:
    flow = occasion.flow
    run = custom(PRODUCER, "airflowDagRun", CUSTOM_RUN, dag=_about_dag(occasion), dagRun=_about_run(occasion))
    if kind != "START":
        states = {each.step.name: "failed" if each.failed else "success" for each in occasion.tries}
        states = {step.name: "upstream_failed" for step in flow.steps} | states
        took = {each.step.name: (each.end - each.start) / SECOND for each in occasion.tries}
        run |= custom(
            PRODUCER,
            "airflowState",
            CUSTOM_RUN,
            dagRunState="failed" if kind == "FAIL" else "success",
            tasksDuration=took,
            tasksState=states,
        )
    run |= _every_run(occasion)
    body = run_event(
        PRODUCER, kind, offset_time(at), occasion.run_id(), (flow.namespace, flow.name), run=run,
        about=_about_job(occasion, "DAG"), inputs=[], outputs=[],
    )  # fmt: skip
    return Sent(at + occasion.late(kind, 0.04, 0.2), body)


def _task(occasion: Occasion, each: Try) -> Iterator[Sent]:
    flow, step = occasion.flow, each.step
    job = (flow.namespace, f"{flow.name}.{step.name}")
    # Airflow makes the id from the DAG run's, so that whatever a task starts can be told of it beforehand.
    run_id = occasion.run_id(f"{step.name} {each.number}", at=occasion.start)
    dag = {"facets": {}, "name": flow.name, "namespace": flow.namespace}
    dag_run = {"facets": {}, "runId": occasion.run_id()}
    run = custom(
        PRODUCER,
        "airflow",
        CUSTOM_RUN,
        dag=_about_dag(occasion),
        dagRun=_about_run(occasion),
        task=_about_task(occasion, step),
        taskInstance=_about_instance(occasion, each),
        taskUuid=run_id,
    )
    run |= facet(PRODUCER, "parent", job=dag, run=dag_run, root={"job": dag, "run": dag_run})
    run |= _every_run(occasion)
    about = _about_job(occasion, "TASK")
    if step.sql:
        about |= facet(PRODUCER, "sql", query=step.sql)
    ends = [("START", each.start, (1.0, 2.8)), ("FAIL" if each.failed else "COMPLETE", each.end, (0.2, 0.9))]
    for kind, at, lateness in ends:
        error = occasion.fate.failure
        failed = (
            facet(
                PRODUCER,
                "errorMessage",
                message=error.message,
                programmingLanguage="python",
                stackTrace=error.trace,
            )
            if kind == "FAIL"
            else {}
        )
        known = kind == "COMPLETE"
        body = run_event(
            PRODUCER, kind, offset_time(at), run_id, job, run=run | failed, about=about,
            inputs=[_input(occasion, step, table, known=known) for table in step.reads],
            outputs=[_output(occasion, step, table, known=known) for table in step.writes],
        )  # fmt: skip
        yield Sent(at + occasion.late(f"{step.name}{each.number}{kind}", *lateness), body)


def _input(occasion: Occasion, step: Step, table: Table, *, known: bool) -> Json:
    facets = schema(PRODUCER, occasion, table) if known else {}
    if known and step.checks:
        facets |= facet(
            PRODUCER, "dataQualityAssertions", assertions=[_assertion(table, each) for each in step.checks]
        )
    return {"facets": facets, "name": table.name, "namespace": table.namespace}


def _assertion(table: Table, check: Any) -> Json:
    column = {"column": check.column} if check.column else {}
    return {
        "actual": "0" if check.column else "1",
        "assertion": check.assertion,
        **column,
        "expected": "0" if check.column else "all truthy",
        "name": f"{check.column}_{check.assertion}" if check.column else "row_count",
        "params": {},
        "severity": check.severity,
        "success": True,
    }


def _output(occasion: Occasion, step: Step, table: Table, *, known: bool) -> Json:
    found: Json = {"facets": {}, "name": table.name, "namespace": table.namespace}
    if not known:
        return found
    fields = {
        name: {
            "inputFields": [
                {"field": field, "name": read.name, "namespace": read.namespace, "transformations": []}
                for read, field in made_of
            ],
            "transformationDescription": "",
            "transformationType": "",
        }
        for name, made_of in sources(occasion, step, table)
    }
    if fields:
        found["facets"] |= facet(PRODUCER, "columnLineage", dataset=[], fields=fields)
    found["facets"] |= schema(PRODUCER, occasion, table)
    if table.rows:
        statistics = facet(PRODUCER, "outputStatistics", rowCount=occasion.rows(table))
        found["outputFacets"] = statistics
    return found


def _about_job(occasion: Occasion, kind: str) -> Json:
    flow = occasion.flow
    found = facet(PRODUCER, "jobType", integration="AIRFLOW", jobType=kind, processingType="BATCH")
    found |= facet(PRODUCER, "ownership", of_job=True, owners=[{"name": flow.owner}])
    found |= facet(
        PRODUCER, "documentation", of_job=True, contentType="text/plain", description=flow.description
    )
    tags = [{"key": tag, "source": "AIRFLOW", "value": tag} for tag in flow.tags]
    return found | facet(PRODUCER, "tags", of_job=True, tags=tags)


def _every_run(occasion: Occasion) -> Json:
    start, end = occasion.nominal
    found = facet(
        PRODUCER, "nominalTime", nominalStartTime=offset_time(start), nominalEndTime=offset_time(end)
    )
    found |= facet(
        PRODUCER, "processing_engine", name="Airflow", openlineageAdapterVersion="2.20.3", version="3.3.2"
    )
    return found | facet(PRODUCER, "tags", tags=CLIENT_TAGS)


def _about_dag(occasion: Occasion) -> Json:
    flow = occasion.flow
    return {
        "dag_id": flow.name,
        "description": flow.description,
        "fileloc": f"/opt/airflow/dags/{flow.name}.py",
        "owner": flow.owner,
        "owner_links": {},
        "start_date": "2025-03-01T00:00:00+00:00",
        "tags": repr(list(flow.tags)),
        "timetable": {},
    }


def _about_run(occasion: Occasion) -> Json:
    start, end = occasion.nominal
    return {
        "clear_number": 0,
        "conf": {},
        "dag_id": occasion.flow.name,
        "data_interval_end": offset_time(end),
        "data_interval_start": offset_time(start),
        "run_id": _run_name(occasion),
        "run_type": "scheduled",
        "start_date": offset_time(occasion.start),
    }


def _run_name(occasion: Occasion) -> str:
    return f"scheduled__{offset_time(occasion.nominal[1])}"


def _about_task(occasion: Occasion, step: Step) -> Json:
    operator = "BashOperator" if step.runs else "SQLExecuteQueryOperator" if step.sql else "S3KeySensor"
    names = [other.name for other in occasion.flow.steps if step.name in (other.after or ())]
    return {
        "depends_on_past": False,
        "downstream_task_ids": repr(names),
        "mapped": False,
        "operator_class": operator,
        "owner": occasion.flow.owner,
        "queue": "default",
        "retries": 1,
        "task_id": step.name,
        "trigger_rule": "all_success",
        "upstream_task_ids": repr(list(step.after or ())),
    }


def _about_instance(occasion: Occasion, each: Try) -> Json:
    run = quote(_run_name(occasion), safe="")
    path = f"dags/{occasion.flow.name}/runs/{run}/tasks/{each.step.name}?try_number={each.number}"
    return {"dag_bundle_name": "dags-folder", "log_url": f"{SERVER}/{path}", "try_number": each.number}
