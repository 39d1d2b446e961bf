"""What a firing tells of itself makes cause and effect one path in the graph."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from collector.storage import run_history
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


def dag_run(server: Stand, firing: Fired, end: str = "COMPLETE", *, tasks: bool = True) -> None:
    """Let the firing start a DAG of two tasks, which ends a minute later."""
    dag, trigger = JobRef("airflow", "daily"), JobRef("tidegate", "build")
    own = run_id(dag.name + firing.id)
    server.now += MINUTE
    done = [
        run(server, "COMPLETE", "daily.first", dag, own, outputs=["mid"]),
        run(server, "COMPLETE", "daily.second", dag, own, inputs=["mid"], outputs=["mart"]),
    ]
    begin, over = (run(server, kind, dag.name, trigger, firing.id) for kind in ("START", end))
    server.take_in([begin, *(done if tasks else ()), over])
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


EXPECTED = """
expectations:
  - {id: mart, dataset: {namespace: db, name: mart}, max_age: 30m}
alerting:
  group_wait: 0s
  routes: [{to: hook}]
"""


def test_what_was_started_is_the_cause_and_not_the_trigger(stand: MakeStand) -> None:
    """The firing fails too, and goes on for as long as its run; neither says anything new."""
    server = stand()
    server.apply(RULES + EXPECTED)
    dag_run(server, fire(server))
    server.now += MINUTE
    firing = fire(server)
    dag = JobRef("airflow", "daily")
    server.take_in([run(server, "FAIL", "daily.first", dag, run_id(dag.name + firing.id))])
    dag_run(server, firing, "FAIL", tasks=False)
    assert [each.state for each in fired(server.database)] == ["completed", "failed"]
    server.until(server.now + 40 * MINUTE)
    causes = [alert.name for message in server.messages() for alert in message.alerts]
    assert "daily.first" in causes
    assert "mart" not in causes
    assert not any("The run of build" in message.text for message in server.messages())
    with server.database.read() as conn:
        forecast_from = run_history.upstream(conn, DatasetRef("db", "mart").id)
    assert set(forecast_from.names.values()) == {
        "daily.second",
        "daily.first",
        "load_orders",
        "load_payments",
    }


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
