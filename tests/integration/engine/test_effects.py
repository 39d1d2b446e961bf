"""What a firing tells of itself makes cause and effect one path in the graph."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from collector.storage.graph import SqlGraph
from lineage.model import DatasetRef, JobRef
from lineage.traverse import Level, Way, traverse
from tests.events import MINUTE, Json, dataset, run_event
from tests.fired import Fired, fired
from tests.integration.engine.conftest import MakeStand
from tests.stand import Stand

RULES = """
version: 1
targets:
  hook: {kind: webhook, url: "http://127.0.0.1:9/hook"}
triggers:
  - id: build
    when:
      all:
        - {id: orders, dataset: {namespace: db, name: raw.orders}}
        - {id: payments, dataset: {namespace: db, name: raw.payments}}
    join: {mode: latched, expire: 1d}
    do: [{start: hook}]
"""


def run_id(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))


def run(server: Stand, kind: str, job: str, parent: JobRef, parent_run: str, **data: list[str]) -> Json:
    """Give an event of a run, now; ``data`` are names of datasets."""
    facet = {"parent": {"run": {"runId": parent_run}, "job": parent._asdict()}}
    named = {key: [dataset(name, "db") for name in names] for key, names in data.items()}
    return run_event(
        kind, server.now, job, run_id(job + parent_run), namespace="airflow", run_facets=facet, **named
    )


def fire(server: Stand) -> Fired:
    """Let the tables come that the trigger waits for."""
    for name in ("orders", "payments"):
        server.run(f"load_{name}", [dataset(f"raw.{name}", "db")])
        server.rest()
    return fired(server.database)[-1]


def dag_run(server: Stand, firing: Fired, end: str = "COMPLETE") -> None:
    """Let the firing start a DAG of two tasks, which ends a minute later."""
    dag, trigger = JobRef("airflow", "daily"), JobRef("tidegate", "build")
    own = run_id(dag.name + firing.id)
    server.now += MINUTE
    server.take_in(
        [
            run(server, "START", dag.name, trigger, firing.id),
            run(server, "COMPLETE", "daily.first", dag, own, outputs=["mid"]),
            run(server, "COMPLETE", "daily.second", dag, own, inputs=["mid"], outputs=["mart"]),
            run(server, end, dag.name, trigger, firing.id),
        ]
    )
    server.rest()
    server.projector.drain()


def reached(server: Stand, level: Level = Level.JOB) -> set[str]:
    """Give what lies downstream of one of the raw tables."""
    with server.database.read() as conn:
        found = traverse(SqlGraph(conn), DatasetRef("db", "raw.orders"), Way.DOWNSTREAM, 20, level)
    return {node.name for node in found.nodes}


def test_the_walk_goes_from_raw_tables_through_the_firing_to_what_was_written(stand: MakeStand) -> None:
    server = stand()
    server.apply(RULES)
    dag_run(server, fire(server))
    assert fired(server.database)[-1].state == "completed"
    assert reached(server) == {"raw.orders", "build", "daily.first", "mid", "daily.second", "mart"}
    assert reached(server, Level.DATASET) == {"raw.orders", "mid", "mart"}
    with server.database.read() as conn:
        upstream = traverse(SqlGraph(conn), DatasetRef("db", "mart"), Way.UPSTREAM, 20)
    assert {"raw.orders", "raw.payments", "load_orders", "load_payments"} <= {
        node.name for node in upstream.nodes
    }
    runs = [node.name for node in upstream.nodes if node.namespace == "tidegate"]
    assert runs == ["build"]


def test_a_run_that_failed_has_led_nowhere_new_and_takes_no_path_away(stand: MakeStand) -> None:
    server = stand()
    server.apply(RULES)
    dag_run(server, fire(server), "FAIL")
    assert fired(server.database)[-1].state == "failed"
    assert reached(server) == {"raw.orders", "build"}
    server.now += MINUTE
    dag_run(server, fire(server))
    there = reached(server)
    assert "mart" in there
    server.now += MINUTE
    dag_run(server, fire(server), "FAIL")
    assert reached(server) == there
