"""Settings, the server, keys and rules: what administrators see and do, and how nobody locks himself out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from collector.storage import keys
from collector.storage.engine import Database
from tests.catalog import NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import TOKEN, Look, Send
from tests.stand import Stand

Limited = Callable[..., FlaskClient]


def test_the_settings_tell_their_source_and_no_password(limited: Limited, client: FlaskClient) -> None:
    url = "postgresql://anna:s3cret@db/tidegate?sslpassword=unseen-&x=1"
    other = limited(database=url, forward="http://bob:word@marquez:5000, http://plain:5000")
    page = other.get("/settings").text
    assert "postgresql://anna:***@db/tidegate?sslpassword=***&amp;x=1" in page
    assert "http://bob:***@marquez:5000, http://plain:5000" in page
    for secret in ("s3cret", "unseen-", ":word@"):
        assert secret not in page
    items = {each["name"]: each for each in client.get("/api/v2/settings").get_json()["items"]}
    assert items["max_page"] == {
        "name": "max_page",
        "value": "1000",
        "source": "default",
        "help": "most items on one page of a listing",
    }


def test_the_server_tells_what_it_is_made_of_and_who_works(
    look: Look, client: FlaskClient, database: Database
) -> None:
    stand = Stand(database, "2026-11-22T07:00Z")
    stand.run("load", ["orders"])
    found = client.get("/api/v2/about").get_json()
    assert found["database"]["kind"] == database.dialect
    assert found["database"]["revision"] == found["database"]["needed"]
    assert found["database"]["bytes"] > 10_000
    rows = {each["table"]: (each["rows"], each["more"]) for each in found["database"]["tables"]}
    assert (rows["event"], rows["dataset"]) == ((2, False), (1, False))
    loops = {each["name"]: each for each in found["loops"]}
    assert (loops["engine"]["active"], loops["engine"]["holder"]) == (True, "engine")
    assert loops["projector"]["waiting"] == 0
    assert {"flask", "sqlalchemy"} <= {each["name"] for each in found["versions"]["libraries"]}
    page = look("/about")
    assert found["versions"]["python"] in page
    assert {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database.dialect] in page


def test_the_first_key_must_be_one_that_can_make_others(look: Look, send: Send, client: FlaskClient) -> None:
    assert "There are no keys." in look("/keys")
    for fields in (
        {"name": "a", "scopes": "read"},
        {"name": "a", "scopes": ["admin"], "namespaces": "mine"},
        {"name": "", "scopes": "admin"},
        {"name": "a"},
        {"name": "a", "scopes": "other"},
    ):
        answer = send("/keys", **fields)
        assert answer.status_code == 422, fields
        assert 'role="alert"' in answer.text
    assert client.get("/api/v2/keys").get_json() == {"items": [], "open": True}


def test_a_key_is_shown_once_and_who_made_the_first_stays_in(
    look: Look, send: Send, client: FlaskClient
) -> None:
    made = send("/keys", name="<b>boss", scopes="admin")
    assert made.headers["Cache-Control"] == "no-store"
    found = re.search(r"tg_[a-z0-9]{8}_[a-z0-9]{50}", made.text)
    assert found
    key = found[0]
    assert "&lt;b&gt;boss" in made.text
    assert "Log out" in made.text
    # In with the new key at once; others are out.
    assert "Log out" in look("/keys")
    assert key not in look("/keys")
    client.delete_cookie("tidegate_session")
    assert client.get("/keys").status_code == 303
    assert client.get("/api/v2/keys", headers={"X-API-Key": key}).get_json()["open"] is False


def test_keys_are_made_and_revoked(look: Look, writing: Writing, client: FlaskClient) -> None:
    with writing() as catalog:
        boss, _ = keys.create(catalog.conn, "boss", ["admin"], [], NOON)

    def send(path: str, **fields: Any) -> Any:
        token = TOKEN.search(client.get("/keys").text)
        assert token
        return client.post(path, data={"csrf": token[1], **fields})

    token = TOKEN.search(client.get("/login").text)
    assert token
    client.post("/login", data={"csrf": token[1], "key": boss})
    assert (
        "OPENLINEAGE_API_KEY=tg_"
        in send("/keys", name="airflow", scopes="ingest", namespaces="airflow-* pg://*").text
    )
    page = look("/keys")
    assert '<code class="pattern"><bdi>airflow-*</bdi></code>' in page
    prefix = client.get("/api/v2/keys").get_json()["items"][1]["prefix"]
    assert send(f"/keys/{prefix}/revoke").location == "/keys"
    page = look("/keys")
    assert f"The key {prefix} (airflow) is revoked." in page
    assert 'class="revoked"' in page
    assert send("/keys/nothing/revoke").status_code == 404
    last = send(f"/keys/{keys.prefix_of(boss)}/revoke")
    assert (last.status_code, "last key with the scope admin" in last.text) == (422, True)
    assert client.get("/keys").status_code == 200


def test_the_api_makes_keys_for_administrators_only(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        made = {
            scope: keys.create(catalog.conn, scope, [scope], [], NOON)[0] for scope in ("admin", "operate")
        }
        some = keys.create(catalog.conn, "some", ["admin"], ["mine"], NOON)[0]
    body = {"name": "new", "scopes": ["read"], "namespaces": ["a*"]}
    for key, status in ((made["operate"], 403), (some, 403), (made["admin"], 200)):
        headers = {"X-API-Key": key}
        assert client.post("/api/v2/keys", json=body, headers=headers).status_code == status
        for path in ("keys", "settings", "about"):
            assert client.get(f"/api/v2/{path}", headers=headers).status_code == status, path
    answer = client.post("/api/v2/keys", json=body, headers={"X-API-Key": made["admin"]}).get_json()
    assert (answer["name"], answer["scopes"], answer["namespaces"]) == ("new", ["read"], ["a*"])
    assert client.get("/api/v2/jobs", headers={"X-API-Key": answer["key"]}).status_code == 200
    revoked = client.post(
        f"/api/v2/keys/{answer['prefix']}/revoke", json={}, headers={"X-API-Key": made["admin"]}
    )
    assert revoked.get_json()["revoked_at"]
    assert client.get("/api/v2/jobs", headers={"X-API-Key": answer["key"]}).status_code == 401


def test_rules_are_shown_as_their_document(look: Look, database: Database) -> None:
    assert "There are no rules" in look("/rules")
    Stand(database, "2026-11-22T07:00Z").apply(
        "version: 1\nexpectations:\n  - {id: daily, dataset: {namespace: pg, name: orders}, max_age: 1h}\n"
    )
    page = look("/rules")
    assert "- id: daily" in page
    assert "1 expectations" in page
    assert "put by command or API" in page
