"""Things to send, for tests."""

from __future__ import annotations

from typing import Any

from collector.outbound.sending import Kind, Parcel
from triggers.messages import Item, Message

AT = 1_795_330_800_000_000
"""2026-11-22T07:00:00Z."""


def item(**changes: Any) -> Item:
    values: dict[str, Any] = {
        "fingerprint": "f" * 16,
        "rule": "orders-daily",
        "node": "dataset:shop:orders",
        "namespace": "shop",
        "name": "orders",
        "severity": "critical",
        "starts": AT - 60_000_000,
        "ends": None,
        "text": "shop:orders is late by 1 min.",
        "explanation": "The job load has failed.",
        "cause": "job:shop:load",
        "path": ("job:shop:load", "dataset:shop:orders"),
        "affects": 3,
        "owner": "team:shop",
        "tags": ("gold",),
        "labels": (("release", "2026-11-22"),),
    }
    return Item(**values | changes)


def message(**changes: Any) -> Message:
    values: dict[str, Any] = {
        "id": "0" * 32,
        "group": "a" * 32,
        "receiver": "hook",
        "at": AT,
        "status": "firing",
        "reason": "first",
        "severity": "critical",
        "digest": False,
        "title": "shop:orders is late",
        "text": "shop:orders is late by 1 min.\nThe job load has failed: ünïcödé.",
        "alerts": (item(),),
        "resolved": (),
    }
    return Message(**values | changes)


def parcel(said: Message | None = None, *, kind: Kind = Kind.NOTIFICATION, key: str = "k" * 32) -> Parcel:
    return Parcel(kind, key, (said or message()).data(), 1, AT + 500_000)


def acknowledged() -> Parcel:
    body = {"group": "a" * 32, "by": "anna", "note": "on it", "at": AT}
    return Parcel(Kind.ACKNOWLEDGEMENT, "ack-1", body, 1, AT)
