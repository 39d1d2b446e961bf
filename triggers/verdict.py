"""What an evaluation says: a state, when it began and when to look again, and why, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Value = str | int | float | bool | list[str] | None


class State(StrEnum):
    """How a dataset stands to an expectation."""

    UNKNOWN = "unknown"  # nothing to judge by yet
    LEARNING = "learning"  # too little to say what is usual
    FRESH = "fresh"  # met
    RECOVERED = "recovered"  # met, but too late
    DUE = "due"  # expected, and there is still time
    LATE = "late"  # the deadline has passed
    MISSED = "missed"  # so has the time of the next one
    FAILED = "failed"  # what is there is not as it should be

    @property
    def violated(self) -> bool:
        return self in (State.LATE, State.MISSED, State.FAILED)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code with its values, and what that rests on in turn. Instants and durations in µs.

    It holds no "now", so it stays the same until something happens. ``triggers.sentences`` writes it out.
    """

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)
    because: tuple[Reason, ...] = ()

    def data(self) -> dict[str, Any]:
        """Give it as JSON has it: ``code``, ``values``, and ``because`` where there is such."""
        own: dict[str, Any] = {"code": self.code, "values": dict(self.values)}
        return own | {"because": [reason.data() for reason in self.because]} if self.because else own

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Reason:
        """Read what ``data`` gave."""
        return cls(data["code"], dict(data["values"]), tuple(map(cls.read, data.get("because", ()))))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a dataset stands at one moment. Instants and durations in µs.

    ``release`` is when the data that this is about was expected, ``deadline`` from when on it is late; ``late_by`` how
    late it came, or is until now. ``since`` is when the state began. ``next_look`` is when it can change although
    nothing happens (None: never). ``held``: it would be worse if nothing of use is among what waits to be looked at.
    """

    state: State
    reason: Reason
    release: int | None = None
    deadline: int | None = None
    late_by: int | None = None
    since: int | None = None
    next_look: int | None = None
    held: bool = False
