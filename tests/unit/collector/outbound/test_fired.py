"""What receivers of messages are told of a firing, each in its own form."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from collector.outbound import email, pagerduty, webhook
from collector.outbound.fired import message_of
from collector.outbound.sending import Outcome, Parcel, Result
from tests.exchanges import FIRING, KEY, firing, says, send
from tests.receivers import HttpReceiver, answer
from triggers.rules import Target

INPUTS: list[dict[str, Any]] = [
    {
        "id": "orders",
        "datasets": [{"namespace": "pg", "name": "shop.orders"}],
        "updates": [
            {"job": {"namespace": "airflow", "name": "shop_etl"}, "received_at": "2026-11-22T06:58:00.000000Z"},
            {"job": {"namespace": "airflow", "name": "shop_etl"}, "received_at": "2026-11-22T06:59:00.000000Z"},
        ],
    },
    {"id": "fx", "datasets": [{"namespace": "s", "name": "fx"}], "updates": []},
]  # fmt: skip


def fired(action: dict[str, Any] | None = None, **changes: Any) -> Parcel:
    parcel = firing(action or {})
    return replace(parcel, body={**parcel.body, "firing": {**parcel.body["firing"], **changes}})


def test_without_words_of_its_own_an_action_says_what_was_consumed() -> None:
    said = message_of(fired(inputs=INPUTS))
    assert said.title == "nightly fired for 2026-11-22"
    assert said.text.splitlines() == [
        "nightly fired for 2026-11-22:",
        "- orders: pg shop.orders by airflow shop_etl, 2026-11-22T06:59:00.000000Z, 2 updates",
        "- fx: nothing came",
    ]
    assert (said.group, said.severity, said.status) == (FIRING, "info", "firing")


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"key": "", "cause": "manual"}, "nightly fired by hand"),
        (
            {"cause": "deadline", "partial": True},
            "nightly fired for 2026-11-22 at its deadline, with what was there",
        ),
    ],
)
def test_it_says_how_it_came_about(changes: dict[str, Any], title: str) -> None:
    said = message_of(fired(**changes))
    assert said.title == title
    assert said.severity == ("warning" if changes.get("partial") else "info")


@pytest.mark.parametrize(
    ("action", "title", "text"),
    [
        ({"title": "Ready", "text": "All is there.\nGo on."}, "Ready", "All is there.\nGo on."),
        ({"text": "All is there.\nGo on."}, "All is there. Go on.", "All is there.\nGo on."),
        ({"title": "Ready"}, "Ready", "Ready"),
        ({"text": 42}, "42", "42"),
    ],
)
def test_the_words_of_an_action_are_said(action: dict[str, Any], title: str, text: str) -> None:
    said = message_of(fired(action))
    assert (said.title, said.text) == (title, text)


def test_a_webhook_gets_an_event_with_the_firing_and_the_body_of_the_action() -> None:
    event = webhook.event(fired({"body": {"day": "2026-11-22"}}, inputs=INPUTS))
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": KEY,
        "source": "/tidegate",
        "type": "io.tidegate.trigger.fired",
        "subject": "job:tidegate:nightly",
        "time": "2026-11-22T07:00:00.000000Z",
        "datacontenttype": "application/json",
    }
    assert data["firing"]["inputs"] == INPUTS
    assert data["body"] == {"day": "2026-11-22"}
    assert data["run"] == {"id": FIRING, "namespace": "tidegate", "name": "nightly"}
    assert (data["parent"], data["action"]) == (f"tidegate/nightly/{FIRING}", "run")
    assert "body" not in webhook.event(fired())["data"]


def test_an_update_that_is_held_back_is_told_without_a_firing() -> None:
    held = fired({"id": "on_blocked", "title": "Held", "text": "2 failed"}, id=None, cause="blocked")
    held = replace(held, body={**held.body, "run": None})
    said = message_of(held)
    assert (said.group, said.severity, said.title, said.text) == (KEY, "warning", "Held", "2 failed")
    event = webhook.event(held)
    assert event["type"] == "io.tidegate.trigger.blocked"
    assert event["data"].keys() == {"firing", "action", "title", "text"}
    assert pagerduty.event(held)["dedup_key"] == KEY


def post(status: int, body: Any) -> Outcome:
    with HttpReceiver(answer(status, body) if isinstance(body, bytes) else says(status, body)) as server:
        outcome = send("webhook", {"url": server.url}, fired())
    assert json.loads(server.received[0].body)["type"] == "io.tidegate.trigger.fired"
    return outcome


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ({"run_id": "0197", "url": "https://x/1", "more": 1}, {"run_id": "0197", "url": "https://x/1"}),
        ({"run_id": 7, "url": "x" * 501}, {}),
        ([1], {}),
        (b"ok", {}),
        (b"", {}),
    ],
)
def test_a_receiver_of_a_webhook_may_say_what_it_started(body: Any, known: dict[str, str]) -> None:
    outcome = post(202, body)
    assert (outcome.result, outcome.answer) == (Result.DELIVERED, known)


def test_a_webhook_that_was_not_taken_has_started_nothing() -> None:
    assert post(500, {"run_id": "0197"}).answer is None


def test_pagerduty_has_an_incident_for_each_firing() -> None:
    event = pagerduty.event(fired(inputs=INPUTS))
    assert (event["event_action"], event["dedup_key"]) == ("trigger", FIRING)
    payload = event["payload"]
    assert payload["custom_details"].pop("text").startswith("nightly fired for 2026-11-22:")
    assert payload == {
        "summary": "nightly fired for 2026-11-22",
        "source": "job:tidegate:nightly",
        "severity": "info",
        "timestamp": "2026-11-22T07:00:00.000000Z",
        "class": "trigger",
        "custom_details": {
            "firing": {
                "id": FIRING,
                "trigger": "nightly",
                "key": "2026-11-22",
                "cause": "data",
                "partial": False,
            }
        },
    }


def test_a_mail_about_a_firing_is_one_of_its_thread() -> None:
    target = Target("it", "email", {"from": "tide@a.test", "to": "ops@a.test"})
    mail, _, to = email.compose(target, fired({"text": "All is there."}))
    assert to == ["ops@a.test"]
    assert (mail["Subject"], mail.get_content().strip()) == ("All is there.", "All is there.")
    assert mail["References"] == f"<group-{FIRING}@a.test>"
    assert mail["Message-ID"] == f"<{KEY}@a.test>"


def test_a_chat_is_told_the_words() -> None:
    with HttpReceiver() as server:
        outcome = send("apprise", {"url": f"json://127.0.0.1:{server.port}/"}, fired({"title": "Ready"}))
    assert outcome.result is Result.DELIVERED
    told = json.loads(server.received[0].body)
    assert (told["title"], told["message"], told["type"]) == ("Ready", "Ready", "info")
