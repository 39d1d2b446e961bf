"""When a run and what belongs with it ran, as its page draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collector.times import iso
from collector.web.drawing.gantt import Row, Stretch, gantt, steps
from collector.web.entities import instant

Document = Mapping[str, Any]

AROUND: Final = 20
"""Runs beside this one that are drawn before it, and after it."""

RUNNING: Final = (None, "RUNNING", "OTHER")
"""States of a run that has not ended."""


@dataclass(frozen=True, slots=True)
class Told:
    """A step of a run, as ``drawing.gantt.Step``; times in ISO 8601."""

    kind: str | None
    since: str | None
    until: str | None
    count: int
    seconds: float


def steps_of(run: Document, events: Sequence[Document], now: int) -> list[Told]:
    """Tell the events of a run (the last received first) in the order of their times, and its pauses; ``now`` in µs."""
    told = [(instant(each["event_time"]), each["event_type"] or each["kind"]) for each in events]
    found = steps(told, now if run["state"] in RUNNING and run["ended_at"] is None else None)
    return [Told(each.kind, iso(each.since), iso(each.until), each.count, each.seconds) for each in found]


@dataclass(frozen=True, slots=True)
class Relative:
    """A run in the drawing; ``depth``: how deep it lies below the first of them."""

    run: Document
    depth: int
    current: bool
    row: Row | None
    so_far: float | None
    """Seconds that a run takes which has not ended."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The runs around one, and the ends of their common axis (ISO 8601)."""

    relatives: list[Relative]
    since: str | None
    until: str | None
    left_out: int
    """Runs of the same parent that are not drawn."""


@dataclass(frozen=True, slots=True)
class Relatives:
    """A run, the runs of its parent, and those that are part of it, as ``/api/v2/runs`` lists them, if any."""

    run: Document
    siblings: Document | None
    children: Document | None

    def drawn(self, now: int) -> Drawn | None:
        """Draw them; None if there is nothing besides the run, or nobody knows when they ran."""
        beside, left_out = self._beside()
        below = sorted(self.children["items"], key=_began) if self.children else []
        put: list[tuple[Document, int]] = [
            (each, depth) for depth, each in enumerate(self.run["ancestors"][-1:])
        ]
        depth = len(put)
        for each in beside:
            put.append((each, depth))
            if _key(each) == _key(self.run):
                put += [(child, depth + 1) for child in below]
        axis = gantt([_stretch(each) for each, _ in put], now)
        if len(put) < 2 or axis is None:
            return None
        relatives = [
            Relative(each, depth, _key(each) == _key(self.run), row, _so_far(each, now))
            for (each, depth), row in zip(put, axis.rows, strict=True)
        ]
        return Drawn(relatives, iso(axis.since), iso(axis.until), left_out)

    def _beside(self) -> tuple[list[Document], int]:
        """Give the run among those of its parent in the order in which they began, and how many are left out."""
        others = [each for each in (self.siblings or {"items": []})["items"] if _key(each) != _key(self.run)]
        every = sorted([*others, self.run], key=_began)
        at = next(number for number, each in enumerate(every) if _key(each) == _key(self.run))
        shown = every[max(0, at - AROUND) : at + AROUND + 1]
        return shown, len(every) - len(shown)


def _key(run: Document) -> tuple[str, str, str]:
    return run["run_id"], run["job"]["namespace"], run["job"]["name"]


def _began(run: Document) -> str:
    return str(run["started_at"] or run["first_event_at"] or "")


def _stretch(run: Document) -> Stretch | None:
    began = _began(run)
    if not began:
        return None
    ended = run["ended_at"] or (None if run["state"] in RUNNING else run["last_event_at"])
    return Stretch(instant(began), None if ended is None else instant(ended))


def _so_far(run: Document, now: int) -> float | None:
    stretch = _stretch(run)
    return (now - stretch.start) / 1_000_000 if stretch and stretch.end is None else None
