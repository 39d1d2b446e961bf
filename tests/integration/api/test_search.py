"""The search over everything: what comes first, addresses, other kinds of things, and who sees what."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from collector.storage import keys, name_search
from collector.storage.engine import Database
from collector.storage.name_parts import beginning, last_part
from collector.storage.tables import dataset
from tests.catalog import NOON
from tests.events import run_event
from tests.integration.api.conftest import Get, Writing
from tests.stand import Stand

RULES = """
version: 1
targets: {hook: {kind: webhook, url: "https://example.org"}}
expectations:
  - {id: orders-daily, dataset: {namespace: pg, name: shop.public.orders}, max_age: 1h}
triggers:
  - id: build-orders
    when: {id: orders, dataset: {namespace: pg, name: shop.public.orders}}
    do: [{id: go, start: hook}]
"""


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer["items"]]


def test_the_best_come_first(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.job("orders")
        for name in (
            "shop.public.orders",
            "orders_old",
            "preorders",
            "a.orders_new",
            "shop.orders",
            "customers",
        ):
            catalog.dataset(name)

    found = get("/search", q="Orders")
    assert [(item["id"], item["match"]) for item in found["items"]] == [
        ("job:shop:orders", "exact"),
        ("dataset:shop:shop.orders", "last"),
        ("dataset:shop:shop.public.orders", "last"),
        ("dataset:shop:orders_old", "begins"),
        ("dataset:shop:a.orders_new", "begins"),
        ("dataset:shop:preorders", "contains"),
    ]
    assert found["complete"] is True
    # So many of each type.
    assert ids(get("/search", q="orders", limit=1)) == ["job:shop:orders", "dataset:shop:shop.orders"]
    assert get("/search", q="nothing")["items"] == []
    # What stands for anything in patterns stands for itself here.
    assert get("/search", q="o_d")["items"] == []
    assert get("/search", q="%")["items"] == []


@pytest.mark.parametrize(
    "text",
    [
        "postgres://db:5432/shop.public.orders",
        "postgres://db/shop.public.orders",
        "dataset:postgres://db:5432:shop.public.orders",
        "postgres://db:5432:shop.public.orders",
    ],
)
def test_an_address_finds_what_it_is_of(get: Get, writing: Writing, text: str) -> None:
    with writing() as catalog:
        catalog.dataset("shop.public.orders", "postgres://db:5432")
        catalog.dataset("shop.public.orders_old", "postgres://db:5432")
    assert ids(get("/search", q=text)) == ["dataset:postgres://db:5432:shop.public.orders"]


def test_addresses_of_files_with_and_without_a_slash_before_the_key(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("lake/orders", "s3://bucket")
        catalog.dataset("/data/orders", "file")
        catalog.job("dag.task", "airflow://prod")
    assert ids(get("/search", q="s3://bucket/lake/orders")) == ["dataset:s3://bucket:lake/orders"]
    assert ids(get("/search", q="file:/data/orders")) == ["dataset:file:/data/orders"]
    assert ids(get("/search", q="airflow://prod/dag.task")) == ["job:airflow://prod:dag.task"]
    assert ids(get("/search", q="job:airflow://prod:dag.task")) == ["job:airflow://prod:dag.task"]


def test_more_names_alike_than_are_looked_at(
    get: Get, writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_search, "MOST_LIKE", 3)
    monkeypatch.setattr(name_search, "MOST_READ", 4)
    with writing() as catalog:
        for name in ("orders_1", "orders_2", "orders_3", "orders_4", "z.orders", "orders", "xordersx"):
            catalog.dataset(name)
    found = get("/search", q="orders", limit=2)
    assert ids(found) == ["dataset:shop:orders", "dataset:shop:z.orders"]
    assert get("/search", q="nothing")["complete"] is False
    monkeypatch.setattr(name_search, "MOST_READ", 7)
    assert get("/search", q="nothing")["complete"] is True
    monkeypatch.setattr(name_search, "FEW_READ", 1)
    assert get("/search", q="xordersx", types="dataset")["complete"] is False
    assert get("/search", q="s_4", types="dataset")["complete"] is True


def test_names_as_searches_know_them(database: Database, writing: Writing) -> None:
    names = {
        "Orders": ("orders", "orders"),
        "shop.public.Orders": ("shop.public.orders", "orders"),
        "/a/b.c": ("/a/b.c", "c"),
        "a/b.": ("a/b.", ""),
        "...": ("...", ""),
        "x" * 300: ("x" * 200, "x" * 200),
    }
    with writing() as catalog:
        for name in names:
            catalog.dataset(name)
    columns = select(dataset.c.name, beginning(dataset.c.name), last_part(dataset.c.name))
    with database.read() as conn:
        assert {name: (first, last) for name, first, last in conn.execute(columns)} == names


def test_everything_else_that_has_a_name(get: Get, database: Database) -> None:
    stand = Stand(database, "2026-11-22T07:00Z")
    stand.apply(RULES)
    stand.run("load", [{"namespace": "pg", "name": "shop.public.orders"}])
    stand.at("2026-11-22T09:30Z")
    (run_id,) = {item["run_id"] for item in get("/runs")["items"]}

    every = ["dataset", "job", "run", "trigger", "expectation", "alert", "namespace"]

    def find(q: str) -> list[tuple[str, str]]:
        return [(item["type"], item["id"]) for item in get("/search", q=q, types=every)["items"]]

    alert_id = get("/alerts")["items"][0]["id"]
    assert set(find("orders")) == {
        ("dataset", "dataset:pg:shop.public.orders"),
        ("expectation", "orders-daily"),
        ("trigger", "build-orders"),
        ("alert", str(alert_id)),
    }
    assert find("PG") == [("namespace", "pg")]
    assert find(run_id.upper()) == [("run", run_id)]
    assert find(str(alert_id))[0] == ("alert", str(alert_id))
    (found,) = get("/search", q="orders", types="alert")["items"]
    assert (found["namespace"], found["name"]) == ("pg", "shop.public.orders")
    assert found["words"]


def test_a_key_of_some_namespaces_finds_these_only(
    client: FlaskClient, writing: Writing, database: Database
) -> None:
    stand = Stand(database, "2026-11-22T07:00Z")
    stand.apply(RULES)
    stand.run("load", [{"namespace": "pg", "name": "shop.public.orders"}])
    stand.at("2026-11-22T09:30Z")
    stand.take_in([run_event("COMPLETE", stand.now, "orders", "r1", namespace="mine")])
    with writing() as catalog:
        key, _ = keys.create(catalog.conn, "test", ["read"], ["mine"], NOON)

    every = ["dataset", "job", "run", "trigger", "expectation", "alert", "namespace"]
    for q, expected in (
        ("orders", ["job:mine:orders"]),
        ("pg", []),
        ("mine", ["mine"]),
        ("r1", ["r1"]),
        ("dataset:pg:shop.public.orders", []),
        ("load", []),
    ):
        answer = client.get(
            "/api/v2/search", query_string={"q": q, "types": every}, headers={"X-API-Key": key}
        )
        assert ids(answer.json) == expected, q
