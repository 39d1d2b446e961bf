"""Deliveries and targets over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.outbound.dispatcher import Dispatcher
from collector.settings import Settings
from collector.storage import keys, outbox, rules
from collector.storage.engine import Database
from collector.times import now_us
from tests.catalog import NOON
from tests.integration.api.conftest import Get, Writing
from tests.parcels import message
from tests.receivers import HttpReceiver, answer
from triggers.documents import Row


@pytest.fixture
def dispatcher(database: Database) -> Iterator[Dispatcher]:
    """Send what is due when asked to, and fail for good after an attempt."""
    made = Dispatcher(database, "test", Settings(outbound_allow="127.0.0.0/8"), chance=lambda: 1.0)
    yield made
    made.close()


def have(database: Database, **targets: str) -> None:
    """Have webhooks in the rules."""
    with database.write() as conn:
        bodies = {id_: {"id": id_, "kind": "webhook", "url": url} for id_, url in targets.items()}
        headers = {"headers": {"X-Token": "env:TOKEN"}}
        rules.replace(conn, [Row("target", id_, body | headers) for id_, body in bodies.items()], NOON)


def put(database: Database, target: str, *names: str) -> None:
    with database.write() as conn:
        for name in names:
            said = message(receiver=target, title=name, group=name)
            outbox.put(conn, target, "notification", name, said.data(), now_us())


def test_deliveries_are_listed_shown_tried_again_and_cancelled(
    client: FlaskClient, get: Get, database: Database, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "t0ken-of-the-hook")
    with HttpReceiver(answer(404, b"no such hook"), answer(500), answer(200)) as receiver:
        have(database, hook=receiver.url)
        put(database, "hook", "a", "b", "c")
        assert dispatcher.step() == 1
        assert dispatcher.step() == 1

        first = get("/deliveries", limit=2)
        assert [(item["key"], item["state"]) for item in first["items"]] == [
            ("c", "pending"),
            ("b", "pending"),
        ]
        (dead,) = get("/deliveries", limit=2, cursor=first["next_cursor"])["items"]
        assert (dead["key"], dead["state"], dead["error"]) == ("a", "dead", "answered 404: no such hook")
        assert [item["key"] for item in get("/deliveries", state="dead")["items"]] == ["a"]
        assert get("/deliveries", target="other")["items"] == []

        shown = get(f"/deliveries/{dead['id']}")
        assert shown["body"]["title"] == "a"
        (tried,) = shown["tried"]
        assert (tried["attempt"], tried["outcome"], tried["status"]) == (1, "refused", 404)
        assert 0 < tried["seconds"] < 5
        assert "t0ken" not in str(shown) + str(get("/targets"))

        again = client.post(f"/api/v2/deliveries/{dead['id']}/retry", json={}).json
        assert again is not None
        assert (again["state"], again["attempts"]) == ("pending", 0)
        c = first["items"][0]
        cancelled = client.post(f"/api/v2/deliveries/{c['id']}/cancel").json
        assert cancelled is not None
        assert (cancelled["state"], cancelled["next_at"]) == ("cancelled", None)
        while dispatcher.step():
            pass
    assert {item["key"]: item["state"] for item in get("/deliveries")["items"]} == {
        "a": "delivered",
        "b": "pending",
        "c": "cancelled",
    }


def test_targets_are_listed_tested_and_enabled(
    client: FlaskClient, get: Get, database: Database, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "t0ken-of-the-hook")
    with HttpReceiver(answer(410, b"moved"), answer(200)) as receiver:
        have(database, hook=receiver.url, unused=receiver.url)
        put(database, "hook", "a", "b")
        dispatcher.step()
        hook, unused = get("/targets")["items"]
        assert (hook["id"], hook["kind"], hook["reason"]) == ("hook", "webhook", "answered 410: moved")
        assert hook["disabled_at"] is not None
        assert hook["counts"] == {"pending": 0, "delivered": 0, "dead": 2, "cancelled": 0}
        assert (unused["id"], unused["tried_at"], unused["disabled_at"]) == ("unused", None, None)

        enabled = client.post("/api/v2/targets/hook/enable", json={}).json
        assert enabled is not None
        assert (enabled["disabled_at"], enabled["reason"]) == (None, None)
        queued = client.post("/api/v2/targets/hook/test").json
        assert queued is not None
        assert get("/targets")["items"][0]["oldest_pending_at"] is not None
        dispatcher.step()
    assert receiver.received[-1].headers["webhook-id"] == queued["key"]
    (delivered,) = get("/deliveries", state="delivered")["items"]
    assert (delivered["kind"], delivered["key"]) == ("test", queued["key"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "deliveries/1", 404), ("POST", "deliveries/1/retry", 404), ("POST", "deliveries/1/cancel", 404),
        ("GET", f"deliveries/{10**30}", 404), ("GET", "deliveries/a", 404), ("POST", "targets/none/enable", 404),
        ("POST", "targets/none/test", 404), ("GET", "deliveries?state=lost", 422), ("GET", "targets?id=1", 422),
        ("GET", "deliveries?cursor=x", 422),
    ],
)  # fmt: skip
def test_what_is_not_there_or_not_understood_is_told(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    response = client.open(f"/api/v2/{path}", method=method)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"


def test_changes_need_a_key_that_may_operate_and_all_of_it_one_of_all_namespaces(
    client: FlaskClient, writing: Writing, database: Database
) -> None:
    def key(scope: str, *namespaces: str) -> dict[str, Any]:
        with writing() as catalog:
            return {"X-API-Key": keys.create(catalog.conn, "test", [scope], namespaces, NOON)[0]}

    have(database, hook="https://hook.test/")
    put(database, "hook", "a")
    read, some, operate = key("read"), key("operate", "postgres://*"), key("operate")

    for headers, reads, writes in ((read, 200, 403), (some, 403, 403), (operate, 200, 200)):
        for path in ("deliveries", "deliveries/1", "targets"):
            assert client.get(f"/api/v2/{path}", headers=headers).status_code == reads, path
        for path in ("deliveries/1/cancel", "deliveries/1/retry", "targets/hook/enable", "targets/hook/test"):
            assert client.post(f"/api/v2/{path}", headers=headers).status_code == writes, path
