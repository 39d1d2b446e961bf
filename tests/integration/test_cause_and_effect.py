"""One path in the graph: from the table that a trigger waited for, through its firing, to what was written for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from collector.app import create_app
from collector.auth import Authenticator
from collector.cli import main
from collector.ingest.projector import Projector
from collector.settings import Settings
from collector.storage.effects import entry_jobs
from collector.storage.engine import Database
from collector.wiring import Services
from lineage.model import JobRef, run_key
from tests.captured import captured
from tests.dump import feed
from tests.events import MINUTE, NAMESPACE, NOON, Json, dataset, run_event

AIRFLOW = "airflow-prod"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def run_id(number: int) -> str:
    return f"01980000-0000-7000-8000-{number:012}"


def project(database: Database, events: Collection[Json]) -> None:
    feed(database, events, received_at=NOON)
    Projector(database, holder="test").drain()


def begun(database: Database, *run_ids: str) -> list[list[str]]:
    """Give the names of the jobs from which all follows, run by run."""
    with database.read() as conn:
        found = entry_jobs(conn, [run_key(each) for each in run_ids])
    return [[each.name for each in found[run_key(run)]] for run in run_ids]


def child_of(number: int, job: JobRef | None, root: tuple[int, JobRef] | None = None) -> Json:
    above = {"root": _named(*root)} if root else {}
    return {"parent": {**_named(number, job), **above}}


def _named(number: int, job: JobRef | None) -> Json:
    return {"run": {"runId": run_id(number)}, **({"job": job._asdict()} if job else {})}


# --- from which jobs the rest follows --------------------------------------------------------------------------


def test_a_dag_began_with_the_tasks_that_need_no_other_one(database: Database) -> None:
    events = [event for event, _ in captured("airflow/shop_etl")]
    project(database, events)
    dag_run = next(event["run"]["runId"] for event in events if event["job"]["name"] == "shop_etl")
    assert begun(database, dag_run) == [["shop_etl.create_tables", "shop_etl.seed_raw"]]


def test_assets_of_one_run_are_found_without_a_parent(database: Database) -> None:
    events = [event for event, _ in captured("dagster/mechA_storage")]
    project(database, events)
    shared = next(event["run"]["runId"] for event in events if event.get("job", {}).get("name") == "split_a")
    assert begun(database, shared) == [["shop/raw_orders", "split_a", "split_b"]]


def test_runs_far_below_count_and_parents_may_be_without_a_job(database: Database) -> None:
    flow = JobRef("prefect", "nightly")
    project(
        database,
        [
            run_event("START", job=flow.name, run=run_id(1), namespace=flow.namespace),
            run_event("START", job="dbt", run=run_id(2), run_facets=child_of(1, flow)),
            run_event(
                "COMPLETE", NOON + 2, "model", run_id(3), ["raw"], ["mid"], run_facets=child_of(2, None)
            ),
            run_event(
                "COMPLETE", NOON + 3, "next", run_id(4), ["mid"], ["mart"], run_facets=child_of(2, None)
            ),
            run_event("COMPLETE", NOON + 1, "stranger", run_id(5), ["raw"], ["mart"]),
            # Its parent is of another job that happens to have the same run id.
            run_event("COMPLETE", NOON + 1, "other", run_id(6), run_facets=child_of(1, JobRef("x", "y"))),
        ],
    )
    assert begun(database, run_id(1), run_id(2)) == [["model"], ["model"]]


def test_a_job_without_data_stands_for_itself_and_a_run_nobody_saw_for_none(database: Database) -> None:
    project(database, [run_event("COMPLETE", job="mail", run=run_id(1))])
    assert begun(database, run_id(1), run_id(9)) == [["mail"], []]


# --- the path --------------------------------------------------------------------------------------------------


def firing(began: list[JobRef], started: JobRef) -> Json:
    """Give the end of a firing as the engine tells of it."""
    raw = {"type": "DATASET", **dataset("raw")}
    fed = [{"type": "JOB", **each._asdict(), "inputs": [raw]} for each in began]
    follows = {"job": started._asdict(), "run": {"runId": run_id(3)}, "dependency_type": "DIRECT_INVOCATION"}
    return run_event(
        "COMPLETE",
        NOON + 9 * MINUTE,
        "build",
        run_id(2),
        ["raw"],
        namespace="tidegate",
        run_facets={"jobDependencies": {"downstream": [follows]}},
        job_facets={"lineage": {"entries": fed}},
    )


@pytest.fixture
def fired(database: Database) -> Database:
    """Let a table be loaded, a trigger fire on it, and the DAG that it starts run two tasks."""
    dag, first, second = (JobRef(AIRFLOW, name) for name in ("daily", "daily.first", "daily.second"))
    trigger = JobRef("tidegate", "build")
    project(
        database,
        [
            run_event("COMPLETE", NOON, "extract", run_id(1), outputs=["raw"]),
            run_event("START", NOON + MINUTE, "build", run_id(2), ["raw"], namespace="tidegate"),
            started(3, dag, run_facets=child_of(2, trigger)),
            started(4, first, outputs=["mid"], run_facets=child_of(3, dag, root=(2, trigger))),
            started(
                5, second, inputs=["mid"], outputs=["mart"], run_facets=child_of(3, dag, root=(2, trigger))
            ),
        ],
    )
    with database.read() as conn:
        (began,) = entry_jobs(conn, [run_key(run_id(3))]).values()
    assert began == [first]
    project(database, [firing(began, dag)])
    return database


def started(number: int, job: JobRef, **parts: Any) -> Json:
    at = NOON + number * MINUTE
    return run_event("COMPLETE", at, job.name, run_id(number), namespace=job.namespace, **parts)


def lineage(database_url: str, *options: str) -> list[str]:
    words = ["lineage", f"dataset:{NAMESPACE}:raw", "--direction", "downstream", *options, "-d", database_url]
    lines = CliRunner().invoke(main, words, catch_exceptions=False).stdout.splitlines()
    return [line.replace(f"{NAMESPACE}:", "") for line in lines]


def test_the_command_walks_from_the_raw_table_to_what_was_written(fired: Database, database_url: str) -> None:
    assert lineage(database_url) == [
        "dataset raw",
        "└── job tidegate:build",
        "    └── job airflow-prod:daily.first",
        "        └── dataset mid",
        "            └── job airflow-prod:daily.second",
        "                └── dataset mart",
    ]
    assert lineage(database_url, "--level", "dataset") == [
        "dataset raw",
        "└── dataset mid",
        "    └── dataset mart",
    ]


def test_what_was_started_can_be_seen_as_control_flow(fired: Database, database_url: str) -> None:
    assert "    ├── job airflow-prod:daily (runs before, no data)" in lineage(database_url, "--control")


def test_the_apis_tell_of_the_same_path(fired: Database) -> None:
    services = Services(Settings(), fired, Authenticator(fired, cache_seconds=0))
    ask = create_app(services).test_client()
    mart = f"dataset:{NAMESPACE}:mart"
    native = ask.get("/api/v2/lineage", query_string={"node": mart, "direction": "upstream"})
    assert native.status_code == 200, native.text
    assert {"tidegate:build", "airflow-prod:daily.first"} <= {
        node["id"].removeprefix("job:") for node in native.get_json()["nodes"]
    }
    marquez = ask.get("/api/v1/lineage", query_string={"nodeId": mart})
    assert marquez.status_code == 200, marquez.text
    edges = {
        (edge["origin"], edge["destination"])
        for node in marquez.get_json()["graph"]
        for edge in node["outEdges"]
    }
    assert ("job:tidegate:build", f"job:{AIRFLOW}:daily.first") in edges
    assert (f"dataset:{NAMESPACE}:raw", "job:tidegate:build") in edges


def test_a_job_that_a_trigger_started_is_no_part_of_it(fired: Database, database_url: str) -> None:
    """Else a DAG would have another name, and fold into another job, depending on who started it last."""
    ask = create_app(Services(Settings(), fired, Authenticator(fired, cache_seconds=0))).test_client()
    for name, parent in (("daily", None), ("daily.first", "daily")):
        found = ask.get(f"/api/v1/namespaces/{AIRFLOW}/jobs/{name}").get_json()
        assert (found["name"], found["parentJobName"]) == (name, parent)
    for fold in ("parent", "root"):
        assert lineage(database_url, "--fold", fold)[1:3] == [
            "└── job tidegate:build",
            "    └── job airflow-prod:daily",
        ]


def test_a_firing_that_fails_leaves_the_path_as_it_was(fired: Database, database_url: str) -> None:
    before = lineage(database_url)
    failed = run_event("FAIL", NOON + 20 * MINUTE, "build", run_id(8), ["raw"], namespace="tidegate")
    project(fired, [failed])
    assert lineage(database_url) == before
