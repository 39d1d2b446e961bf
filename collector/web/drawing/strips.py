"""What became of the last due times of a dataset, a cell each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

CELL: Final = 8
HEIGHT: Final = 16
PITCH: Final = 10

DUE_TIMES: Final = 30
"""Cells of a strip."""

FULL: Final = 7200.0
"""Seconds of lateness that fill a cell, or by which data must come early for its tick to stand at the bottom."""

LEAST: Final = 3.0
"""The height of what came late by a moment: less could not be told from nothing."""

OUTCOMES: Final = ("met", "late", "missed", "failed", "excluded")


@dataclass(frozen=True, slots=True)
class Part:
    """All cells of one outcome as one path; ``over`` is drawn on top of it and may be empty."""

    outcome: str
    items: list[Mapping[str, Any]]
    path: str
    over: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The newest due time is at the right. ``places`` holds the left edge of each due time that is known, in order.

    ``begin`` is the first of these, or the right end: what lies left of it is not known.
    """

    width: int
    height: int
    parts: list[Part]
    begin: int
    places: list[int]
    summary: str


def strip(history: Sequence[Mapping[str, Any]], cells: int = DUE_TIMES) -> Strip:
    """Draw due times, the oldest first; each has an ``outcome`` and ``late_by`` (seconds, negative if in time)."""
    shown = history[-cells:] if cells else []
    first = cells - len(shown)
    places = [PITCH * (first + number) for number in range(len(shown))]
    parts = []
    for outcome in OUTCOMES:
        mine = [(x, each) for x, each in zip(places, shown, strict=True) if each["outcome"] == outcome]
        if mine:
            drawn = [_cell(outcome, x, each["late_by"]) for x, each in mine]
            path, over = ("".join(pieces) for pieces in zip(*drawn, strict=True))
            parts.append(Part(outcome, [each for _, each in mine], path, over))
    return Strip(PITCH * cells - 2, HEIGHT, parts, PITCH * first, places, summary(shown))


def summary(history: Sequence[Mapping[str, Any]]) -> str:
    """Count due times in words: ``last 30: 27 met, 2 late, 1 missed``."""
    if not history:
        return "no due time has passed yet"
    counted = Counter(each["outcome"] for each in history)
    words = ", ".join(f"{counted[outcome]} {outcome}" for outcome in OUTCOMES if counted[outcome])
    return f"last {len(history)}: {words}"


def _cell(outcome: str, x: int, late_by: float | None) -> tuple[str, str]:
    """Give the path of what is in a cell, and what is drawn over it. The frame of all cells is one line of dashes."""
    if outcome == "met":
        early = min(1.0, max(0.0, -(late_by or 0.0)) / FULL)
        return f"M{x + 2} {_short(2.5 + 11 * early)}h4", ""
    if outcome == "late":
        height = max(LEAST, HEIGHT * min(1.0, (late_by or 0.0) / FULL))
        return f"M{x} {HEIGHT}v{_short(-height)}h{CELL}v{_short(height)}z", ""
    if outcome == "excluded":
        return f"M{x + 2} 8a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z", ""
    return f"M{x} 0h{CELL}v{HEIGHT}h-{CELL}z", f"M{x + 2} 5.5l4 5m0-5l-4 5"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
