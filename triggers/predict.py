"""When a dataset will be there, told before it is late, and which job is to blame if it will be.

Plays every scenario of what the jobs that remain may do (triggers.habits) along the graph: a job starts after the last
of its inputs, or by its clock if that comes later; one that runs takes longer than it has run already. Nothing is
assumed about distributions, nor that jobs are independent of each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import networkx as nx

from triggers.habits import Habit, beyond, quantile, share_above, usual

ENOUGH = 19
"""Past runs from which on the 90 % interval is one: of fewer, even the extremes bound less than that (18/20)."""

UNUSUAL = 0.9
"""The share of scenarios that a job must exceed to be blamed for being late."""


@dataclass(frozen=True, slots=True)
class CurrentRun:
    """The run of a job in this cycle that counts; one that failed and must be repeated is not started."""

    started_at: int
    """µs UTC."""
    ended_at: int | None = None


class Kind(StrEnum):
    """In what a job lags."""

    STARTED_LATE = "started_late"
    NOT_STARTED = "not_started"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Lag:
    """By how much a job is behind what is usual for it, apart from what it waited for."""

    job: str
    kind: Kind
    by: int
    """µs."""


@dataclass(frozen=True, slots=True)
class Miss:
    """The dataset will be there after its deadline."""

    deadline: int
    by: int
    """µs after the deadline in the middle of the scenarios; negative if it is more likely to be in time."""
    chance: float
    cause: Lag | None
    """What adds most to it; None if all goes as usual, and that is too late."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """When a dataset will be there."""

    dataset: str
    now: int
    arrivals: tuple[int, ...]
    """One a scenario (µs UTC), sorted; a single one if it is there already."""
    path: tuple[str, ...]
    """The jobs on the longest way to it, those that are done first."""
    lags: tuple[Lag, ...]
    """Jobs on that way that are unusually late, the latest first."""
    runs: int
    """Fewest past runs of a job that remains."""
    unknown: tuple[str, ...]
    """Jobs that remain and of which no past run is known: they are taken to start and end at once, so that the
    dataset will be there at the earliest when this says."""
    unforeseen: tuple[str, ...]
    """Jobs that run, or have not started, for longer than in any scenario."""

    @property
    def enough(self) -> bool:
        """Whether enough past runs are known for intervals to hold as often as they say."""
        return self.runs >= ENOUGH and not self.unknown

    def at(self, share: float) -> int:
        """Give when it will be there with a probability (µs UTC)."""
        return quantile(self.arrivals, share)

    def interval(self, share: float = 0.9) -> tuple[int, int]:
        """Give the middle interval in which it will be there with a probability."""
        return self.at((1 - share) / 2), self.at((1 + share) / 2)

    def chance(self, deadline: int) -> float:
        """Give the probability that it comes after a deadline (µs UTC)."""
        return share_above(self.arrivals, deadline)

    def miss(self, deadline: int, share: float = 0.5) -> Miss | None:
        """Say whether it will be there too late: by the quantile ``share`` of what may be."""
        if self.at(share) <= deadline:
            return None
        cause = self.lags[0] if self.lags else None
        return Miss(deadline, self.at(0.5) - deadline, self.chance(deadline), cause)


def predict(
    graph: nx.DiGraph[str],
    dataset: str,
    jobs: Mapping[str, CurrentRun | None],
    habits: Mapping[str, Habit],
    cycle: int,
    now: int,
) -> Estimate | None:
    """Estimate when a dataset will be there in the cycle that began at ``cycle`` (µs UTC, as ``now``).

    The edges of ``graph`` lead the way data flow; ``jobs`` are its nodes that run in the cycle, with their run if they
    have started; all its other nodes (datasets, jobs of other cycles) take no time. ``habits`` are those of the
    cycle's season. Of a circle one edge is left out. None if no job of the cycle makes the dataset.
    """
    order = jobs_before(graph, dataset, jobs)
    last = sorted(order.predecessors(dataset))
    if not last:
        return None
    play = _Play(order, jobs, habits, cycle, now)
    for job in nx.lexicographical_topological_sort(order.subgraph(play.remaining(last))):
        play.add(job)
    arrivals = [max(ends) for ends in zip(*(play.ends[job] for job in last), strict=True)]
    path = play.path(last)
    lags = sorted((lag for job in path for lag in play.lags(job)), key=lambda lag: (-lag.by, lag.job))
    remaining = sorted(job for job in play.ends if not play.done(job))
    return Estimate(
        dataset,
        now,
        tuple(sorted(arrivals)) if remaining else (arrivals[0],),
        path,
        tuple(lags),
        min((habits[job].runs if job in habits else 0 for job in remaining), default=0),
        tuple(job for job in remaining if job not in habits),
        tuple(sorted(play.unforeseen)),
    )


def jobs_before(
    graph: nx.DiGraph[str], dataset: str, jobs: Mapping[str, CurrentRun | None]
) -> nx.DiGraph[str]:
    """Give the order of the jobs on the ways to a dataset, and the dataset after the last; without circles."""
    order: nx.DiGraph[str] = nx.DiGraph()
    order.add_node(dataset)
    if dataset not in graph:
        return order
    before: nx.DiGraph[str] = nx.DiGraph()
    nodes = nx.ancestors(graph, dataset) | {dataset}
    before.add_nodes_from(sorted(nodes))
    before.add_edges_from(sorted(graph.subgraph(nodes).edges))
    # Each node is left after those that it leads to, save along the edge that closes a circle.
    left = {node: number for number, node in enumerate(nx.dfs_postorder_nodes(before))}
    before.remove_edges_from([edge for edge in before.edges if left[edge[1]] >= left[edge[0]]])
    nearest: dict[str, set[str]] = {}
    for node in sorted(left, key=left.__getitem__, reverse=True):
        found = set[str]().union(*(nearest[each] for each in before.predecessors(node)))
        if node in jobs or node == dataset:
            order.add_edges_from((job, node) for job in sorted(found))
        nearest[node] = {node} if node in jobs else found
    return order


class _Play:
    """All scenarios at once: for each job when its inputs are there, when it starts and ends in each (µs UTC)."""

    def __init__(
        self,
        order: nx.DiGraph[str],
        jobs: Mapping[str, CurrentRun | None],
        habits: Mapping[str, Habit],
        cycle: int,
        now: int,
    ) -> None:
        self._order = order
        self._jobs = jobs
        self._habits = habits
        self._cycle = cycle
        self._now = now
        self._scenarios = max((len(habit.durations) for habit in habits.values()), default=1)
        self._ready: dict[str, list[int]] = {}
        self._starts: dict[str, list[int]] = {}
        self.ends: dict[str, list[int]] = {}
        self.unforeseen: set[str] = set()

    def done(self, job: str) -> bool:
        return _ended(self._jobs[job]) is not None

    def remaining(self, last: Sequence[str]) -> set[str]:
        """Give the jobs on which the end depends: what came before a job that has started makes no difference."""
        found, waiting = set(last), list(last)
        while waiting:
            job = waiting.pop()
            if self._jobs[job] is None:
                new = set(self._order.predecessors(job)) - found
                found |= new
                waiting += new
        return found

    def add(self, job: str) -> None:
        """Play a job, after those before it."""
        run, habit = self._jobs[job], self._habits.get(job)
        lasting: Sequence[int] = habit.durations if habit else [0] * self._scenarios
        if run is None:
            before = list(self._order.predecessors(job))
            # Without inputs of this cycle a job is ready from its beginning.
            ready = [
                max((self.ends[each][number] for each in before), default=self._cycle)
                for number in range(self._scenarios)
            ]
            starts = self._start(job, habit, ready, [each for each in before if not self.done(each)])
            self._ready[job], self._starts[job] = ready, starts
            self.ends[job] = [start + length for start, length in zip(starts, lasting, strict=True)]
        elif run.ended_at is not None:
            self.ends[job] = [run.ended_at] * self._scenarios
        else:
            going_on = self._going_on(job, lasting, run.started_at) if habit else lasting
            self.ends[job] = [max(run.started_at + length, self._now) for length in going_on]

    def _start(self, job: str, habit: Habit | None, ready: list[int], unfinished: list[str]) -> list[int]:
        if habit is None:
            starts = ready
        elif habit.delays is not None and self._order.in_degree(job):
            delays = habit.delays if unfinished else self._going_on(job, habit.delays, ready[0])
            starts = [there + delay for there, delay in zip(ready, delays, strict=True)]
        else:
            clock = habit.starts if unfinished else self._going_on(job, habit.starts, self._cycle)
            starts = [max(there, self._cycle + each) for there, each in zip(ready, clock, strict=True)]
        return [max(start, self._now) for start in starts]

    def _going_on(self, job: str, values: Sequence[int], since: int) -> list[int]:
        found, unforeseen = beyond(values, self._now - since)
        if unforeseen:
            self.unforeseen.add(job)
        return found

    def path(self, last: Sequence[str]) -> tuple[str, ...]:
        """Give the longest way by what is usual, and before it the jobs, all done, for which its first one waited."""
        ways: nx.DiGraph[str] = nx.DiGraph()
        beginning = ""  # no job's id
        for job in self.ends:
            if self.done(job):
                continue
            unfinished = [
                each for each in self._order.predecessors(job) if each in self.ends and not self.done(each)
            ]
            if self._jobs[job] is not None or not unfinished:
                ways.add_edge(beginning, job, weight=usual(self.ends[job]) - self._now)
                continue
            habit = self._habits.get(job)
            clock = habit is not None and habit.delays is None
            since = self._starts[job] if clock else self._ready[job]
            lag = usual([end - each for end, each in zip(self.ends[job], since, strict=True)])
            ways.add_edges_from([(each, job, {"weight": max(lag, 0)}) for each in unfinished])
            if clock and habit is not None:
                by_clock = self._cycle + usual(habit.starts) + lag - self._now
                ways.add_edge(beginning, job, weight=max(by_clock, 0))
        longest = [job for job in nx.dag_longest_path(ways) if job != beginning]
        first = longest[0] if longest else max(last, key=self._recency)
        chain = [] if longest else [first]
        while done := [job for job in self._order.predecessors(first) if self.done(job)]:
            first = max(done, key=self._recency)
            chain.insert(0, first)
        return (*chain, *longest)

    def _recency(self, job: str) -> tuple[int, str]:
        return _ended(self._jobs[job]) or 0, job

    def lags(self, job: str) -> list[Lag]:
        """Say in what a job is unusually late, counted from when it could start."""
        run, habit = self._jobs[job], self._habits.get(job)
        if habit is None:
            return []
        ends = [
            end for each in self._order.predecessors(job) if (end := _ended(self._jobs[each])) is not None
        ]
        if run is None:
            start, ready = usual(self._starts[job]), usual(self._ready[job])
        else:
            start, ready = run.started_at, max(ends, default=self._cycle)
        if habit.delays is not None and self._order.in_degree(job):
            waited, waits = start - ready, habit.delays
        else:
            # By the clock, and after its inputs: those are not its fault.
            by_clock = usual(habit.starts)
            waited, waits = start - max(ready, self._cycle + by_clock) + by_clock, habit.starts
        found = [(Kind.NOT_STARTED if run is None else Kind.STARTED_LATE, waited, waits)]
        if run is not None:
            end = run.ended_at if run.ended_at is not None else usual(self.ends[job])
            found.append((Kind.SLOW, end - run.started_at, habit.durations))
        return [
            Lag(job, kind, length - usual(lengths))
            for kind, length, lengths in found
            if length > quantile(sorted(lengths), UNUSUAL)
        ]


def _ended(run: CurrentRun | None) -> int | None:
    return None if run is None else run.ended_at
