"""Datasets: the list, the detail, schemas, updates and checks."""

from __future__ import annotations

from flask.testing import FlaskClient

from collector.storage.engine import Database
from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing
from tests.statements import counted


def test_the_list_shows_the_last_update_fields_writers_and_readers(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        load, report, old = (catalog.job(name) for name in ("load", "report", "old"))
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.edge(report, orders, Direction.INPUT)
        catalog.edge(old, orders, Direction.INPUT, NOON, valid_to=NOON + HOUR)
        run = catalog.run(load, "r2", NOON + HOUR)
        catalog.update(orders, catalog.run(load, "r1"), NOON, rows=1)
        catalog.update(orders, run, NOON + HOUR, rows=7, partition="day=22", nominal_at=NOON)
        catalog.facet(orders, "schema", {"fields": [{"name": "a"}]})
        catalog.facet(orders, "schema", {"fields": [{"name": "a"}, {"name": "b"}]}, NOON + HOUR)

    (item,) = get("/datasets")["items"]
    update = item.pop("last_update")
    assert item == {
        "namespace": "shop", "name": "orders", "fields_count": 2, "written_by": 1, "read_by": 1,
        "state": None, "affected": False,
    }  # fmt: skip
    assert update == {
        "event_time": "2026-11-22T13:00:00.000000Z",
        "received_at": "2026-11-22T13:00:00.000000Z",
        "nominal_at": "2026-11-22T12:00:00.000000Z",
        "partition": "day=22",
        "version": None,
        "rows": 7,
        "kind": "run",
        "run": {"run_id": "r2", "state": "COMPLETE", "job": {"namespace": "shop", "name": "load"}},
    }


def test_a_dataset_of_which_only_the_name_is_known(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("orders")

    (item,) = get("/datasets")["items"]
    assert (item["last_update"], item["fields_count"], item["written_by"]) == (None, None, 0)
    detail = get("/dataset", namespace="shop", name="orders")
    assert (detail["fields"], detail["facets"], detail["deleted_at"]) == (None, {}, None)


def test_a_page_costs_as_many_statements_for_fifty_datasets_as_for_one(
    database: Database, get: Get, writing: Writing
) -> None:
    with writing() as catalog:
        for number in range(50):
            dataset = catalog.dataset(f"d{number:02}")
            job = catalog.job(f"j{number:02}")
            catalog.edge(job, dataset, Direction.OUTPUT)
            parent = catalog.run(job, f"parent {number}")
            child = catalog.run(job, f"r{number}", parent_key=bytes([number] * 16), parent_run_id="p")
            catalog.update(dataset, child)
            catalog.uses(parent, dataset, Direction.OUTPUT)
            catalog.facet(dataset, "schema", {"fields": [{"name": str(number)}]})

    for path in ("/datasets", "/jobs", "/runs"):
        with counted(database) as one:
            assert len(get(path, limit=1)["items"]) == 1
        with counted(database) as many:
            assert len(get(path, limit=50)["items"]) == 50
        assert len(many) == len(one) <= 10, path


def test_the_detail_tells_all(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        other = catalog.dataset("s3://bucket/orders", "s3")
        load, report = catalog.job("load"), catalog.job("report")
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.edge(report, orders, Direction.INPUT, implied=True)
        first, second = catalog.run(load, "r1"), catalog.run(load, "r2", NOON + HOUR)
        for position in range(12):
            catalog.update(orders, first, NOON + position)
        catalog.assertion(orders, first, "not_null")
        catalog.assertion(orders, second, "not_null", success=False, at=NOON + HOUR)
        catalog.assertion(orders, first, "unique")
        catalog.alias(other, orders, "symlink")
        catalog.facet(orders, "schema", {"fields": [{"name": "a", "type": "int"}]})
        catalog.facet(orders, "documentation", {"description": "all orders"})

    answer = get("/dataset", namespace="shop", name="orders")
    assert answer["fields"] == [{"name": "a", "type": "int"}]
    assert answer["facets"]["documentation"] == {"description": "all orders"}
    assert [edge["job"]["name"] for edge in answer["producers"]] == ["load"]
    assert [(edge["job"]["name"], edge["implied"]) for edge in answer["consumers"]] == [("report", True)]
    assert answer["aliases"] == [
        {
            "dataset": {"namespace": "s3", "name": "s3://bucket/orders"},
            "reason": "symlink",
            "detail": None,
        }
    ]
    assert len(answer["last_updates"]) == 10
    assert answer["last_updates"][0]["event_time"] == "2026-11-22T12:00:00.000011Z"
    checks = [(check["assertion"], check["success"]) for check in answer["last_assertions"]]
    assert checks == [("not_null", False), ("unique", True)]
    # The alias is known from the other side too.
    answer = get("/dataset", namespace="s3", name="s3://bucket/orders")
    assert [alias["dataset"]["name"] for alias in answer["aliases"]] == ["orders"]
    assert answer["canonical"] == {"namespace": "shop", "name": "orders"}
    # And so is all that happened, but for what was said of the other name.
    assert [edge["job"]["name"] for edge in answer["producers"]] == ["load"]
    assert (len(answer["last_updates"]), len(answer["last_assertions"])) == (10, 2)
    assert answer["facets"] == {}


def test_a_dropped_dataset_is_deleted_until_somebody_writes_it_again(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        run = catalog.run(catalog.job("load"), "r1")
        catalog.update(orders, run, NOON)
        catalog.facet(orders, "lifecycleStateChange", {"lifecycleStateChange": "CREATE"}, NOON)
        catalog.facet(orders, "lifecycleStateChange", {"lifecycleStateChange": "DROP"}, NOON + HOUR)
    assert get("/dataset", namespace="shop", name="orders")["deleted_at"] == "2026-11-22T13:00:00.000000Z"

    with writing() as catalog:
        catalog.update(orders, run, NOON + 2 * HOUR)
    assert get("/dataset", namespace="shop", name="orders")["deleted_at"] is None


def test_schema_history_has_each_schema_once_the_newest_first(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        for position in range(3):
            fields = [{"name": str(number)} for number in range(position + 1)]
            first, last = NOON + position * HOUR, NOON + 2 * position * HOUR
            catalog.facet(orders, "schema", {"fields": fields}, first, last)
        catalog.facet(orders, "schema", None, NOON + 3 * HOUR)

    first = get("/dataset/schemas", namespace="shop", name="orders", limit=2)
    assert [len(item["fields"]) for item in first["items"]] == [3, 2]
    assert first["items"][0]["last_seen_at"] == "2026-11-22T16:00:00.000000Z"
    rest = get("/dataset/schemas", namespace="shop", name="orders", limit=2, cursor=first["next_cursor"])
    assert [len(item["fields"]) for item in rest["items"]] == [1]
    assert rest["next_cursor"] is None


def test_schemas_as_long_as_events_come_a_few_at_a_time(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        wide = catalog.dataset("wide")
        for number in range(4):
            fields = [{"name": f"c{number}", "description": "x" * 1_900_000}]
            catalog.facet(wide, "schema", {"fields": fields}, NOON + number)
    pages: list[list[str]] = []
    more: dict[str, str] = {}
    while more or not pages:
        page = get("/dataset/schemas", namespace="shop", name="wide", **more)
        pages.append([item["fields"][0]["name"] for item in page["items"]])
        more = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
    assert pages == [["c3", "c2"], ["c1", "c0"]]


def test_a_schema_facet_of_any_shape_is_shown(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        for position, body in enumerate(([1], "x", {"fields": None}, {"fields": {"a": 1}}, {})):
            catalog.facet(catalog.dataset(f"d{position}"), "schema", body)

    assert [item["fields_count"] for item in get("/datasets")["items"]] == [0] * 5
    assert get("/dataset", namespace="shop", name="d3")["facets"] == {"schema": {"fields": {"a": 1}}}


def test_updates_and_assertions_are_paged(get: Get, writing: Writing, client: FlaskClient) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        load = catalog.job("load")
        runs = [catalog.run(load, f"r{number}", NOON + number) for number in range(5)]
        for number, run in enumerate(runs):
            catalog.update(orders, run, NOON + number // 2)
            catalog.assertion(orders, run, "unique", at=NOON + number // 2)

    for path in ("/dataset/updates", "/dataset/assertions"):
        seen: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = get(path, namespace="shop", name="orders", limit=2, **more)
            seen += [item["run"]["run_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            more = {"cursor": page["next_cursor"]}
        assert seen == ["r4", "r3", "r2", "r1", "r0"]
        missing = client.get(f"/api/v2{path}?namespace=shop&name=none")
        assert missing.status_code == 404


def test_a_backfill_does_not_make_a_dataset_fresh(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders, load = catalog.dataset("orders"), catalog.job("load")
        today = catalog.run(load, "today", NOON)
        catalog.update(orders, today, NOON, nominal_at=NOON)
        catalog.update(orders, catalog.run(load, "backfill"), NOON + HOUR, nominal_at=NOON - 24 * HOUR)

    (item,) = get("/datasets")["items"]
    assert item["last_update"]["run"]["run_id"] == "today"
    assert len(get("/dataset/updates", namespace="shop", name="orders")["items"]) == 2


def test_a_dataset_is_as_fresh_as_any_of_its_names(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders, path = catalog.dataset("orders"), catalog.dataset("b/orders", "s3")
        load, sync, report = (catalog.job(name) for name in ("load", "sync", "report"))
        catalog.alias(path, orders, "symlink")
        catalog.edge(load, orders, Direction.OUTPUT)
        catalog.edge(load, path, Direction.OUTPUT)
        catalog.edge(report, path, Direction.INPUT)
        catalog.update(orders, catalog.run(load, "first"), NOON, nominal_at=NOON, version="1")
        catalog.update(path, catalog.run(sync, "newest"), NOON + HOUR, nominal_at=NOON + HOUR, version="2")
        # A backfill, and an old version, as the other name has it.
        catalog.update(orders, catalog.run(load, "backfill"), NOON + 2 * HOUR, nominal_at=NOON - HOUR)
        catalog.update(orders, catalog.run(load, "again"), NOON + 3 * HOUR, version="2")

    for item in get("/datasets")["items"]:
        assert item["last_update"]["run"]["run_id"] == "newest", item["name"]
        assert (item["written_by"], item["read_by"]) == (1, 1)
    updates = get("/dataset/updates", namespace="s3", name="b/orders")["items"]
    assert [item["run"]["run_id"] for item in updates] == ["again", "backfill", "newest", "first"]
    detail = get("/dataset", namespace="s3", name="b/orders")
    assert [edge["job"]["name"] for edge in detail["producers"]] == ["load"]  # under both names, once


def test_the_same_version_written_again_does_not_make_a_dataset_fresh(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders, load = catalog.dataset("orders"), catalog.job("load")
        catalog.update(orders, catalog.run(load, "first"), NOON, version="17")
        catalog.update(orders, catalog.run(load, "second"), NOON + HOUR, version="18")
        catalog.update(orders, catalog.run(load, "again"), NOON + 2 * HOUR, version="18")

    (item,) = get("/datasets")["items"]
    assert item["last_update"]["run"]["run_id"] == "second"
