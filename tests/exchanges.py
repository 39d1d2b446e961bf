"""What orchestrators were asked and answered, as recorded, and firings that ask them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from collector.outbound.guard import Guard
from collector.outbound.http import Http
from collector.outbound.senders import SENDERS
from collector.outbound.sending import Context, Kind, Outcome, Parcel
from tests.parcels import AT
from tests.receivers import Reply, Request, answer
from triggers.rules import Target

FOLDER = Path(__file__).parents[1] / "fixtures" / "exchanges"
ALLOWED = Guard.of("127.0.0.0/8")

FIRING = "0197a1b2-0000-7000-8000-00000000f1f1"
KEY = "0123456789abcdef" * 2


class Asked(NamedTuple):
    """A request, as far as servers look at it."""

    method: str
    path: str
    body: Any


@dataclass(frozen=True)
class Exchange:
    """One request that was recorded, and its answer."""

    asked: Asked
    status: int
    body: Any

    @property
    def reply(self) -> Reply:
        """Answer the same once more."""
        return says(self.status, self.body)


def recorded(tool: str) -> Mapping[str, Exchange]:
    """Give what was recorded with a tool, by the name of what was tried."""
    lines = map(json.loads, (FOLDER / f"{tool}.jsonl").read_text().splitlines())
    return {
        line["name"]: Exchange(
            Asked(line["request"]["method"], line["request"]["path"], line["request"]["body"]),
            line["response"]["status"],
            line["response"]["body"],
        )
        for line in lines
    }


def says(status: int, body: object = None, **headers: str) -> Reply:
    """Answer with JSON."""
    content = b"" if body is None else json.dumps(body).encode()
    return answer(status, content, Content_Type="application/json", **headers)


def asked(request: Request) -> Asked:
    """Give what a receiver was asked, with the body read."""
    return Asked(request.method, request.path, json.loads(request.body) if request.body else None)


def firing(
    action: Mapping[str, Any], *, trigger: str = "nightly", key: str = "2026-11-22", attempt: int = 1
) -> Parcel:
    """Give what is sent for one action of a firing."""
    body = {
        "firing": {
            "id": FIRING,
            "trigger": trigger,
            "key": key,
            "at": "2026-11-22T07:00:00Z",
            "partial": False,
            "cause": "data",
            "fire_key": "f" * 64,
            "inputs": [],
        },
        "action": {"id": "run", "starts": True, **action},
        "run": {"id": FIRING, "namespace": "tidegate", "name": trigger},
        "producer": "https://example.com/tidegate",
    }
    return Parcel(Kind.ACTION, KEY, body, attempt, AT)


def send(kind: str, options: Mapping[str, Any], parcel: Parcel, timeout: float = 5.0) -> Outcome:
    """Send it once."""
    context = Context(ALLOWED, Http(ALLOWED, timeout), timeout)
    return SENDERS[kind](Target("it", kind, options), parcel, context)
