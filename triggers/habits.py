"""What the runs of a job usually do, as scenarios of what this one will: when it starts and how long it takes.

A scenario takes over from one past cycle (a night, a week) by how much each job then differed from what was to be
expected of it, so what differs together in truth (the end of a month is heavy for all) does so here. What was to be
expected is the recent level, which follows drift, with the usual difference of the season (the weekday). As the
difference of each past run is taken from a level known before it, the scenarios are as wide as such forecasts are
wrong, and quantiles of them hold as often as they say.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

CYCLES = 60
"""Past cycles that are looked at: two months are enough for the weekdays, and not too old."""

RECENT = 14
"""Runs that make the level: two of each weekday of a daily job."""

WARM_UP = 3
"""Runs before one from which on its level is theirs, and not that of all others."""

SHRUNK = 2
"""Runs of a season by which its difference is halved: few say little."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, without their whole part, fill an interval evenly: chance that comes out the same each time."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that brought what it should; durations in µs."""

    cycle: int
    """When the cycle began that it belongs to (µs UTC); one run a job and cycle, the last counts."""
    season: Hashable
    """What the cycle is like: its local weekday, or whatever tells slow from fast ones."""
    start: int
    """From the beginning of the cycle to that of the run."""
    duration: int
    delay: int | None = None
    """From when the last of its inputs was there to the beginning of the run; negative if it did not wait for them.
    None if it has no inputs that belong to the cycle."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What a job may do in this cycle: the same scenario has the same place in all sequences; µs."""

    runs: int
    """Past runs that are known."""
    starts: Sequence[int]
    """After the beginning of the cycle."""
    durations: Sequence[int]
    delays: Sequence[int] | None
    """After its inputs are there; None if it has none, or goes by the clock more than by them."""


def learn(history: Mapping[str, Sequence[PastRun]], season: Hashable, most: int = CYCLES) -> dict[str, Habit]:
    """Give the habits of all jobs in a cycle of the given season; of a job without past runs, none."""
    latest = {job: _by_cycle(runs)[-most:] for job, runs in sorted(history.items()) if runs}
    cycles = sorted({run.cycle for runs in latest.values() for run in runs})[-most:]
    return {
        job: _habit(runs, season, cycles, GOLDEN * number)
        for number, (job, runs) in enumerate(latest.items())
    }


def usual(values: Sequence[int]) -> int:
    """Give the middle of the scenarios."""
    return round(median(values))


def beyond(values: Sequence[int], elapsed: int) -> tuple[list[int], bool]:
    """Give the scenarios of something that has lasted ``elapsed`` and goes on; and whether none foresaw that.

    Those it has outlasted are dealt out evenly over the others. If none is left, what is still to come is as long as
    the scenarios differed from their middle: little is known then but the scale.
    """
    left = sorted(value for value in values if value > elapsed)
    outlasted = len(values) - len(left)
    if not left:
        middle = usual(values)
        return [elapsed + abs(value - middle) for value in values], True
    dealt = iter(range(outlasted))
    return [
        value if value > elapsed else left[(2 * next(dealt) + 1) * len(left) // (2 * outlasted)]
        for value in values
    ], False


def _by_cycle(runs: Sequence[PastRun]) -> list[PastRun]:
    found: dict[int, PastRun] = {}
    for run in sorted(runs, key=lambda run: (run.cycle, run.start, run.duration, run.delay or 0)):
        found[run.cycle] = run
    return list(found.values())


def _habit(runs: Sequence[PastRun], season: Hashable, cycles: Sequence[int], phase: float) -> Habit:
    lasting = _scenarios([(run, math.log(max(run.duration, 1))) for run in runs], season, cycles, phase)
    starts = _scenarios([(run, run.start) for run in runs], season, cycles, phase)
    waits = [(run, float(run.delay)) for run in runs if run.delay is not None]
    delays = _scenarios(waits, season, cycles, phase) if waits else None
    if delays and _spread(starts) < _spread(delays):
        delays = None
    return Habit(
        len(runs),
        [round(value) for value in starts],
        [round(math.exp(value)) for value in lasting],
        None if delays is None else [round(value) for value in delays],
    )


def _spread(values: Sequence[float]) -> float:
    middle = median(values)
    return median(abs(value - middle) for value in values)


def _scenarios(
    seen: Sequence[tuple[PastRun, float]], season: Hashable, cycles: Sequence[int], phase: float
) -> list[float]:
    """Give for each cycle what would be now if the run differed from what is expected as it did then.

    For a cycle in which it did not run, another is taken: evenly over all.
    """
    seasons = _seasons(seen)
    level_at = [value - seasons[run.season] for run, value in seen]
    expected = median(level_at[-RECENT:]) + seasons.get(season, 0.0)
    differences = {
        run.cycle: level_at[place] - _level(level_at, place) for place, (run, _) in enumerate(seen)
    }
    ordered = sorted(differences.values())
    return [
        expected
        + (
            differences[cycle]
            if cycle in differences
            else ordered[int((phase + GOLDEN * number) % 1 * len(ordered))]
        )
        for number, cycle in enumerate(cycles)
    ]


def _level(values: Sequence[float], place: int) -> float:
    """Give what was to be expected at a place from the values before it, or of all others if those are few."""
    before = values[max(0, place - RECENT) : place]
    others = before if len(before) >= WARM_UP else [*values[:place], *values[place + 1 :]]
    return median(others or values)


def _seasons(seen: Sequence[tuple[PastRun, float]]) -> dict[Hashable, float]:
    """Give by how much runs of each season differ from the middle of all, less the fewer there are."""
    middle = median(value for _, value in seen)
    groups: dict[Hashable, list[float]] = defaultdict(list)
    for run, value in seen:
        groups[run.season].append(value - middle)
    return {
        season: median(values) * len(values) / (len(values) + SHRUNK) for season, values in groups.items()
    }


def quantile(values: Sequence[int], share: float) -> int:
    """Give the value below which the next one lies with probability ``share``; ``values`` are sorted.

    Of n values the k-th bounds k / (n + 1) of what is to come (not of themselves, which is too narrow); in between it
    is interpolated, beyond the outermost they are given.
    """
    place = share * (len(values) + 1) - 1
    low = min(max(math.floor(place), 0), len(values) - 1)
    high = min(low + 1, len(values) - 1)
    return round(values[low] + min(max(place - low, 0.0), 1.0) * (values[high] - values[low]))


def share_above(values: Sequence[int], limit: int) -> float:
    """Give the share of sorted values above a limit."""
    return 1 - bisect_right(values, limit) / len(values)
