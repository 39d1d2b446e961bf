"""Lineage of columns and of runs over HTTP: levels, shapes, pages and refusals."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from collector.api.log_shapes import Lineage
from lineage.model import Direction
from tests.catalog import HOUR, NOON, Catalog
from tests.integration.api.conftest import Get, Writing

HASH = ["DIRECT", "TRANSFORMATION", "sha256(email)", True]
FILTER = ["INDIRECT", "FILTER", None, False]


def people(catalog: Catalog) -> None:
    """Write raw -> load -> people -> report -> mail, in columns and in runs."""
    raw, table, mail = (catalog.dataset(name, "db") for name in ("raw", "people", "mail"))
    catalog.facet(table, "schema", {"fields": [{"name": "hash", "type": "text"}, {"name": "city"}]})
    load, report = catalog.job("load"), catalog.job("report")
    sources = catalog.derivation(1, (raw, "email", "hash", [HASH]), (raw, "deleted", None, [FILTER]))
    catalog.edge(load, table, Direction.OUTPUT, derivation_id=sources)
    catalog.edge(report, table, Direction.INPUT)
    catalog.edge(report, mail, Direction.OUTPUT, derivation_id=catalog.derivation(2, (table, "hash", "to")))
    wrote = catalog.run(load, "r1", NOON, ended_at=NOON + HOUR, ended_received_at=NOON + HOUR)
    catalog.uses(wrote, table, Direction.OUTPUT)
    catalog.update(table, wrote, NOON + HOUR)
    read = catalog.run(report, "r2", NOON + 2 * HOUR, state="RUNNING")
    catalog.uses(read, table, Direction.INPUT, version="7")


def assert_declared(answer: dict[str, Any]) -> None:
    """Look at what the document of the API says of the answer."""
    shape = Lineage()
    assert answer.keys() == shape.fields.keys()
    for key in ("nodes", "edges"):
        fields = shape.fields[key].inner.schema.fields  # type: ignore[attr-defined]  # a list of nested ones
        for item in answer[key]:
            assert item.keys() <= {field.data_key or name for name, field in fields.items()}
            assert {field.data_key or name for name, field in fields.items() if field.required} <= item.keys()


def test_a_column(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        people(catalog)

    answer = get("/lineage", node="column:db:mail:to", direction="upstream")
    assert_declared(answer)
    assert [(node["id"], node["depth"], node["data_type"]) for node in answer["nodes"]] == [
        ("column:db:mail:to", 0, None),
        ("column:db:people:hash", 1, "text"),
        ("column:db:raw:deleted", 2, None),
        ("column:db:raw:email", 2, None),
    ]
    assert answer["nodes"][0] == {
        "id": "column:db:mail:to", "type": "column", "namespace": "db", "name": "mail", "field": "to",
        "data_type": None, "depth": 0, "names": [],
    }  # fmt: skip
    edges = {edge["from"]: edge for edge in answer["edges"]}
    assert edges["column:db:raw:email"] == {
        "from": "column:db:raw:email", "to": "column:db:people:hash", "kind": "data", "via": ["job:shop:load"],
        "indirect": False, "masking": True,
        "transformations": [
            {"type": "DIRECT", "subtype": "TRANSFORMATION", "description": "sha256(email)", "masking": True}
        ],
    }  # fmt: skip
    assert edges["column:db:raw:deleted"]["indirect"] is True
    direct = get("/lineage", node="column:db:mail:to", direction="upstream", indirect="false")
    assert "column:db:raw:deleted" not in {node["id"] for node in direct["nodes"]}


def test_all_columns_of_a_dataset(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        people(catalog)

    answer = get("/lineage", node="dataset:db:people", level="column")
    assert {node["id"]: node["depth"] for node in answer["nodes"]} == {
        "column:db:people:city": 0,
        "column:db:people:hash": 0,
        "column:db:raw:email": 1,
        "column:db:raw:deleted": 1,
        "column:db:mail:to": 1,
    }
    first = get("/lineage", node="dataset:db:people", level="column", max_nodes=2)
    assert first["truncated"]
    second = get("/lineage", node="dataset:db:people", level="column", cursor=first["next_cursor"])
    assert {node["id"] for node in first["nodes"] + second["nodes"]} == {
        node["id"] for node in answer["nodes"]
    }


def test_a_run(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        people(catalog)

    answer = get("/lineage", node="run:r2", direction="upstream")
    assert_declared(answer)
    assert answer["nodes"][0] == {
        "id": "run:r2", "type": "run", "namespace": "shop", "name": "report", "run_id": "r2", "state": "RUNNING",
        "started_at": "2026-11-22T14:00:00.000000Z", "ended_at": None, "depth": 0, "names": [],
        "inputs": [{"namespace": "db", "name": "people", "version": "7", "writer": "run:r1"}],
    }  # fmt: skip
    assert answer["edges"] == [
        {"from": "run:r1", "to": "run:r2", "kind": "data", "via": [], "datasets": ["dataset:db:people"]}
    ]
    assert get("/lineage", node="run:r1", direction="downstream")["edges"] == answer["edges"]


def test_a_level_that_the_node_has_not_is_refused(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        people(catalog)

    def status(**query: str) -> int:
        return client.get("/api/v2/lineage", query_string=query).status_code

    assert status(node="job:shop:load", level="column") == 422
    assert status(node="dataset:db:people", level="run") == 422
    assert status(node="job:shop:load", level="run") == 422
    assert status(node="run:r1", level="run") == 200
    assert status(node="column:db:people:hash", level="column") == 200
    assert status(node="column:db:people:none") == status(node="run:none") == 404
    assert status(node="column:db:people") == status(node="run:") == 422
