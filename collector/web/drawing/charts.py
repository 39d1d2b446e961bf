"""Small charts: durations as bars, figures over time as a line. Lengths in px; a page may scale them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

OUTLIER: Final = 6
"""A value so many times the median is cut off: drawn whole it would make all others look alike."""

GAP: Final = 3
"""No line is drawn over a pause so many times as long as the usual one."""

LEAST: Final = 2.0
"""Height of the smallest bar: it happened."""

NICE: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from the base line up; ``y`` is its top. ``cut``: it is much longer than there is room for."""

    index: int
    x: float
    y: float
    width: float
    height: float
    cut: bool = False
    known: bool = True
    """Whether there is a value; without one the bar is only as high as can be seen."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars side by side, the first on the left. ``base`` is the y of the base line, ``middle`` that of the median."""

    width: float
    height: float
    base: float
    bars: list[Bar]
    median: float | None
    middle: float | None


def bars(values: Sequence[float | None], *, pitch: float = 24, room: float = 96, head: float = 20) -> Bars:
    """Place a bar for each value; ``room`` is the height of the longest, ``head`` is kept free above for a mark."""
    known = [value for value in values if value is not None]
    middle = median(known) if known else None
    top = max(known, default=0)
    if middle:
        top = min(top, OUTLIER * middle)
    base = head + room
    placed = []
    for index, value in enumerate(values):
        height = max(min(value or 0, top) / top * room if top else 0, LEAST)
        placed.append(
            Bar(
                index,
                round(index * pitch + pitch / 6, 1),
                round(base - height, 1),
                round(pitch * 2 / 3, 1),
                round(height, 1),
                cut=value is not None and value > top,
                known=value is not None,
            )
        )
    line = None if middle is None else round(base - (middle / top * room if top else 0), 1)
    return Bars(round(max(len(values), 1) * pitch, 1), base, base, placed, middle, line)


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line; ``index`` tells which one it was drawn for."""

    index: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """A figure over time, the oldest on the left. ``path`` is broken where nothing came for unusually long.

    ``top`` is the value at the upper edge, 0 lies at the lower one. ``blank``: where something happened without a
    figure (x).
    """

    width: float
    height: float
    top: float
    path: str
    dots: list[Dot]
    blank: list[Dot]
    median: float | None
    middle: float | None


def line(points: Sequence[tuple[int, float | None]], *, width: float = 600, height: float = 120) -> Line:
    """Place points (instant in µs, value) in the order of time."""
    values = [value for _, value in points if value is not None]
    top = nice(max(values, default=0))
    first, last = (points[0][0], points[-1][0]) if points else (0, 0)
    span = last - first

    def x_of(at: int) -> float:
        return round((at - first) / span * width if span else width / 2, 1)

    pauses = [later[0] - earlier[0] for earlier, later in pairwise(points)]
    usual = median(pauses) if pauses else 0
    dots: list[Dot] = []
    blank: list[Dot] = []
    path: list[str] = []
    before: int | None = None
    for index, (at, value) in enumerate(points):
        if value is None:
            blank.append(Dot(index, x_of(at), height))
            continue
        dot = Dot(index, x_of(at), round(height - value / top * height, 1))
        joined = before is not None and at - before <= GAP * usual
        path.append(f"{'L' if joined else 'M'}{dot.x} {dot.y}")
        dots.append(dot)
        before = at
    middle = median(values) if values else None
    at_median = None if middle is None else round(height - middle / top * height, 1)
    return Line(width, height, top, "".join(path), dots, blank, middle, at_median)


def nice(value: float) -> float:
    """Give the round number at or above a value, 1 for nothing: 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return 1
    power = 10.0 ** (len(str(int(value))) - 1)
    return next(step * power for step in NICE if step * power >= value)
