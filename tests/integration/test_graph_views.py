"""The graph as events make it: jobs that follow jobs, steps of noisy tools, artificial datasets, moments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from collector.ingest.projector import Projector
from collector.storage.catalog import count_entities, list_named
from collector.storage.engine import Database
from collector.storage.graph import SqlGraph
from collector.storage.runs import run_data
from collector.storage.tables import run
from lineage.fold import Fold
from lineage.model import DatasetRef, JobRef
from lineage.timeline import Moment
from lineage.traverse import Level, Subgraph, Way, traverse
from tests.dump import assert_sound, feed
from tests.events import HOUR, NOON, dataset, dataset_event, job_event, job_ref, ref, run_event
from tests.statements import counted


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def project(database: Database, *events: Any) -> None:
    for event in events:
        feed(database, [event], received_at=NOON)
    assert Projector(database, holder="test").drain() == len(events)
    with database.read() as conn:
        assert_sound(conn)


def walk(database: Database, start: JobRef | DatasetRef, way: Way = Way.BOTH, **options: Any) -> Subgraph:
    level = options.pop("level", Level.JOB)
    with database.read() as conn:
        return traverse(SqlGraph(conn, **options), start, way, 20, level)


def flows(answer: Subgraph, kind: str = "data") -> set[tuple[str, str]]:
    return {
        (link.source.rpartition(":")[2], link.target.rpartition(":")[2])
        for link in answer.links
        if link.kind == kind
    }


def job_source(name: str) -> dict[str, str]:
    return {"type": "JOB", "namespace": "shop", "name": name}


def entry(name: str, *inputs: object) -> dict[str, Any]:
    return {"type": "DATASET", **dataset(name), "inputs": list(inputs)}


def test_a_job_that_feeds_a_job_is_an_edge_between_them(database: Database) -> None:
    """Both ways of saying so: by the one that is fed, and by the one that feeds."""
    fed = {"entries": [{"type": "JOB", "inputs": [job_source("extract")]}]}
    feeds = {"entries": [{**job_source("report"), "inputs": [{"type": "DATASET", **dataset("mart")}]}]}
    project(
        database,
        run_event("COMPLETE", job="extract", run="r1", inputs=["api"]),
        run_event("COMPLETE", job="load", run="r2", outputs=["mart"], job_facets={"lineage": fed}),
        run_event("COMPLETE", job="publish", run="r3", inputs=["mart"], job_facets={"lineage": feeds}),
        run_event("COMPLETE", job="report", run="r4", outputs=["board"]),
    )
    wanted = {
        ("api", "extract"), ("extract", "load"), ("load", "mart"), ("mart", "publish"), ("publish", "report"),
        ("report", "board"),
    }  # fmt: skip
    assert flows(walk(database, ref("board"), Way.UPSTREAM)) == wanted
    assert flows(walk(database, ref("api"), Way.DOWNSTREAM)) == wanted
    assert flows(walk(database, ref("api"), Way.DOWNSTREAM, level=Level.DATASET)) == {
        ("api", "mart"), ("mart", "board"),
    }  # fmt: skip
    with database.read() as conn:
        assert count_entities(conn)["datasets"] == 3
        listed = list_named(conn, "dataset", namespace_name=None, q=None, visible=None, after=None, limit=50)
        assert sorted(item.name for item in listed.items) == ["api", "board", "mart"]
        for row in conn.execute(select(run)):
            used = run_data(conn, row.id, visible=None, limit=10)
            assert {each.dataset.name for each in used} <= {"api", "board", "mart"}


def test_a_source_job_of_an_output_narrows_it(database: Database) -> None:
    facet = {"entries": [entry("mart", job_source("extract"))]}
    project(
        database,
        run_event("COMPLETE", job="extract", run="r1", inputs=["api"]),
        run_event(
            "COMPLETE",
            job="load",
            run="r2",
            inputs=["other"],
            outputs=["mart"],
            job_facets={"lineage": facet},
        ),
    )
    assert flows(walk(database, ref("mart"), Way.UPSTREAM, level=Level.DATASET)) == {("api", "mart")}
    assert ("other", "load") in flows(walk(database, ref("mart"), Way.UPSTREAM))


def test_control_flow_is_followed_only_if_asked(database: Database) -> None:
    needs = {"jobDependencies": {"upstream": [{"job": {"namespace": "shop", "name": "ingest"}}]}}
    tells = {"jobDependencies": {"downstream": [{"job": {"namespace": "shop", "name": "alert"}}]}}
    project(
        database,
        run_event("COMPLETE", job="ingest", run="r1", outputs=["raw"]),
        run_event("START", job="clean", run="r2", run_facets={**needs}),
        run_event("COMPLETE", job="clean", run="r2", inputs=["raw"], outputs=["good"], run_facets=tells),
    )
    data = {("ingest", "raw"), ("raw", "clean"), ("clean", "good")}
    assert flows(walk(database, job_ref("clean"))) == data
    answer = walk(database, job_ref("clean"), control=True)
    assert flows(answer) == data
    assert flows(answer, "control") == {("ingest", "clean"), ("clean", "alert")}


def test_a_run_that_tells_only_of_control_flow_closes_no_data_edge(database: Database) -> None:
    needs = {"jobDependencies": {"upstream": [{"job": {"namespace": "shop", "name": "ingest"}}]}}
    project(
        database,
        run_event("COMPLETE", NOON, job="clean", run="r1", inputs=["raw"]),
        run_event("COMPLETE", NOON + HOUR, job="clean", run="r2", run_facets=needs),
    )
    assert flows(walk(database, job_ref("clean"))) == {("raw", "clean")}


def test_artificial_datasets_are_taken_out(database: Database) -> None:
    passed = dataset("frame", facets={"datasetType": {"datasetType": "TEMPORARY"}})
    project(
        database,
        run_event("COMPLETE", job="extract", run="r1", inputs=["api"], outputs=[passed]),
        run_event("COMPLETE", job="shape", run="r2", inputs=["frame"], outputs=[dataset("x", "inmemory://")]),
        run_event("COMPLETE", job="load", run="r3", inputs=[dataset("x", "inmemory://")], outputs=["raw"]),
    )
    answer = walk(database, ref("raw"), Way.UPSTREAM)
    assert flows(answer) == {("api", "extract"), ("extract", "shape"), ("shape", "load"), ("load", "raw")}
    (link,) = walk(database, ref("raw"), Way.UPSTREAM, level=Level.DATASET).links
    assert link.via == ("job:shop:extract", "job:shop:load", "job:shop:shape")


def part_of(name: str, root: str | None = None) -> dict[str, Any]:
    parent: dict[str, Any] = {"run": {"runId": name}, "job": {"namespace": "shop", "name": name}}
    if root:
        parent["root"] = {"run": {"runId": root}, "job": {"namespace": "shop", "name": root}}
    return {"parent": parent}


def test_steps_fold_into_their_parent(database: Database) -> None:
    action = {"jobType": {"processingType": "BATCH", "integration": "SPARK", "jobType": "SQL_JOB"}}
    steps = [
        run_event("COMPLETE", job=f"app.{name}", run=name, inputs=[reads], outputs=[writes],
                  run_facets=part_of("app", "dag"), job_facets=action)
        for name, reads, writes in (("one", "raw", "stage"), ("two", "other", "mart"))
    ]  # fmt: skip
    app = run_event("COMPLETE", job="app", run="app", run_facets=part_of("task", "dag"))
    project(database, *steps, app, run_event("COMPLETE", job="report", run="r", inputs=["mart"]))
    assert flows(walk(database, ref("mart"))) == {
        ("raw", "app"), ("other", "app"), ("app", "mart"), ("mart", "report"),
    }  # fmt: skip
    assert flows(walk(database, job_ref("app"), Way.UPSTREAM)) == {("raw", "app"), ("other", "app")}
    # Whoever names a step sees the job that it is a step of.
    assert walk(database, job_ref("app.one"), Way.DOWNSTREAM).nodes[0].name == "app"
    assert flows(walk(database, ref("mart"), fold=Fold.NONE)) == {
        ("other", "app.two"), ("app.two", "mart"), ("mart", "report"),
    }  # fmt: skip
    assert ("raw", "dag") in flows(walk(database, ref("mart"), fold=Fold.ROOT))
    # Folding is a matter of jobs: from dataset to dataset each step leads on by itself.
    assert flows(walk(database, ref("mart"), Way.UPSTREAM, level=Level.DATASET)) == {("other", "mart")}


def test_the_newest_parent_counts_in_whatever_order_it_came(database: Database) -> None:
    def child(at: int, parent: str) -> dict[str, Any]:
        return run_event("COMPLETE", at, job="task", run=f"r{at}", outputs=["x"], run_facets=part_of(parent))

    project(database, child(NOON, "old"), child(NOON + 2 * HOUR, "new"), child(NOON + HOUR, "older"))
    assert flows(walk(database, ref("x"), fold=Fold.PARENT)) == {("new", "x")}


def test_the_graph_at_a_moment_and_over_a_window(database: Database) -> None:
    project(
        database,
        run_event("COMPLETE", NOON, job="load", run="r1", inputs=["a"], outputs=["x"]),
        run_event("COMPLETE", NOON + 2 * HOUR, job="load", run="r2", inputs=["b"], outputs=["x"]),
    )

    def reads(moment: Moment) -> set[str]:
        return {
            source for source, target in flows(walk(database, ref("x"), moment=moment)) if target == "load"
        }

    assert reads(Moment()) == {"b"}
    assert reads(Moment(NOON - 1)) == set()
    assert reads(Moment(NOON)) == reads(Moment(NOON + HOUR)) == {"a"}
    assert reads(Moment(NOON + 2 * HOUR)) == reads(Moment(NOON + 9 * HOUR)) == {"b"}
    assert reads(Moment(NOON + 3 * HOUR, HOUR)) == {"b"}
    assert reads(Moment(NOON + 3 * HOUR, HOUR + 1)) == {"a", "b"}


def test_declared_edges_go_from_dataset_to_dataset(database: Database) -> None:
    project(
        database,
        job_event(job="export", inputs=["orders"], outputs=["csv"]),
        dataset_event(name="orders", lineage={"inputs": [{"type": "DATASET", **dataset("raw")}]}),
    )
    assert flows(walk(database, ref("csv"), Way.UPSTREAM)) == {
        ("raw", "orders"),
        ("orders", "export"),
        ("export", "csv"),
    }


@pytest.mark.parametrize("level", Level)
def test_a_walk_asks_a_statement_a_level_and_four_more(database: Database, level: Level) -> None:
    """However wide the graph is: here 40 nodes in each of 12 levels."""
    project(
        database,
        *(
            run_event("COMPLETE", job=f"j{step}.{n}", run=f"{step}.{n}",
                      inputs=[f"d{step}.{n}", f"d{step}.{n // 2}"], outputs=[f"d{step + 1}.{n}"])
            for step in range(6)
            for n in range(40)
        ),
    )  # fmt: skip
    for depth in (2, 6, 12):
        with database.read() as conn, counted(database) as statements:
            answer = traverse(SqlGraph(conn), ref("d6.39"), Way.UPSTREAM, depth, level)
        assert len(statements) <= depth + 4, statements
        assert len(answer.nodes) > depth
