"""The pages of deliveries and targets."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from collector.storage import keys, outbox, tables
from collector.storage.engine import Database
from tests.catalog import NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look, Send


@pytest.fixture
def sent(writing: Writing) -> None:
    """Have a dead delivery (1) to ``chat`` with two attempts, one that waits (2), and targets ``chat`` and ``gone``."""
    with writing() as catalog:
        conn = catalog.conn
        for id_ in ("chat", "gone"):
            body = json.dumps({"id": id_, "kind": "webhook", "url": "http://127.0.0.1:9/"})
            row = {"kind": "target", "id": id_, "position": 0, "changed_at": NOON, "body": body}
            conn.execute(insert(tables.rule), [row])
        outbox.put(conn, "chat", "notification", "k1", {"title": "<b>late</b>"}, NOON)
        outbox.put(conn, "chat", "action", "k2", {"action": {"id": "run"}}, NOON)
        dead = {"state": "dead", "attempts": 2, "error": "answered 503", "ended_at": NOON}
        conn.execute(update(tables.outbox).where(tables.outbox.c.key == "k1").values(dead))
        for attempt in (1, 2):
            tried = {"outbox_id": 1, "attempt": attempt, "at": NOON, "took": 130_000, "outcome": "retry"}
            conn.execute(insert(tables.delivery), [tried | {"status": 503, "error": "answered 503"}])
        gone = {"id": "gone", "failures": 0, "disabled_at": NOON, "reason": "it answered 410"}
        conn.execute(insert(tables.receiver), [gone])


def states(database: Database) -> dict[str, str]:
    with database.read() as conn:
        rows = conn.execute(select(tables.outbox).order_by(tables.outbox.c.id))
        return {row.key: row.state for row in rows}


@pytest.mark.usefixtures("sent")
def test_deliveries_are_listed_and_filtered(look: Look, client: FlaskClient) -> None:
    page = look("/deliveries")
    assert 'href="/deliveries/1"' in page
    assert 'action="/deliveries/1/retry"' in page
    assert 'action="/deliveries/2/cancel"' in page
    assert 'href="/api/v2/deliveries"' in page
    page = look("/deliveries", state="dead")
    assert ("/deliveries/1" in page, "/deliveries/2" in page) == (True, False)
    assert "Nothing was sent like this." in look("/deliveries", target="gone")
    assert client.get("/deliveries?state=odd").status_code == 422


def test_nothing_was_sent_yet(look: Look) -> None:
    assert "Nothing was sent yet" in look("/deliveries")
    assert "No rule has a target yet." in look("/targets")


@pytest.mark.usefixtures("sent")
def test_a_delivery_has_its_attempts_and_what_it_says(look: Look, client: FlaskClient) -> None:
    page = look("/deliveries/1")
    assert page.count(">503</td>") == 2
    assert "to be tried again" in page
    assert "&lt;b&gt;late&lt;/b&gt;" in page
    assert client.get("/deliveries/99").status_code == 404


@pytest.mark.usefixtures("sent")
def test_people_retry_and_cancel(send: Send, database: Database) -> None:
    answer = send("/deliveries/1/retry")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/deliveries/1")
    send("/deliveries/2/cancel")
    assert states(database) == {"k1": "pending", "k2": "cancelled"}


@pytest.mark.usefixtures("sent")
def test_targets_are_enabled_and_tried(look: Look, send: Send, database: Database) -> None:
    page = look("/targets")
    assert "it answered 410" in page
    assert 'action="/targets/gone/enable"' in page
    assert 'action="/targets/chat/enable"' not in page
    send("/targets/gone/enable")
    assert 'action="/targets/gone/enable"' not in look("/targets")
    answer = send("/targets/chat/test")
    assert answer.headers["Location"] == "/deliveries?target=chat"
    assert [state for key, state in states(database).items() if key.startswith("test-")] == ["pending"]
    assert send("/targets/none/test").status_code == 404


@pytest.mark.usefixtures("sent")
def test_they_are_for_keys_of_all_namespaces(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        some = keys.create(catalog.conn, "some", ["operate"], ["shop"], NOON)[0]
        reads = keys.create(catalog.conn, "reads", ["read"], [], NOON)[0]
    for path in ("/deliveries", "/deliveries/1", "/targets"):
        assert client.get(path, headers={"X-API-Key": some}).status_code == 403
        page = client.get(path, headers={"X-API-Key": reads})
        assert page.status_code == 200
        assert 'action="/deliveries' not in page.text
        assert 'action="/targets' not in page.text
