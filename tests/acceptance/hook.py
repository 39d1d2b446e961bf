"""A receiver of webhooks as its owner would write it: it believes only what is signed, and knows what it has got."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from tests.receivers import HttpReceiver, Reply, Request

T = TypeVar("T")

SECRETS = {
    "HOOK_NEW": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "HOOK_OLD": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
}
"""Environment variables of the server, while the receiver changes from one secret to the other."""

TOLERANCE_SECONDS = 300
"""How old a signature may be, as Standard Webhooks has it."""

AWHILE_SECONDS = 20.0
"""Longer than anything here takes on a busy machine."""


class Told(NamedTuple):
    """One request whose signature is right."""

    id: str
    event: dict[str, Any]
    at: float
    """When it came, by the monotonic clock in seconds."""

    @property
    def data(self) -> Any:
        """The message."""
        return self.event["data"]

    @property
    def kind(self) -> str:
        """Firing, resolved or the like."""
        return str(self.event["type"]).removeprefix("io.tidegate.freshness.")

    @property
    def names(self) -> list[str]:
        """Of the datasets and jobs it is about."""
        return [alert["name"] for key in ("alerts", "resolved") for alert in self.data.get(key, ())]


class Hook(HttpReceiver):
    """Takes notifications of Tidegate."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__(*replies)

    def told(self, name: str = "") -> list[Told]:
        """Give what came, or what came about the dataset or job of a name; everything must be signed."""
        found = [verified(request) for request in tuple(self.received)]
        return [each for each in found if not name or name in each.names]

    def await_told(self, name: str, number: int = 1, seconds: float = AWHILE_SECONDS) -> list[Told]:
        """Wait until so many have come about a name."""
        await_that(lambda: len(self.told(name)) >= number, seconds, lambda: self.told())
        return self.told(name)


def verified(request: Request) -> Told:
    """Check a request as https://github.com/standard-webhooks/standard-webhooks says receivers should."""
    headers = request.headers
    assert request.method == "POST"
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    identity, stamp = headers["webhook-id"], headers["webhook-timestamp"]
    assert abs(time.time() - int(stamp)) < TOLERANCE_SECONDS
    signed = f"{identity}.{stamp}.".encode() + request.body
    given = headers["webhook-signature"].split(" ")
    assert given == [f"v1,{_signature(secret, signed)}" for secret in SECRETS.values()]
    event = json.loads(request.body)
    assert event["specversion"] == "1.0"
    assert event["id"] == identity
    assert event["source"]
    return Told(identity, event, request.at)


def await_that(
    met: Callable[[], T], seconds: float = AWHILE_SECONDS, otherwise: Callable[[], object] = lambda: ""
) -> T:
    """Wait until something is so, and give what it is."""
    until = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < until, otherwise()
        time.sleep(0.05)
    return found


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
