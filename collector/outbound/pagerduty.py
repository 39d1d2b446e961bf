"""PagerDuty's Events API v2. A group of alerts is one incident there: its id is the ``dedup_key``. So is a firing of a
trigger that tells of itself; nobody but people resolves that one.

Options of a target: ``routing_key``; ``url`` where the service is not at ``https://events.pagerduty.com``, as in the
EU.
"""

from __future__ import annotations

import json
from typing import Any, Final

from collector.outbound.fired import message_of, node_of
from collector.outbound.sending import Context, Kind, Outcome, Parcel, option, outcome_of
from collector.outbound.webhook import SOURCE, subject_of
from collector.times import iso
from triggers.messages import Item, Message
from triggers.rules import Target

URL: Final = "https://events.pagerduty.com"
PATH: Final = "/v2/enqueue"

LONGEST_KEY: Final = 255
LONGEST_SUMMARY: Final = 1024

MOST_ALERTS: Final = 50
"""Alerts with their details; PagerDuty takes 512 KB in all."""

LONGEST_TEXT: Final = 2000
"""Characters of each text, for the same reason."""


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Open, extend, acknowledge or resolve the incident of a group."""
    body = json.dumps({"routing_key": option(target, "routing_key"), **event(parcel)}).encode()
    url = (target.options.get("url") or URL).rstrip("/").removesuffix(PATH) + PATH
    answer = context.http.request("POST", url, headers={"content-type": "application/json"}, content=body)
    return outcome_of(answer, parcel.at)


def event(parcel: Parcel) -> dict[str, Any]:
    """Give the event for something to send, without the routing key."""
    if parcel.kind is Kind.ACKNOWLEDGEMENT:
        return {"event_action": "acknowledge", "dedup_key": parcel.acknowledgement.group[:LONGEST_KEY]}
    message = message_of(parcel)
    if parcel.kind is Kind.ACTION:
        firing = parcel.body["firing"]
        about = {name: firing[name] for name in ("id", "trigger", "key", "cause", "partial")}
        return _incident(message, node_of(firing), "trigger", details(message) | {"firing": about})
    if message.status == "resolved":
        return {"event_action": "resolve", "dedup_key": message.group[:LONGEST_KEY]}
    kind = message.alerts[0].rule if message.alerts else "test"
    return _incident(message, subject_of(message) or SOURCE, kind, details(message))


def details(message: Message) -> dict[str, Any]:
    """Give what is told of the alerts, without what is empty."""
    shown = {
        "text": _cut(message.text, LONGEST_TEXT),
        "alerts": [_alert(item) for item in message.alerts[:MOST_ALERTS]],
        "not_shown": max(0, len(message.alerts) - MOST_ALERTS),
        "resolved": [item.node for item in message.resolved[:MOST_ALERTS]],
    }
    return {name: value for name, value in shown.items() if value}


def _incident(message: Message, source: str, kind: str, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_action": "trigger",
        "dedup_key": message.group[:LONGEST_KEY],
        "client": "Tidegate",
        "payload": {
            "summary": _cut(message.title, LONGEST_SUMMARY),
            "source": source,
            # What PagerDuty knows: critical, error, warning, info; of these we have all but error.
            "severity": message.severity,
            "timestamp": iso(message.at),
            "class": kind,
            "custom_details": told,
        },
    }


def _alert(item: Item) -> dict[str, Any]:
    told = {
        "node": item.node,
        "rule": item.rule,
        "severity": item.severity,
        "since": iso(item.starts),
        "text": _cut(item.text, LONGEST_TEXT),
        "explanation": _cut(item.explanation or "", LONGEST_TEXT),
        "cause": item.cause,
        "path": list(item.path),
        "affects": item.affects,
        "owner": item.owner,
        "tags": list(item.tags),
        "labels": dict(item.labels),
    }
    return {name: value for name, value in told.items() if value}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
