"""When things ran: bars along a shared axis of time, and what happened in one run, with its gaps. µs UTC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 1000.0
"""The length of the axis; a page stretches it to the room that there is."""

THINNEST: Final = 4.0
"""A bar that can still be seen, and pointed at."""

SECOND: Final = 1_000_000

SHORTEST_GAP: Final = 60 * SECOND
"""A pause in what a run tells that is worth a word, if it is long compared with the run, too."""

WORTH: Final = 0.2
"""The share of the run's time from which a pause is long."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time during which something ran. ``end`` None: until now."""

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """Where a stretch lies on the axis; ``open``: it has not ended."""

    x: float
    width: float
    open: bool


@dataclass(frozen=True, slots=True)
class Gantt:
    """Rows in the order of the stretches, None for those that never began, and the ends of the axis."""

    since: int
    until: int
    rows: list[Row | None]


def gantt(stretches: Sequence[Stretch | None], now: int) -> Gantt | None:
    """Place stretches on an axis from the first start to the last end; None if none ever began."""
    known = [each for each in stretches if each is not None]
    if not known:
        return None
    since = min(each.start for each in known)
    until = max(max(each.start, now if each.end is None else each.end) for each in known)
    scale = WIDTH / max(until - since, 1)

    def row(each: Stretch) -> Row:
        end = max(now if each.end is None else each.end, each.start)
        width = max((end - each.start) * scale, THINNEST)
        x = min((each.start - since) * scale, WIDTH - width)
        return Row(round(x, 1), round(width, 1), each.end is None)

    return Gantt(since, until, [None if each is None else row(each) for each in stretches])


@dataclass(frozen=True, slots=True)
class Step:
    """Events of one kind that follow one another, ``count`` of them, or (``kind`` None) a pause in which none came."""

    kind: str | None
    since: int
    until: int
    count: int = 1

    @property
    def seconds(self) -> float:
        return (self.until - self.since) / SECOND


def steps(events: Sequence[tuple[int, str]], now: int | None) -> Iterator[Step]:
    """Tell the events (instant, kind) of a run in the order of time, and the pauses between them that stand out.

    ``now`` is given for a run that has not ended: then the pause since its last event counts, too.
    """
    told = sorted(events)
    if not told:
        return
    end = told[-1][0] if now is None else max(now, told[-1][0])
    least = max(SHORTEST_GAP, int((end - told[0][0]) * WORTH))
    current = Step(told[0][1], told[0][0], told[0][0])
    for at, kind in told[1:]:
        pause = at - current.until >= least
        if kind == current.kind and not pause:
            current = Step(kind, current.since, at, current.count + 1)
            continue
        yield current
        if pause:
            yield Step(None, current.until, at)
        current = Step(kind, at, at)
    yield current
    if now is not None and end - current.until >= least:
        yield Step(None, current.until, end)
