"""Rules over HTTP, and the names of a dataset."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.ingest.projector import Projector
from collector.storage import keys
from collector.storage.engine import Database
from tests.catalog import NOON
from tests.dump import feed
from tests.events import run_event
from tests.integration.api.conftest import Get, Writing

PREFIX = {
    "prefix": {"namespace": "dlt://x", "to_namespace": "postgres://db:5432", "to_name": "shop."},
    "reason": "r",
}
DOCUMENT = {"version": 1, "rules": [PREFIX]}


def project(database: Database) -> None:
    Projector(database, holder="test").drain()


@pytest.fixture
def shop(database: Database) -> None:
    """Have one table under two names."""
    names = [("dlt://x", "raw.orders"), ("postgres://db:5432", "shop.raw.orders")]
    entries = [{"namespace": namespace, "name": name} for namespace, name in names]
    feed(database, [run_event("COMPLETE", inputs=entries[1:], outputs=entries[:1])], NOON)
    project(database)


@pytest.mark.usefixtures("shop")
def test_rules_are_put_followed_and_given_back(client: FlaskClient, get: Get, database: Database) -> None:
    assert get("/aliases") == {"version": 1, "rules": [], "revision": 0, "applied": True}
    planned = client.post("/api/v2/aliases/plan", json=DOCUMENT).get_json()
    assert planned["matched"] == [{"rule": "prefix dlt://x:* is postgres://db:5432:shop.*", "names": 1}]
    assert (planned["merge_count"], planned["split_count"]) == (1, 0)
    (merge,) = planned["merges"]
    assert merge["dataset"] == {"namespace": "postgres://db:5432", "name": "shop.raw.orders"}
    assert [name["namespace"] for name in merge["others"]] == ["dlt://x", "postgres://db:5432"]

    assert client.put("/api/v2/aliases", json=DOCUMENT).get_json() == {"revision": 1, "applied": False}
    project(database)

    assert get("/aliases") == DOCUMENT | {"revision": 1, "applied": True}
    detail = get("/dataset", namespace="postgres://db:5432", name="shop.raw.orders")
    assert detail["aliases"] == [
        {
            "dataset": {"namespace": "dlt://x", "name": "raw.orders"},
            "reason": "rule",
            "detail": "prefix dlt://x:* is postgres://db:5432:shop.*",
        }
    ]
    assert detail["canonical"] == {"namespace": "postgres://db:5432", "name": "shop.raw.orders"}
    assert (
        client.post("/api/v2/aliases/plan", json={"version": 1, "rules": []}).get_json()["split_count"] == 1
    )


def test_mistakes_have_their_place(client: FlaskClient) -> None:
    answer = client.put("/api/v2/aliases", json={"version": 1, "rules": [PREFIX, {"exact": {"nmae": "x"}}]})

    assert answer.status_code == 422
    assert {"path": "$.rules[1].exact.nmae", "reason": "Unknown field."} in answer.get_json()["errors"]
    assert client.put("/api/v2/aliases", data="{").status_code in (400, 422)
    assert client.get("/api/v2/aliases").get_json()["rules"] == []


@pytest.mark.usefixtures("shop")
def test_what_no_name_can_hold_stops_nobody(client: FlaskClient, get: Get, database: Database) -> None:
    rules = [
        {form: {"namespace": "dlt://x", "name": "raw.orders", "to_namespace": "a", "to_name": "\ud800\0"}}
        for form in ("exact", "regex")
    ]
    # Half of a pair of surrogates is valid JSON, and no text that a database keeps.
    document = json.dumps({"version": 1, "rules": [*rules, PREFIX | {"reason": "\udfff\0"}]})
    put = client.put("/api/v2/aliases", data=document, content_type="application/json")
    assert put.status_code == 200
    project(database)

    assert get("/aliases")["applied"] is True
    detail = get("/dataset", namespace="dlt://x", name="raw.orders")
    assert detail["canonical"]["name"] == "shop.raw.orders"


def test_rules_are_for_keys_of_all_namespaces(client: FlaskClient, writing: Writing) -> None:
    def key(scope: str, *namespaces: str) -> dict[str, Any]:
        with writing() as catalog:
            return {"X-API-Key": keys.create(catalog.conn, "test", [scope], namespaces, NOON)[0]}

    read, some, operate = key("read"), key("operate", "postgres://*"), key("operate")

    for headers, reads, writes in ((read, 200, 403), (some, 403, 403), (operate, 200, 200)):
        assert client.get("/api/v2/aliases", headers=headers).status_code == reads
        assert client.post("/api/v2/aliases/plan", json=DOCUMENT, headers=headers).status_code == writes
        assert client.put("/api/v2/aliases", json=DOCUMENT, headers=headers).status_code == writes
