"""Lineage of runs in the database: whose update a run has read, and what that costs on a long history."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from collector.api.run_lineage import runs_around
from collector.errors import NotFound, Unprocessable
from collector.ingest.projector import Projector
from collector.storage.engine import Database
from collector.storage.visibility import visible_namespaces
from lineage.instants import parse_instant
from lineage.model import Direction
from lineage.run_lineage import RunSubgraph
from lineage.traverse import Way
from tests.captured import FIXTURES, captured
from tests.catalog import HOUR, NOON, Catalog
from tests.dump import feed, feed_rows, new_event
from tests.events import run_event
from tests.statements import counted

GOLDEN = json.loads((FIXTURES / "graphs" / "runs.json").read_text())
MINUTE = HOUR // 60


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def around(
    database: Database, node: str, way: Way = Way.UPSTREAM, depth: int = 20, **more: Any
) -> RunSubgraph:
    with database.read() as conn:
        return runs_around(conn, node, way, depth, **more)


def depths(answer: RunSubgraph) -> dict[str, int]:
    return {node.run_id: node.depth for node in answer.nodes}


def links(answer: RunSubgraph) -> set[tuple[str, str]]:
    return {(link.source.removeprefix("run:"), link.target.removeprefix("run:")) for link in answer.links}


class History:
    """Runs one after the other; each is written with what it read and wrote."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.ids: dict[str, int] = {}
        self.edges: set[tuple[str, int, Direction]] = set()

    def named(self, name: str, kind: str = "dataset", **values: Any) -> int:
        if name not in self.ids:
            self.ids[name] = getattr(self.catalog, kind)(name, **values)
        return self.ids[name]

    def run(
        self,
        run_id: str,
        job: str,
        start: int,
        end: int | None,
        reads: tuple[str, ...] = (),
        writes: tuple[str, ...] = (),
    ) -> None:
        """Write a run between two minutes after noon; ``end`` None: it has failed."""
        job_id = self.named(job, "job")
        began = NOON + start * MINUTE
        ended = None if end is None else NOON + end * MINUTE
        state = "FAIL" if end is None else "COMPLETE"
        row = self.catalog.run(job_id, run_id, began, ended_at=ended, ended_received_at=ended, state=state)
        for names, direction in ((reads, Direction.INPUT), (writes, Direction.OUTPUT)):
            for name in names:
                dataset = self.named(name)
                self.catalog.uses(row, dataset, direction)
                if (job, dataset, direction) not in self.edges:
                    self.edges.add((job, dataset, direction))
                    self.catalog.edge(job_id, dataset, direction, began)
                if direction is Direction.OUTPUT and ended is not None:
                    self.catalog.update(dataset, row, ended)


@pytest.mark.parametrize("query", GOLDEN["run_queries"], ids=itertools.count())
def test_a_small_graph(database: Database, query: dict[str, Any]) -> None:
    for event in GOLDEN["events"]:
        feed(database, [event], parse_instant(event["eventTime"])[0])
    Projector(database, holder="test").drain()
    answer = around(database, query["node"], Way(query["direction"]), query["depth"])
    assert sorted(node.id for node in answer.nodes) == sorted(query["nodes"])
    edges = {(edge["from"], edge["to"]): edge["datasets"] for edge in query["edges"]}
    found = {(link.source, link.target): link.datasets for link in answer.links}
    assert found == {ends: tuple(sorted(datasets)) for ends, datasets in edges.items()}


# --- what real tools sent -----------------------------------------------------------------------------------------


def test_the_runs_of_one_dbt_invocation(database: Database) -> None:
    feed_rows(database, [new_event(*logged) for logged in captured("dbt/pg_02_run_first")])
    Projector(database, holder="test").drain()
    mart = "01a201bf-0fdd-7887-8526-f26151b1a03b"
    answer = around(database, f"run:{mart}")
    assert {node.job.name.rpartition(".")[2]: node.depth for node in answer.nodes} == {
        "rpt_city_revenue": 0,
        "dim_customers": 1,
        "fct_orders": 2,
        "stg_customers": 2,
        "stg_orders": 3,
        "stg_payments": 3,
        "stg_order_items": 3,
    }
    assert {node.state for node in answer.nodes} == {"COMPLETE"}
    # The raw tables were there before anything that we know of.
    unknown = {each.name for node in answer.nodes for each in node.inputs or () if each.writer is None}
    assert {"shop.raw.customers", "shop.raw.orders", "shop.raw.payments"} <= unknown
    first = next(node for node in answer.nodes if node.job.name.endswith("stg_orders"))
    assert mart in depths(around(database, first.id, Way.DOWNSTREAM))


def test_a_run_reads_what_events_say_it_could(database: Database) -> None:
    events = [
        run_event("COMPLETE", NOON, "load", "00000000-0000-4000-8000-000000000001", outputs=["raw"]),
        run_event("COMPLETE", NOON + HOUR, "load", "00000000-0000-4000-8000-000000000002", outputs=["raw"]),
        run_event("START", NOON + 30 * MINUTE, "build", "00000000-0000-4000-8000-000000000003", ["raw"]),
        run_event("COMPLETE", NOON + 2 * HOUR, "build", "00000000-0000-4000-8000-000000000003", ["raw"]),
    ]
    feed(database, events, NOON + 3 * HOUR)
    Projector(database, holder="test").drain()
    # It began before the second load had ended.
    (link,) = around(database, "run:00000000-0000-4000-8000-000000000003").links
    assert link.source.endswith("1")
    assert link.datasets == ("dataset:postgres://db.example.org:5432:raw",)
    assert around(database, "run:00000000-0000-4000-8000-000000000002", Way.DOWNSTREAM).links == []


# --- which update --------------------------------------------------------------------------------------------------


def test_the_newest_update_before_the_start_counts(database: Database) -> None:
    with database.write() as conn:
        history = History(Catalog(conn))
        history.run("load-1", "load", 0, 5, writes=("raw",))
        history.run("load-2", "load", 10, 15, writes=("raw",))
        history.run("load-3", "load", 20, None, writes=("raw",))
        history.run("build-1", "build", 6, 8, ("raw",), ("mart",))
        history.run("build-2", "build", 16, 18, ("raw",), ("mart",))
        history.run("build-3", "build", 25, 28, ("raw",), ("mart",))
        history.run("report", "report", 30, 31, ("mart",))
        history.run("early", "report", 1, 2, ("mart",))

    assert depths(around(database, "run:report")) == {"report": 0, "build-3": 1, "load-2": 2}
    assert depths(around(database, "run:load-2", Way.DOWNSTREAM)) == {
        "load-2": 0,
        "build-2": 1,
        "build-3": 1,
        "report": 2,
    }
    assert depths(around(database, "run:load-1", Way.DOWNSTREAM)) == {"load-1": 0, "build-1": 1}
    assert depths(around(database, "run:load-3", Way.DOWNSTREAM)) == {"load-3": 0}
    (node,) = around(database, "run:early").nodes
    assert [(each.name, each.writer) for each in node.inputs or ()] == [("mart", None)]
    both = around(database, "run:build-2", Way.BOTH)
    assert links(both) == {("load-2", "build-2")}
    assert {node.run_id: node.inputs is None for node in both.nodes} == {"build-2": False, "load-2": False}


def test_a_run_does_not_read_what_it_writes_itself(database: Database) -> None:
    with database.write() as conn:
        history = History(Catalog(conn))
        # One event each, at the instant of the update.
        for number in range(4):
            history.run(f"r{number}", "increment", number, number, ("table",), ("table",))
        history.run("last", "report", 3, 4, ("table",))

    assert links(around(database, "run:last")) == {("r3", "last"), ("r2", "r3"), ("r1", "r2"), ("r0", "r1")}
    assert links(around(database, "run:r0", Way.DOWNSTREAM)) == links(around(database, "run:last"))


def test_names_of_one_dataset_are_one(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        history = History(catalog)
        canonical = history.named("orders")
        history.named("s3/orders", canonical_id=canonical)
        history.run("load-1", "load", 0, 1, writes=("s3/orders",))
        history.run("copy", "copy", 4, 5, writes=("orders",))
        history.run("early", "report", 2, 3, ("orders",))
        history.run("late", "report", 6, 7, ("s3/orders",))

    assert links(around(database, "run:early")) == {("load-1", "early")}
    assert links(around(database, "run:late")) == {("copy", "late")}
    assert depths(around(database, "run:load-1", Way.DOWNSTREAM)).keys() == {"load-1", "early"}
    (link,) = around(database, "run:copy", Way.DOWNSTREAM).links
    assert link.datasets == ("dataset:shop:orders",)


def test_a_declaration_hides_who_wrote_before(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        history = History(catalog)
        history.run("load", "load", 0, 1, writes=("raw",))
        hidden = catalog.job("raw", dataset_id=history.named("raw"))
        declared = catalog.run(hidden, "declared", NOON + 2 * MINUTE, declared=True)
        catalog.update(history.named("raw"), declared, NOON + 2 * MINUTE, kind="declared")
        history.run("build", "build", 3, 4, ("raw",))

    answer = around(database, "run:build")
    assert depths(answer) == {"build": 0}
    assert [each.writer for each in answer.nodes[0].inputs or ()] == [None]


# --- the node -------------------------------------------------------------------------------------------------------


def test_a_run_id_of_several_jobs_needs_the_job(database: Database) -> None:
    with database.write() as conn:
        history = History(Catalog(conn))
        history.run("shared", "one", 0, 1, writes=("raw",))
        history.run("shared", "two", 2, 3, ("raw",))

    with pytest.raises(Unprocessable) as refused:
        around(database, "run:shared")
    assert sorted(error.reason for error in refused.value.errors) == [
        "may be 'run:shared:job:shop:one'",
        "may be 'run:shared:job:shop:two'",
    ]
    answer = around(database, "run:shared:job:shop:two")
    assert [node.id for node in answer.nodes] == ["run:shared:job:shop:two", "run:shared:job:shop:one"]
    for node, error in (("run:", Unprocessable), ("job:a:b", Unprocessable), ("run:none", NotFound)):
        with pytest.raises(error):
            around(database, node)
    with pytest.raises(NotFound):
        around(database, "run:shared:job:shop:three")


def test_what_a_key_may_not_see_is_left_out(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        history = History(catalog)
        history.named("load", "job", namespace="secret")
        history.named("raw", namespace="secret")
        history.run("load-1", "load", 0, 1, writes=("raw",))
        history.run("build-1", "build", 2, 3, ("raw",))

    with database.read() as conn:
        visible = visible_namespaces(conn, lambda name: name == "shop")
        answer = runs_around(conn, "run:build-1", Way.UPSTREAM, 5, visible=visible)
        assert [(node.id, node.inputs) for node in answer.nodes] == [("run:build-1", ())]
        with pytest.raises(NotFound):
            runs_around(conn, "run:load-1", Way.UPSTREAM, 5, visible=visible)


# --- cost -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [Way.UPSTREAM, Way.DOWNSTREAM])
def test_one_statement_a_level(database: Database, way: Way) -> None:
    with database.write() as conn:
        history = History(Catalog(conn))
        for number in range(8):
            reads = tuple(f"d{number - 1}-{part}" for part in range(5)) if number else ()
            writes = tuple(f"d{number}-{part}" for part in range(5))
            history.run(f"r{number}", f"j{number}", 2 * number, 2 * number + 1, reads, writes)
    spent = {}
    for depth in (1, 3, 6):
        with counted(database) as statements:
            answer = around(database, "run:r7" if way is Way.UPSTREAM else "run:r0", way, depth)
        assert len(answer.nodes) == depth + 1
        assert all(len(link.datasets) == 5 for link in answer.links)
        spent[depth] = len(statements)
    assert spent[3] - spent[1] == 2
    assert spent[6] - spent[3] == 3
    assert spent[6] <= 6 + 4


def test_an_answer_in_pieces(database: Database) -> None:
    with database.write() as conn:
        history = History(Catalog(conn))
        for number in range(9):
            reads = (f"d{number - 1}", "d0") if number > 1 else ()
            history.run(f"r{number}", f"j{number}", 2 * number, 2 * number + 1, reads, (f"d{number}",))
    whole = around(database, "run:r8")
    nodes, found, skip = [], [], 0
    while True:
        part = around(database, "run:r8", max_nodes=2, skip=skip)
        nodes += [node.id for node in part.nodes]
        found += part.links
        if part.next is None:
            break
        assert part.truncated
        skip = part.next
    assert sorted(nodes) == sorted(node.id for node in whole.nodes)
    assert sorted(found) == sorted(whole.links)


@pytest.mark.parametrize("way", [Way.UPSTREAM, Way.DOWNSTREAM])
def test_a_long_history_is_not_read(database: Database, way: Way) -> None:
    """Of a dataset written and read a thousand times, the two neighbours of a run are found by indexes."""
    with database.write() as conn:
        history = History(Catalog(conn))
        for number in range(1000):
            history.run(f"w{number}", "load", 2 * number, 2 * number + 1, writes=("raw",))
            history.run(f"r{number}", "build", 2 * number + 1, 2 * number + 2, ("raw",))
    with database.write() as conn:
        conn.execute(text("ANALYZE"))
    start = "run:r500" if way is Way.UPSTREAM else "run:w500"
    with database.read() as conn:
        if database.dialect == "sqlite":
            raw: Any = conn.connection.driver_connection
            steps = 0

            def count() -> int:
                nonlocal steps
                steps += 1
                return 0

            raw.set_progress_handler(count, 100)
            answer = runs_around(conn, start, way, 1)
            raw.set_progress_handler(None, 0)
            assert steps < 100, "hundreds of instructions of the virtual machine"
        else:
            answer = runs_around(conn, start, way, 1)
    assert links(answer) == {("w500", "r500")}
