"""The pages of alerts: a card a cause, all about one, and what people do about it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import keys, tables
from collector.times import now_us
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import TOKEN, Look, Send
from tests.watched import Watched, print_of

LOAD = print_of("failed_run", "load")
HOSTILE = '<b>"x"</b>\u202e'


@pytest.fixture
def watched(writing: Writing) -> None:
    """Have a failed run explain two datasets, and one that is over since an hour."""
    with writing() as catalog:
        catalog.run(catalog.job("load"), "r1", NOON, state="FAIL", error="disk full")
        watched = Watched(catalog.conn)
        watched.expect("daily")
        watched.alert("failed_run", "load", type_="job", affects=2, severity="critical", notified_at=NOON)
        for name in ("a", "b"):
            catalog.dataset(name)
            watched.decided("daily", name, "late")
            watched.alert(
                "daily", name, cause=LOAD, path=json.dumps(["job:shop:load", f"dataset:shop:{name}"])
            )
        watched.alert("daily", "over", starts=now_us() - 3 * HOUR, ends_at=now_us() - HOUR)
        watched.alert("daily", "long ago", starts=NOON - 99 * HOUR, ends_at=NOON - 98 * HOUR)
        watched.notified("n1", LOAD)
        row = {
            "id": 7, "target_id": "pager", "kind": "notification", "key": "n1", "body": "{}", "state": "dead",
            "attempts": 1, "next_at": NOON, "created_at": NOON, "queued_at": NOON, "ended_at": NOON,
            "error": "answered 503", "once": False,
        }  # fmt: skip
        catalog.conn.execute(insert(tables.outbox), [row])
        tried = {"outbox_id": 7, "attempt": 1, "at": NOON, "took": 1, "outcome": "failed", "status": 503}
        catalog.conn.execute(insert(tables.delivery), [tried])


@pytest.mark.usefixtures("watched")
def test_a_card_a_cause_with_what_it_affects(look: Look) -> None:
    page = look("/alerts")
    assert page.count('id="cause-') == 2
    assert "1 cause, 2 datasets not as expected" in page
    assert "load failed" in page
    assert "disk full" in page
    assert "2 affected" in page
    assert page.index("Over in the last 24 hours") < page.index("over is late")
    assert "long ago" not in page
    assert "long ago is late" in look("/alerts", state="ended")


@pytest.mark.usefixtures("watched")
def test_filters_are_in_the_address(look: Look, client: FlaskClient) -> None:
    assert "No alert is like that." in look("/alerts", severity="info")
    page = look("/alerts", node="dataset:shop:b")
    assert 'id="cause-1"' in page
    assert 'value="dataset:shop:b"' in page
    assert 'href="/api/v2/alerts/causes?' in page
    assert client.get("/alerts?severity=terrible").status_code == 422


@pytest.mark.usefixtures("watched")
def test_one_alert_tells_who_was_told_and_why(look: Look) -> None:
    page = look("/alerts/1")
    assert "Somebody was told first" in page
    assert "No route of the rules takes it." in page
    assert "<code>503</code>" in page
    assert "answered 503" in page
    affected = look("/alerts/2")
    assert "Explained by" in affected
    assert "From the cause to here" in affected
    assert "It is told with what explains it" in affected


@pytest.mark.usefixtures("watched")
def test_somebody_takes_care_of_it_and_hands_it_back(look: Look, send: Send) -> None:
    done = send("/alerts/1/acknowledge", note="restarting", by="anna", next="/alerts?severity=critical")
    assert (done.status_code, done.location) == (303, "/alerts?severity=critical")
    page = look("/alerts")
    assert "anna takes care of it: load failed" in page
    assert "“restarting”" in page
    assert "1 taken care of" in page
    assert send("/alerts/1/unacknowledge", next="https://evil.example.org").location == "/alerts/1"
    assert "Nobody takes care of it any more" in look("/alerts/1")
    assert send("/alerts/4/acknowledge", note="late", by="anna").status_code == 422
    assert send("/alerts/1/acknowledge", note="", by="anna").status_code == 422


def test_names_are_shown_and_never_followed(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        Watched(catalog.conn).alert(
            "daily", HOSTILE, namespace=HOSTILE, owner=HOSTILE, text=f"{HOSTILE} is late."
        )
    for path in ("/alerts", "/alerts/1", "/"):
        page = look(path)
        assert "<b>" not in page.replace("<b>1</b>", "").replace('<b class="severity">', "")
        assert "\u202e" not in page
        assert "⟨U+202E⟩" in page


@pytest.mark.usefixtures("watched")
def test_keys_see_their_namespaces_and_do_what_they_may(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        Watched(catalog.conn).alert("daily", "mine", namespace="mart")
        made = {
            name: keys.create(catalog.conn, name, (scope,), places, NOON)[0]
            for name, scope, places in (
                ("look", "read", ()),
                ("mart", "operate", ("mart",)),
            )
        }

    def logged_in(name: str) -> Any:
        token = TOKEN.search(client.get("/login").text)
        assert token
        client.post("/login", data={"csrf": token[1], "key": made[name]})
        return client.get("/alerts").text

    page = logged_in("look")
    assert "load failed" in page
    assert "/acknowledge" not in page
    assert client.get("/silences").status_code == 200
    client.delete_cookie("tidegate_session")
    page = logged_in("mart")
    assert "mine is late" in page
    assert "load failed" not in page
    assert "1 cause, 1 dataset not as expected" in page
    assert "Acknowledge" in page
    assert ">Silence<" not in page
    assert client.get("/alerts/1").status_code == 404
    assert client.get("/silences").status_code == 403


def test_nothing_is_wrong(look: Look) -> None:
    assert "Nothing is wrong." in look("/alerts")
    assert "Nothing was wrong so far" in look("/alerts", state="ended")
