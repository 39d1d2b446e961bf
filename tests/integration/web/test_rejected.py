"""What was refused and what is parked: why, what to do about it, and trying again."""

from __future__ import annotations

import html

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import tables
from collector.storage.compression import pack
from tests.catalog import NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look, Send

GOOD = b"""{"eventType": "COMPLETE", "eventTime": "2026-11-22T12:00:00Z", "producer": "p",
    "run": {"runId": "r1"}, "job": {"namespace": "shop", "name": "load"}}"""
BAD = b'{"eventTime": "<b>soon</b>", "producer": "javascript:alert(1)", "job": {"namespace": "n", "name": "<i>j"}}'


@pytest.fixture
def refused(writing: Writing) -> None:
    """Keep two bodies: one that could be read by now, and one that never can."""
    with writing() as catalog:
        for number, body in enumerate((GOOD, BAD)):
            row = {"hash": bytes([number] * 16), "received_at": NOON, "last_received_at": NOON, "count": 3}
            error = '[{"path": "$.eventTime", "reason": "must be an ISO 8601 date-time, not \'<b>\'"}]'
            row |= {"errors": error, "size": len(body), "body": pack(body)}
            catalog.conn.execute(insert(tables.rejected), [row])


@pytest.mark.usefixtures("refused")
def test_each_says_what_is_wrong_and_how_to_mend_it(look: Look) -> None:
    page = look("/rejected")
    assert "must be an ISO 8601 date-time" in page
    assert "<code>2026-11-22T05:00:00Z</code>" in page  # the hint
    assert "&lt;i&gt;j" in page
    assert "<i>j" not in page
    assert 'href="javascript:' not in page
    assert 'Rejected <span class="number">2</span>' in page
    assert 'Parked <span class="number">0</span>' in page
    assert "Try all 2 again" in page


@pytest.mark.usefixtures("refused")
def test_a_body_is_shown_as_it_was_sent(look: Look, client: FlaskClient) -> None:
    page = html.unescape(look("/rejection", id=1))
    assert '"eventType": "COMPLETE",\n' in page
    assert "<dd>3</dd>" in page
    assert 'href="/api/v2/rejection?id=1" download' in page
    assert client.get("/rejection?id=9").status_code == 404


@pytest.mark.usefixtures("refused")
def test_some_and_all_are_tried_again_with_a_report(look: Look, send: Send, client: FlaskClient) -> None:
    nothing = send("/rejected/reprocess")
    assert (nothing.status_code, "Choose what to try again" in nothing.text) == (400, True)
    assert send("/rejected/reprocess", ids="x").status_code == 400
    assert send("/rejected/reprocess", ids="99").status_code == 404

    assert send("/rejected/reprocess", ids=["1"]).location == "/rejected"
    page = look("/rejected")
    assert "1 event is in the log now." in page
    assert "now." not in look("/rejected").partition("<main")[0].partition("said")[2]
    send("/rejected/reprocess", all="yes")
    assert "1 refused again." in look("/rejected")
    assert client.get("/api/v2/events").get_json()["items"][0]["event"]["run"] == {"runId": "r1"}


def test_nothing_was_refused(look: Look) -> None:
    assert "Nothing was refused." in look("/rejected")
    assert "No event is parked" in look("/parked")


def test_parked_events_are_tried_again(look: Look, send: Send, writing: Writing) -> None:
    with writing() as catalog:
        for number in range(3):
            row = {"event_id": catalog.event({}), "error": f"<u>reason {number}", "parked_at": NOON}
            catalog.conn.execute(insert(tables.parked), [row])
    page = look("/parked")
    assert "&lt;u&gt;reason 2" in page
    assert 'href="/event?id=3"' in page
    send("/parked/reprocess", ids=["1", "2"])
    assert "2 events are being read again" in look("/parked")
    send("/parked/reprocess", all="yes")
    assert "1 event is being read again" in look("/parked")
