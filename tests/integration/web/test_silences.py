"""The pages of silences: making one, seeing what it would match, changing and ending it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look, Send
from tests.watched import Watched

FORM: dict[str, Any] = {
    "label": ["name", ""],
    "op": ["=~", "="],
    "value": ["ra.*", ""],
    "until": "1h",
    "zone": "Europe/Berlin",
    "reason": "the move",
    "by": "anna",
}


@pytest.fixture
def watched(writing: Writing) -> None:
    with writing() as catalog:
        watched = Watched(catalog.conn)
        for name in ("raw", "rain", "mart"):
            watched.alert("daily", name)


def kept(client: FlaskClient, state: str = "active") -> Any:
    return client.get(f"/api/v2/silences?state={state}").get_json()["items"]


@pytest.mark.usefixtures("watched")
def test_the_form_knows_the_alert_and_shows_what_it_matches(look: Look) -> None:
    page = look("/silences/new", alert=1)
    assert 'value="dataset:shop:raw"' in page
    assert 'value="raw is late"' in page
    assert "It would match 1 open alert<" in page
    assert "Give a condition" in look("/silences/new")


@pytest.mark.usefixtures("watched")
def test_what_it_would_match_is_shown_before_it_is_made(send: Send, client: FlaskClient) -> None:
    page = send("/silences/preview", **FORM).text
    assert "It would match 2 open alerts" in page
    assert 'value="the move"' in page
    assert kept(client) == []
    wrong = send("/silences/preview", **{**FORM, "value": ["(", ""]})
    assert "No pattern" in wrong.text


@pytest.mark.usefixtures("watched")
def test_a_silence_is_made_changed_and_ended(send: Send, look: Look, client: FlaskClient) -> None:
    assert send("/silences", **FORM).status_code == 303
    (made,) = kept(client)
    assert made["author"] == "anna"
    assert made["matchers"] == [{"label": "name", "value": "ra.*", "regex": True, "negative": False}]
    page = look("/silences")
    assert "Silent until" in page
    assert "the move" in page

    form = look("/silences/new", id=made["id"])
    assert "Change a silence" in form
    assert made["ends_at"][:16] in form
    later = (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    assert send("/silences", **FORM, id=made["id"], starts_at="").status_code == 303
    changed = {**FORM, "until": "at", "ends_at": later, "reason": "still moving", "id": made["id"]}
    assert send("/silences", **changed).status_code == 303
    (after,) = kept(client)
    assert (after["id"], after["reason"]) == (made["id"], "still moving")
    utc = datetime.fromisoformat(later).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(ZoneInfo("UTC"))
    assert after["ends_at"].startswith(utc.strftime("%Y-%m-%dT%H:%M"))

    assert send(f"/silences/{made['id']}/expire").status_code == 303
    assert kept(client) == []
    over = look("/silences", state="expired")
    assert "still moving" in over
    assert "Make again" in over


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"until": "at", "ends_at": ""}, "Not a time"),
        ({"until": "at", "ends_at": "2020-01-01T00:00"}, "Must be after its start, and to come."),
        ({"value": ["", ""]}, "matchers"),
        ({"zone": "Europe/Atlantis"}, "Not a time zone."),
        ({"reason": " "}, "reason"),
        ({"by": ""}, "author"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(
    send: Send, client: FlaskClient, changes: dict[str, Any], said: str
) -> None:
    answer = send("/silences", **FORM | changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert "How long" in answer.text
    assert kept(client) == []


def test_until_tomorrow_is_by_the_clock_of_the_viewer(send: Send, client: FlaskClient) -> None:
    send("/silences", **FORM | {"until": "tomorrow"})
    (made,) = kept(client)
    ends = datetime.fromisoformat(made["ends_at"]).astimezone(ZoneInfo("Europe/Berlin"))
    assert (ends.hour, ends.minute) == (8, 0)
    assert timedelta(0) < ends - datetime.now(ZoneInfo("UTC")) <= timedelta(hours=33)
