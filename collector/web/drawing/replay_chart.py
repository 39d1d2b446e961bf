"""When a trigger would have fired and when it did, over what came for it: lanes on one axis of time. Pure geometry, px.

Instants are µs UTC; the axis is marked by the clock of a time zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from collector.web.drawing.labels import cells, cut, width_of
from triggers.zones import local, wall, zone

LANES: Final = 12
"""Inputs that have a lane of their own; what came for others shares one."""

LABEL: Final = 26
"""Cells of the name of a lane."""

PAD: Final = 12.0
"""Before a name, and between it and its lane."""
WIDTH: Final = 1204.0
RIGHT: Final = 16.0
TOP: Final = 26.0
LANE: Final = 26.0
NEAR: Final = 5.0
"""Marks of a lane that lie closer than this are drawn as one."""

TICKS: Final = 9
"""Marks of the axis, at most."""

SECOND: Final = 1_000_000
STEPS: Final = tuple(
    step * 60 for step in (1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 7 * 1440, 14 * 1440, 30 * 1440)
)
"""Seconds between two marks of the axis."""

A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Happened:
    """Something at an instant, with the words for it."""

    at: int
    title: str
    kind: str = "arrival"
    """``arrival``, ``same`` (it would have fired and did), ``only`` (one of the two), ``hand`` (somebody fired it)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One or several that lie close to each other."""

    x: float
    title: str
    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of marks; ``y`` is its middle."""

    name: str
    full: str
    y: float
    marks: tuple[Mark, ...]
    fires: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis."""

    x: float
    text: str
    day: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """All of it."""

    width: float
    height: float
    left: float
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]


def chart(
    since: int,
    until: int,
    timezone: str,
    inputs: Sequence[tuple[str, Sequence[Happened]]],
    firings: Sequence[tuple[str, Sequence[Happened]]],
) -> Chart:
    """Draw what happened in ``since <= t < until``: a lane for each input, then one for each row of firings."""
    own, others = list(inputs[:LANES]), inputs[LANES:]
    if others:
        merged = sorted((each for _, some in others for each in some), key=lambda each: each.at)
        own.append((f"{len(others)} more inputs", merged))

    rows = [*((name, some, False) for name, some in own), *((name, some, True) for name, some in firings)]
    left = round(width_of(max((min(cells(name), LABEL) for name, *_ in rows), default=0)) + 2 * PAD)

    def x(at: int) -> float:
        return round(left + (at - since) / (until - since) * (WIDTH - left - RIGHT), 1)

    lanes = tuple(
        Lane(
            cut(name, LABEL),
            name,
            TOP + (number + 0.5) * LANE,
            tuple(_marks([(x(each.at), each) for each in some])),
            fires,
        )
        for number, (name, some, fires) in enumerate(rows)
    )
    ticks = tuple(Tick(x(at), text, day) for at, text, day in _ticks(since, until, timezone))
    return Chart(WIDTH, TOP + len(rows) * LANE + 6, left, lanes, ticks)


def _marks(placed: Sequence[tuple[float, Happened]]) -> Iterator[Mark]:
    """Put together what would lie on each other; what differs in kind stays apart."""
    for (slot, kind), group in groupby(
        sorted(placed, key=lambda each: (each[0], each[1].kind)),
        key=lambda each: (each[0] // NEAR, each[1].kind),
    ):
        found = list(group)
        title = found[0][1].title if len(found) == 1 else f"{len(found)}: {found[0][1].title} …"
        yield Mark(found[0][0] if len(found) == 1 else (slot + 0.5) * NEAR, title, kind, len(found))


def _ticks(since: int, until: int, timezone: str) -> Iterator[tuple[int, str, bool]]:
    """Give instants on whole units of the clock, with what they are called, and whether a day begins."""
    seconds = (until - since) / SECOND
    step = next((each for each in STEPS if seconds / each <= TICKS), STEPS[-1])
    own = zone(timezone)
    day = local(since, own).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    # Counted from a fixed day, so that the same days are marked whatever is looked at.
    days = max(1, step // 86_400)
    day -= timedelta(days=(day - datetime(2001, 1, 1)).days % days)  # noqa: DTZ001  # a day of the calendar
    while wall(day, own) < until:
        for part in range(0, 86_400, step):
            moment = day + timedelta(seconds=part)
            at = wall(moment, own)
            if since <= at < until:
                whole = part == 0
                yield at, f"{moment:%d %b}" if whole else f"{moment:%H:%M}", whole
        day += A_DAY * days
