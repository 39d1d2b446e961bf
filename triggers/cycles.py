"""The runs of jobs, dealt out to the cycles in which a dataset is made: one cycle leads to each of its releases.

A run belongs to the cycle in which it ended. It begins in the middle between the release before and its own, or as
early as data is accepted for its release: what comes soon after a release came too late for it, and not early for the
next. Of the runs of a job in a cycle the one counts that the others were made from: the last that ended before they
started.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

import networkx as nx

from triggers.deadlines import timetable
from triggers.habits import CYCLES, Habit, PastRun, learn
from triggers.model import Due, Expectation
from triggers.predict import CurrentRun, jobs_before
from triggers.zones import local, wall, zone

FREQUENT = 8
"""Runs in a cycle from which on a job is one that goes on all the time: nobody waits for it."""

SEASONS = 4
"""Cycles of the same season that tell whether a job runs in it."""

EARLY = 4
"""A run that starts earlier than ever before by this part of a cycle is not yet the one that is waited for."""

DAY = 86_400_000_000

FAILURES = frozenset({"FAIL", "ABORT"})


class RunSeen(NamedTuple):
    """A run as the database has it; µs UTC."""

    started_at: int
    ended_at: int | None
    state: str | None
    """RUNNING, COMPLETE, FAIL, ABORT, OTHER."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """The time that leads to a release; µs UTC."""

    release: int
    begins: int
    """Runs that end from here on belong to it, until the next one begins."""
    accepts: int
    """Data that is there from here on meets the release."""
    length: int
    """Since the release before."""
    season: int
    """The weekday of the release by the clock of the expectation; Monday is 0."""


def cycles_to(expectation: Expectation, due: Due, release: int, most: int = CYCLES) -> list[Cycle]:
    """Give the cycle of a release, and before it those of at most ``most`` earlier ones."""
    table, timezone = timetable(due, expectation.timezone), zone(expectation.timezone)
    found: list[Cycle] = []
    at: int | None = release
    while at is not None and len(found) <= most:
        previous, accepts = table.before(at), table.accepts_from(at)
        length = DAY if previous is None else at - previous
        begins = min(accepts, at - length // 2)
        found.append(Cycle(at, begins, accepts, length, local(at, timezone).weekday()))
        at = previous
    return found[::-1]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What ``triggers.predict`` needs to know of the last cycle."""

    begins: int
    """From when on the habits count (µs UTC)."""
    jobs: Mapping[str, CurrentRun | None]
    habits: Mapping[str, Habit]
    failed: Mapping[str, int]
    """When the last run of a job failed, of those that have not run since."""


def recall(
    graph: nx.DiGraph[str],
    dataset: str,
    runs: Mapping[str, Sequence[RunSeen]],
    cycles: Sequence[Cycle],
    timezone: str,
) -> Recalled:
    """Deal out the runs of jobs upstream of a dataset to cycles, of which the last is the current one.

    Its release is not met yet, so no run that has ended has brought the dataset. What runs in less than half of the
    cycles since its first run, or of those of the season, belongs to other cycles: it takes no time. Neither does what
    runs all the time. Jobs keep to the clock of the expectation, in the nights of a clock change too.
    """
    per_job = {job: _dealt(seen, cycles) for job, seen in runs.items()}
    members = {job: None for job in sorted(runs) if _belongs(runs[job], per_job[job], cycles)}
    order = jobs_before(graph, dataset, members)
    last_first = list(nx.lexicographical_topological_sort(order))[::-1]
    chosen = [
        _chosen(
            order, last_first, dataset, {job: dealt[number] for job, dealt in per_job.items()}, cycle.accepts
        )
        for number, cycle in enumerate(cycles[:-1])
    ]
    clock = _Clock(cycles, chosen, timezone)
    history = {
        job: [
            PastRun(
                cycle.begins,
                cycle.season,
                clock.shown(cycle, of[job].started_at),
                _duration(of[job]),
                _delay(order, job, of),
            )
            for cycle, of in zip(cycles, chosen, strict=False)
            if job in of
        ]
        for job in members
    }
    current = cycles[-1]
    tolerance = min(cycle.length for cycle in cycles) // EARLY
    jobs: dict[str, CurrentRun | None] = {}
    failed: dict[str, int] = {}
    for job in members:
        earliest = min((past.start for past in history[job]), default=None)
        counted = [
            run
            for run in runs[job]
            if (run.ended_at is None or run.ended_at >= current.begins)
            and (
                run.started_at >= current.begins
                if earliest is None
                else clock.shown(current, run.started_at) + tolerance >= earliest
            )
        ]
        jobs[job] = _current(counted, brings=order.has_edge(job, dataset))
        ended = [(run.ended_at, run.state) for run in counted if run.ended_at is not None]
        if jobs[job] is None and ended and max(ended)[1] in FAILURES:
            failed[job] = max(ended)[0]
    habits = learn(history, current.season)
    return Recalled(clock.begins, jobs, {job: clock.applied(habit) for job, habit in habits.items()}, failed)


def _dealt(runs: Sequence[RunSeen], cycles: Sequence[Cycle]) -> list[list[RunSeen]]:
    """Give the runs that completed in each cycle, by their end."""
    begins = [cycle.begins for cycle in cycles]
    found: list[list[RunSeen]] = [[] for _ in cycles]
    for run in runs:
        if run.state == "COMPLETE" and run.ended_at is not None:
            number = bisect_right(begins, run.ended_at) - 1
            if number >= 0:
                found[number].append(run)
    return [sorted(each, key=_end) for each in found]


def _belongs(runs: Sequence[RunSeen], dealt: Sequence[Sequence[RunSeen]], cycles: Sequence[Cycle]) -> bool:
    past = dealt[:-1]
    first = next((number for number, each in enumerate(past) if each), None)
    if first is None:
        return any(run.started_at >= cycles[-1].begins for run in runs)
    ran = [(bool(each), cycle.season) for each, cycle in zip(past, cycles, strict=False)][first:]
    alike = [did for did, season in ran if season == cycles[-1].season]
    return (
        _half(did for did, _ in ran)
        and (len(alike) < SEASONS or _half(alike))
        and median(len(each) for each in past if each) <= FREQUENT
    )


def _half(did: Iterable[bool]) -> bool:
    each = list(did)
    return 2 * sum(each) >= len(each)


def _chosen(
    order: nx.DiGraph[str],
    last_first: Sequence[str],
    dataset: str,
    done: Mapping[str, Sequence[RunSeen]],
    accepts: int,
) -> dict[str, RunSeen]:
    """Give of the runs ``done`` in a cycle, for each job, the one from which the dataset was made."""
    found: dict[str, RunSeen] = {}
    for job in last_first:
        if not (runs := done.get(job)):
            continue
        if order.has_edge(job, dataset):
            found[job] = next((run for run in runs if _end(run) >= accepts), runs[-1])
            continue
        starts = [found[each].started_at for each in order.successors(job) if each in found]
        before = [run for run in runs if not starts or _end(run) <= max(starts)]
        found[job] = before[-1] if before else runs[0]
    return found


def _current(counted: Sequence[RunSeen], *, brings: bool) -> CurrentRun | None:
    """Give the run that counts of those of a cycle: one at work, or else the last that completed."""
    running = [run.started_at for run in counted if run.ended_at is None and run.state == "RUNNING"]
    if running:
        return CurrentRun(max(running))
    done = [run for run in counted if run.state == "COMPLETE" and run.ended_at is not None]
    if brings or not done:
        return None
    last = max(done, key=_end)
    return CurrentRun(last.started_at, last.ended_at)


def _delay(order: nx.DiGraph[str], job: str, of: Mapping[str, RunSeen]) -> int | None:
    there = [_end(of[each]) for each in order.predecessors(job) if each in of]
    return of[job].started_at - max(there) if there else None


def _duration(run: RunSeen) -> int:
    return max(0, _end(run) - run.started_at)


def _end(run: RunSeen) -> int:
    return run.started_at if run.ended_at is None else run.ended_at


class _Clock:
    """Times of a cycle as the clock on the wall shows them, counted from so long before its release.

    So a job that starts at two does so in all cycles, be the one from Friday to Monday three days long, and be the
    clock changed in between.
    """

    def __init__(
        self, cycles: Sequence[Cycle], chosen: Sequence[Mapping[str, RunSeen]], timezone: str
    ) -> None:
        self._zone = zone(timezone)
        longest = max((_duration(run) for of in chosen for run in of.values()), default=0)
        # Longer than it can be from the start of any run to its release.
        self._lead = max(cycle.release - cycle.begins for cycle in cycles) + longest + DAY
        self._start = self._wall(cycles[-1].release) - timedelta(microseconds=self._lead)
        self.begins = wall(self._start, self._zone)
        self._changes = (
            local(self.begins, self._zone).utcoffset() != local(cycles[-1].release, self._zone).utcoffset()
        )

    def _wall(self, at: int) -> datetime:
        return local(at, self._zone).replace(tzinfo=None)

    def shown(self, cycle: Cycle, at: int) -> int:
        """Give the time of an instant in a cycle."""
        return self._lead + (self._wall(at) - self._wall(cycle.release)) // timedelta(microseconds=1)

    def applied(self, habit: Habit) -> Habit:
        """Give a habit with its starts as they are in the current cycle: elapsed since ``begins``."""
        if not self._changes:
            return habit
        starts = [
            wall(self._start + timedelta(microseconds=each), self._zone) - self.begins
            for each in habit.starts
        ]
        return replace(habit, starts=starts)
