"""What a trigger fires on: a firing, the inputs that it consumes, and the key that makes it this one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from triggers.arrivals import Arrived

UUID_VERSION = 8
"""Of UUIDs whose content is up to who makes them (RFC 9562, 5.8)."""

Expected = Callable[[Mapping[str, Any], str, Mapping[str, Any]], str | None]
"""Says what a run that is to be started will be known by (``run.external_id``), before it is asked for: of the options
of a target, and the key and the body of what is sent to it."""


class Cause(StrEnum):
    """Why a trigger fired."""

    DATA = "data"
    DEADLINE = "deadline"
    """Not all was there when its deadline came."""
    MANUAL = "manual"


class Consumed(NamedTuple):
    """What a firing took of one input: the updates since the last one, in the order in which they came."""

    input: str
    updates: tuple[Arrived, ...]

    def data(self) -> dict[str, Any]:
        return {"id": self.input, "updates": [each.data() for each in self.updates]}


@dataclass(frozen=True, slots=True)
class Firing:
    """A trigger fires, once, on the same inputs."""

    trigger: str
    key: str
    fire_key: str
    """Of the trigger, the key of the join, and what was consumed: the same whoever decides it, and how often."""
    at: int
    """When it was complete and nothing held it back any more (µs UTC)."""
    consumed: tuple[Consumed, ...]
    cause: Cause = Cause.DATA
    partial: bool = False
    by: str | None = None
    """Who fired it by hand."""
    reason: str | None = None
    """Why, in the words of who fired it by hand."""
    tree: Mapping[str, Any] | None = None
    """The evaluation that it follows from."""
    skipped: bool = False
    """It is recorded, but nothing is done: its time passed while nobody looked, and the rule wants none made up."""

    @property
    def id(self) -> str:
        """The id of its run."""
        return id_of(self.fire_key)

    @property
    def chain(self) -> tuple[str, ...]:
        """The triggers whose firings led to it, itself the last."""
        return (*longest(each.updates for each in self.consumed), self.trigger)

    def consumed_json(self) -> str:
        """Write what it consumed, always in the same way."""
        return json.dumps([each.data() for each in self.consumed], ensure_ascii=False, separators=(",", ":"))


def longest(updates: Iterable[Sequence[Arrived]]) -> tuple[str, ...]:
    """Give the longest chain of firings that led to any of these updates."""
    return max((arrived.chain for each in updates for arrived in each), key=len, default=())


def fire_key(trigger: str, key: str, *what: object) -> str:
    """Give the key of a firing; ``what`` is the tick, the generation of a partition, or the updates consumed."""
    return sha256(json.dumps([trigger, key, *what]).encode()).hexdigest()


def manual_key(trigger: str, key: str, nonce: str) -> str:
    """Give the key of a firing by hand: another one each time, but the same for one request."""
    return fire_key(trigger, key, Cause.MANUAL.value, nonce)


def id_of(key: str) -> str:
    """Give the UUID of a firing by its key."""
    value = int(key[:32], 16) & ~(0xF << 76 | 0x3 << 62)
    return str(UUID(int=value | UUID_VERSION << 76 | 0x2 << 62))


def sending_key(firing_id: str, *what: str) -> str:
    """Give the key of something that a firing sends: the same at each attempt (32 hexadecimal digits)."""
    return sha256(json.dumps([firing_id, *what]).encode()).hexdigest()[:32]
