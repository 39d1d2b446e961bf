"""Namespaces, jobs and search."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer["items"]]


def test_namespaces_come_in_the_order_of_the_alphabet_page_by_page(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        for namespace in ("c", "a", "b"):
            catalog.job("any", namespace)

    first = get("/namespaces", limit=2)
    assert first["items"] == ["a", "b"]
    assert get("/namespaces", limit=2, cursor=first["next_cursor"]) == {"items": ["c"], "next_cursor": None}


def test_jobs_of_a_namespace_come_by_name_with_their_last_run(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load = catalog.job("load")
        catalog.job("extract")
        catalog.job("other", "elsewhere")
        catalog.run(load, "first", NOON)
        catalog.run(load, "last", NOON + HOUR)
        catalog.run(load, "of which only a child spoke", None)
        catalog.run(load, "", NOON + 2 * HOUR, declared=True)

    answer = get("/jobs", namespace="shop")
    assert names(answer) == ["extract", "load"]
    assert answer["items"][0]["last_run"] is None
    assert answer["items"][1]["last_run"]["run_id"] == "last"
    assert answer["items"][1]["last_run"]["started_at"] == "2026-11-22T13:00:00.000000Z"


def test_hidden_jobs_are_nowhere(get: Get, writing: Writing, client: FlaskClient) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        hidden = catalog.job("hidden", dataset_id=orders)
        catalog.edge(hidden, orders, Direction.OUTPUT)

    assert get("/jobs")["items"] == []
    assert get("/search", q="hidden")["items"] == []
    assert get("/dataset", namespace="shop", name="orders")["producers"] == []
    assert get("/datasets")["items"][0]["written_by"] == 0
    assert client.get("/api/v2/job?namespace=shop&name=hidden").status_code == 404


def test_q_finds_any_part_of_the_name_and_takes_wildcards_as_they_are(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        for name in ("fct_orders", "fctorders", "Orders", "100%", "customers"):
            catalog.job(name)

    assert sorted(names(get("/jobs", q="ORDERS"))) == ["Orders", "fct_orders", "fctorders"]
    assert names(get("/jobs", q="t_o")) == ["fct_orders"]
    assert names(get("/jobs", q="%")) == ["100%"]
    assert names(get("/jobs", q="\0")) == []


def test_a_job_shows_what_it_reads_and_writes_now_and_before(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        job = catalog.job("load")
        raw, new, old = (catalog.dataset(name) for name in ("raw", "new", "old"))
        catalog.edge(job, raw, Direction.INPUT)
        catalog.edge(job, new, Direction.OUTPUT, NOON + HOUR)
        catalog.edge(job, old, Direction.OUTPUT, NOON, valid_to=NOON + HOUR)
        catalog.facet(job, "sql", {"query": "select 1"})
        catalog.facet(job, "sql", {"query": "select 2"}, NOON + HOUR)
        catalog.facet(job, "gone", {"a": 1})
        catalog.facet(job, "gone", None, NOON + HOUR)
        catalog.run(job, "r1")

    answer = get("/job", namespace="shop", name="load")
    assert [edge["dataset"]["name"] for edge in answer["inputs"]] == ["raw"]
    assert [edge["dataset"]["name"] for edge in answer["outputs"]] == ["new"]
    history = [(edge["dataset"]["name"], edge["direction"], edge["valid_to"]) for edge in answer["versions"]]
    assert history == [
        ("new", "output", None),
        ("old", "output", "2026-11-22T13:00:00.000000Z"),
        ("raw", "input", None),
    ]
    assert answer["facets"] == {"sql": {"query": "select 2"}}
    assert answer["last_run"]["run_id"] == "r1"
    assert answer["complete"] is True
