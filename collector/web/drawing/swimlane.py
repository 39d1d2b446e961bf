"""Half a day on lanes, one for each thing that is expected: what has come, what is due, what is foretold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HOUR: Final = 3_600_000_000
REACH: Final = 6 * HOUR
"""µs that are shown before now, and after it."""

WIDTH: Final = 960
HEIGHT: Final = 28


@dataclass(frozen=True, slots=True)
class Times:
    """What lies on a lane, in µs UTC. ``late_since`` is the deadline that has passed and is not met."""

    arrivals: tuple[int, ...] = ()
    due: tuple[int, ...] = ()
    late_from: tuple[int, ...] = ()
    late_since: int | None = None
    expected: int | None = None
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """Where it lies, in px from the left; what is out of reach is left out."""

    arrivals: list[float]
    due: list[float]
    late_from: list[float]
    late: tuple[float, float] | None
    """The bar of lateness: where it begins, and how wide it is."""
    expected: float | None
    whisker: tuple[float, float] | None


def lane(times: Times, now: int) -> Lane:
    """Lay out one lane around ``now`` (µs UTC)."""
    late = None
    if times.late_since is not None and times.late_since <= now:
        begin = _clamped(times.late_since, now)
        late = (begin, round(place(now, now) - begin, 1))
    whisker = None
    if times.low is not None and times.high is not None and _meets(times.low, times.high, now):
        whisker = (_clamped(times.low, now), _clamped(times.high, now))
    expected = times.expected
    return Lane(
        _places(times.arrivals, now),
        _places(times.due, now),
        _places(times.late_from, now),
        late,
        place(expected, now) if expected is not None and _near(expected, now) else None,
        whisker,
    )


def axis() -> list[tuple[float, str]]:
    """Give the marks of the axis: where they are and what they say."""
    hours = range(-REACH // HOUR, REACH // HOUR + 1, 2)
    return [(place(hour * HOUR, 0), _words(hour)) for hour in hours]


def place(at: int, now: int) -> float:
    """Give where an instant lies, in px from the left."""
    return round(WIDTH * (at - now + REACH) / (2 * REACH), 1)


def _words(hour: int) -> str:
    return "now" if not hour else f"{'−' if hour < 0 else '+'}{abs(hour)} h"


def _near(at: int, now: int) -> bool:
    return abs(at - now) <= REACH


def _meets(low: int, high: int, now: int) -> bool:
    return low <= now + REACH and high >= now - REACH


def _clamped(at: int, now: int) -> float:
    return place(min(max(at, now - REACH), now + REACH), now)


def _places(instants: Iterable[int], now: int) -> list[float]:
    return [place(at, now) for at in sorted(set(instants)) if _near(at, now)]
