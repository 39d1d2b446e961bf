"""What the graph tells of itself over HTTP: how its nodes stand, how much there is, when it changed, where to begin."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import keys
from collector.storage.engine import Database
from collector.times import now_us
from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing
from tests.statements import counted
from tests.watched import Watched, print_of

STORE = "postgres://h:5432"


@pytest.fixture
def stack(writing: Writing) -> None:
    """Write raw -> load -> orders -> report (failed) -> sales, which is late because of that; a copy reads orders."""
    with writing() as catalog:
        raw, orders, sales = (catalog.dataset(name, STORE) for name in ("raw", "orders", "sales"))
        load, report, copy = catalog.job("load"), catalog.job("report", "bi"), catalog.job("copy", "lake")
        for job, read, written in ((load, raw, orders), (report, orders, sales)):
            catalog.edge(job, read, Direction.INPUT)
            catalog.edge(job, written, Direction.OUTPUT)
        catalog.edge(copy, orders, Direction.INPUT, NOON + HOUR)
        catalog.edge(copy, raw, Direction.INPUT, NOON - HOUR, valid_to=NOON + HOUR)
        run = catalog.run(load, "r1", NOON - 6 * HOUR, ended_at=NOON - 5 * HOUR)
        catalog.run(report, "r2", NOON - 4 * HOUR, state="FAIL")
        catalog.update(orders, run, NOON - 5 * HOUR)
        catalog.facet(load, "jobType", {"integration": "SPARK"})
        watched = Watched(catalog.conn)
        watched.expect("daily", due={"at": "07:00"})
        watched.stands("daily", "orders", "fresh", namespace=STORE)
        watched.stands("daily", "sales", "late", late_by=HOUR, namespace=STORE)
        watched.alert("failed_run", "report", type_="job", namespace="bi", affects=1)
        watched.alert("daily", "sales", cause=print_of("failed_run", "report"), namespace=STORE)


def by_name(answer: Any) -> dict[str, Any]:
    return {node["name"]: node for node in answer["nodes"]}


@pytest.mark.usefixtures("stack")
def test_every_node_says_how_it_stands(get: Get) -> None:
    node = f"dataset:{STORE}:orders"
    found = by_name(get("/lineage", node=node, state="true"))

    assert (found["load"]["state"], found["load"]["tool"], found["load"]["run_id"]) == (
        "COMPLETE",
        "SPARK",
        "r1",
    )
    assert found["load"]["started_at"] == "2026-11-22T06:00:00.000000Z"
    assert found["report"]["state"] == "FAIL"
    assert (found["copy"]["state"], found["copy"]["run_id"], found["copy"]["tool"]) == (None, None, None)
    orders = found["orders"]
    assert (orders["state"], orders["expectation"]) == ("fresh", "daily")
    assert orders["last_update"] == "2026-11-22T07:00:00.000000Z"
    assert (orders["late_by"], orders["alert"], orders["affected"]) == (None, None, False)
    sales = found["sales"]
    assert (sales["state"], sales["affected"], sales["cause"]) == ("late", True, "job:bi:report")
    assert sales["late_by"] == pytest.approx((now_us() - (NOON - 5 * HOUR)) / 1e6, abs=60)
    assert (found["raw"]["state"], found["raw"]["deadline"], found["raw"]["last_update"]) == (None,) * 3
    assert {name: (each["upstream"], each["downstream"]) for name, each in found.items()} == {
        "raw": (0, 1),
        "load": (1, 1),
        "orders": (1, 2),
        "report": (1, 1),
        "copy": (1, 0),
        "sales": (1, 0),
    }
    assert "state" not in get("/lineage", node=node)["nodes"][0]


@pytest.mark.usefixtures("stack")
def test_states_are_told_at_level_dataset_and_not_of_columns(get: Get) -> None:
    node = f"dataset:{STORE}:orders"
    found = by_name(get("/lineage", node=node, level="dataset", state="true"))
    assert {name: (each["upstream"], each["downstream"]) for name, each in found.items()} == {
        "raw": (0, 1),
        "orders": (1, 1),
        "sales": (1, 0),
    }
    assert "upstream" not in get("/lineage", node=node, level="column", state="true")["nodes"][0]


@pytest.mark.usefixtures("stack")
def test_the_states_of_many_nodes_take_as_many_statements_as_of_one(get: Get, database: Database) -> None:
    def statements(depth: int) -> int:
        with counted(database) as asked:
            get("/lineage", node=f"dataset:{STORE}:sales", depth=depth, state="true")
        with counted(database) as plain:
            get("/lineage", node=f"dataset:{STORE}:sales", depth=depth)
        return len(asked) - len(plain)

    assert statements(4) <= statements(2) + 1 < 21


@pytest.mark.usefixtures("stack")
def test_a_key_of_some_namespaces_counts_only_what_it_sees(client: FlaskClient, writing: Writing) -> None:
    def asker(*namespaces: str) -> Get:
        with writing() as catalog:
            key, _ = keys.create(catalog.conn, "test", ["read"], namespaces, NOON)
        return lambda path, **parameters: (
            client.get(f"/api/v2{path}", query_string=parameters, headers={"X-API-Key": key}).json
        )

    get = asker("postgres://*", "shop")
    node = f"dataset:{STORE}:orders"
    found = by_name(get("/lineage", node=node, state="true", depth=1))
    assert (found["orders"]["upstream"], found["orders"]["downstream"]) == (1, 0)
    sides = get("/lineage/extent", node=node)
    assert (sides["upstream"]["nodes"], sides["downstream"]["nodes"]) == (2, 1)
    sales = by_name(get("/lineage", node=f"dataset:{STORE}:sales", state="true"))["sales"]
    assert (sales["affected"], sales["cause"]) == (True, None)
    assert [item["name"] for item in get("/lineage/hubs")["items"]] == ["raw"]
    assert asker("none")("/lineage/hubs")["items"] == []


@pytest.mark.usefixtures("stack")
def test_both_sides_are_counted_before_anything_is_drawn(get: Get) -> None:
    answer = get("/lineage/extent", node=f"dataset:{STORE}:orders")
    assert answer["node"] == f"dataset:{STORE}:orders"
    side = {"truncated": False}
    assert answer["upstream"] == side | {"direct": 1, "nodes": 2, "jobs": 1, "datasets": 1, "depth": 2}
    assert answer["downstream"] == side | {"direct": 2, "nodes": 3, "jobs": 2, "datasets": 1, "depth": 2}
    assert get("/lineage/extent", node="job:bi:report", depth=1)["upstream"]["nodes"] == 1


@pytest.mark.usefixtures("stack")
def test_the_graph_tells_when_it_changed(get: Get) -> None:
    answer = get("/lineage/moments", node=f"dataset:{STORE}:orders")
    assert answer == {
        "items": [
            {"at": "2026-11-22T13:00:00.000000Z", "came": 1, "went": 1},
            {"at": "2026-11-22T12:00:00.000000Z", "came": 4, "went": 0},
            {"at": "2026-11-22T11:00:00.000000Z", "came": 1, "went": 0},
        ],
        "truncated": False,
    }
    assert get("/lineage/moments", node=f"dataset:{STORE}:sales", depth=1)["items"][0]["came"] == 1


@pytest.mark.usefixtures("stack")
def test_hubs_are_what_most_jobs_read(get: Get, writing: Writing) -> None:
    answer = get("/lineage/hubs", limit=1)
    assert answer == {"items": [{"namespace": STORE, "name": "orders", "readers": 2}]}
