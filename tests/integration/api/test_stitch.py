"""Suggestions over HTTP: what they look like, accepting and dismissing them, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from collector.ingest.projector import Projector
from collector.storage import keys
from collector.storage.engine import Database
from collector.storage.tables import dataset, hidden, stitch_decision
from lineage.model import DatasetRef, Direction
from tests.catalog import NOON, Catalog
from tests.integration.api.conftest import Get, Writing

DLT = "dlt.destinations.postgres://r7FtJZ18"
DBT = "postgres://db.internal:5432"
TABLES = ("raw.orders", "raw.payments", "raw.customers")
RULE = {"prefix": {"namespace": DLT, "to_namespace": DBT, "to_name": "shop."}}


def pair(table: str) -> dict[str, Any]:
    """Give the two names of a table as they are sent, in the order in which they are not suggested."""
    return {
        "one": {"namespace": DBT, "name": f"shop.{table}"},
        "other": {"namespace": DLT, "name": table},
    }


def two_tools(catalog: Catalog) -> None:
    """Write that one tool loads tables, and another reads them under other names."""
    load, model = catalog.job("load"), catalog.job("model")
    for table in TABLES:
        fields = {"fields": [{"name": name} for name in ("id", "AMOUNT", table)]}
        written, read = catalog.dataset(table, DLT), catalog.dataset(f"shop.{table}", DBT)
        for id_ in (written, read):
            catalog.facet(id_, "schema", fields)
        # It has not written them lately.
        catalog.edge(load, written, Direction.OUTPUT, valid_to=NOON + 1)
        catalog.edge(model, read, Direction.INPUT)


@pytest.fixture(autouse=True)
def tools(writing: Writing) -> None:
    with writing() as catalog:
        two_tools(catalog)


def suggested(get: Get) -> set[str]:
    """Give the tables that are suggested."""
    return {item["one"]["name"] for item in get("/stitch/suggestions")["items"]}


def test_a_suggestion_has_its_evidence_and_the_rule(get: Get) -> None:
    answer = get("/stitch/suggestions")
    assert (answer["total"], answer["truncated"]) == (3, False)
    best = answer["items"][0]
    assert best["rank"] == 1
    assert best["one"] == {"namespace": DLT, "name": "raw.customers"}
    assert best["other"] == {"namespace": DBT, "name": "shop.raw.customers"}
    assert best["rules"] == [RULE]
    assert best["joins"] == 3
    assert 0.9 < best["confidence"] < 1
    evidence = {(piece["kind"], piece["words"]) for piece in best["evidence"]}
    assert ("columns", "the same 3 columns") in evidence
    assert ("roles", "only written by the first name, only read by the second") in evidence
    assert all(piece["weight"] > 0 for piece in best["evidence"])


def test_there_are_no_more_than_asked_for(get: Get) -> None:
    answer = get("/stitch/suggestions", limit=2)
    assert [item["rank"] for item in answer["items"]] == [1, 2]
    assert answer["total"] == 3


def test_what_is_accepted_becomes_a_rule_and_then_one_dataset(
    client: Any, get: Get, database: Database
) -> None:
    answer = client.post("/api/v2/stitch/accept", json=pair("raw.orders"))
    assert (answer.status_code, answer.json) == (200, {"rules": [RULE], "revision": 1, "applied": False})
    assert get("/aliases")["rules"] == [RULE]
    assert suggested(get) == set(), "the rule accounts for the others too"

    Projector(database, holder="test").drain()

    assert get("/aliases")["applied"]
    assert suggested(get) == set()
    aliases = get("/dataset", namespace=DLT, name="raw.payments")["aliases"]
    assert [alias["dataset"]["name"] for alias in aliases] == ["shop.raw.payments"]
    assert client.post("/api/v2/stitch/accept", json=pair("raw.orders")).status_code == 404


def test_two_names_alone_can_be_joined(client: Any, get: Get) -> None:
    answer = client.post("/api/v2/stitch/accept", json=pair("raw.orders") | {"exact": True})
    exact = {"namespace": DLT, "name": "raw.orders", "to_namespace": DBT, "to_name": "shop.raw.orders"}
    assert answer.json["rules"] == [{"exact": exact}]
    assert get("/aliases")["rules"] == [{"exact": exact}]


def test_what_is_dismissed_is_not_suggested_again(client: Any, get: Get, database: Database) -> None:
    answer = client.post("/api/v2/stitch/dismiss", json=pair("raw.orders"))
    assert (answer.status_code, answer.json) == (200, pair("raw.orders"))
    assert suggested(get) == set(TABLES) - {"raw.orders"}
    assert all("exact" in item["rules"][0] for item in get("/stitch/suggestions")["items"])
    with database.read() as conn:
        (row,) = conn.execute(select(stitch_decision))
    ids = sorted(DatasetRef(**pair("raw.orders")[side]).id for side in ("one", "other"))
    assert ([row.dataset_id, row.other_id], row.decision, row.decided_by) == (ids, "dismissed", "anybody")


@pytest.mark.parametrize("what", ["accept", "dismiss"])
def test_what_is_not_there_cannot_be_decided(client: Any, what: str) -> None:
    unknown = pair("raw.orders") | {"one": {"namespace": DBT, "name": "none"}}
    assert client.post(f"/api/v2/stitch/{what}", json=unknown).status_code == 404
    wrong = client.post(f"/api/v2/stitch/{what}", json={"one": {"namespace": DBT}, "more": 1})
    assert wrong.status_code == 422
    assert {error["path"] for error in wrong.json["errors"]} == {"$.one.name", "$.other", "$.more"}


def test_artificial_and_hidden_datasets_are_not_suggested(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.conn.execute(
            dataset.update().where(dataset.c.id == DatasetRef(DLT, "raw.orders").id).values(artificial=True)
        )
        row = {"owner_id": DatasetRef(DBT, "shop.raw.payments").id, "hidden_at": NOON}
        catalog.conn.execute(hidden.insert().values(row))
    assert suggested(get) == {"raw.customers"}


def test_who_may_see_and_decide(client: Any, writing: Writing) -> None:
    def key(*scopes: str, namespaces: tuple[str, ...] = ()) -> dict[str, str]:
        with writing() as catalog:
            return {"X-API-Key": keys.create(catalog.conn, "ann", scopes, namespaces, NOON)[0]}

    read, operate = key("read"), key("operate")
    some = key("operate", namespaces=(DBT,))
    listed = client.get("/api/v2/stitch/suggestions", headers=read)
    assert listed.json["total"] == 3
    assert client.get("/api/v2/stitch/suggestions", headers=some).json["total"] == 0
    for what in ("dismiss", "accept"):
        path, body = f"/api/v2/stitch/{what}", pair("raw.orders")
        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, headers=read).status_code == 403
        assert client.post(path, json=body, headers=some).status_code == 403
    assert client.post("/api/v2/stitch/accept", json=pair("raw.orders"), headers=operate).status_code == 200
