"""Why a dataset or job is bad: what upstream of it went wrong, is late, or did not happen.

Looks at the newest run of each job, and at when each dataset was last updated and checked. Everything it finds is a
possible cause, told in a sentence; which one it was, people decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

import networkx as nx

from lineage.runs import UNBOUNDED
from lineage.spelling import spelled, spelled_duration


class Fault(StrEnum):
    """What is wrong with a job or dataset, the gravest first."""

    FAILED = "failed"
    ABORTED = "aborted"
    DROPPED = "dropped"
    CHECK_FAILED = "check_failed"
    OVERDUE = "overdue"
    """Runs longer than 95 of 100 of its runs before."""
    NOT_WRITTEN = "not_written"
    """Its newest run completed, and brought no new data to a dataset that it writes."""
    NOT_RUN = "not_run"
    """Has not run since what it reads was updated, for longer than it usually pauses."""
    EMPTY = "empty"
    """Updated with no rows."""
    RUNNING = "running"
    """Is at it, and too little is known of its runs before to say whether that takes too long."""

    @property
    def weak(self) -> bool:
        """Whether it is as likely all right as not."""
        return self in (Fault.EMPTY, Fault.RUNNING)

    def may_follow(self, other: Fault) -> bool:
        """Whether this may be the consequence of another fault upstream: no run fails because another is late."""
        if self in (Fault.FAILED, Fault.ABORTED):
            return other in (Fault.FAILED, Fault.ABORTED, Fault.DROPPED)
        return not other.weak


ENOUGH = 3
"""Runs or pauses from which on something is called usual."""

QUANTILE = 0.95

NUMBER_SHOWN = 3
"""Failed checks that a sentence names."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a job; times in µs UTC."""

    state: str | None
    started_at: int | None
    ended_at: int | None
    error: str | None = None
    processing_type: str | None = None

    @property
    def endless(self) -> bool:
        """Whether the job is one that is not expected to end."""
        return self.processing_type in UNBOUNDED


@dataclass(frozen=True, slots=True)
class Check:
    """A data-quality check that failed the last time."""

    name: str
    at: int
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetState:
    """When a dataset was last updated, and how it stands; times in µs UTC."""

    updated_at: int | None = None
    rows: int | None = None
    failed_checks: Sequence[Check] = ()
    dropped_at: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Runs of a job before its newest: how long those took that completed, and how far apart they began, in µs."""

    durations: Sequence[int] = ()
    pauses: Sequence[int] = ()

    @staticmethod
    def of(runs: Sequence[tuple[str | None, int, int | None]]) -> History:
        """Make it of (state, started at, ended at) of runs, in any order."""
        durations = [
            max(0, end - start) for state, start, end in runs if state == "COMPLETE" and end is not None
        ]
        starts = sorted(start for _, start, _ in runs)
        return History(durations, [later - earlier for earlier, later in pairwise(starts)])


@dataclass(frozen=True, slots=True)
class Cause:
    """Something wrong upstream of the bad node, or with it."""

    fault: Fault
    node: str
    at: int | None
    """When it went wrong, or since when it waits."""
    why: str
    about: tuple[str, ...] = ()
    """Other nodes that it has to do with: what was not read, or not written."""
    path: list[str] = field(default_factory=list)
    """From the node to the bad one; empty where a part of the way is not to be seen."""
    depth: int = 0
    follows: tuple[str, ...] = ()
    """The nearest nodes upstream with faults of which this may be a consequence."""


@dataclass(frozen=True, slots=True)
class State:
    """What is known of all nodes upstream, by their ids."""

    jobs: Mapping[str, LastRun]
    datasets: Mapping[str, DatasetState]
    histories: Mapping[str, History]
    now: int


def behind(
    graph: nx.DiGraph[str], jobs: Mapping[str, LastRun], datasets: Mapping[str, DatasetState]
) -> dict[str, str]:
    """Give the jobs that have not begun to run since something they read was updated, with what waits longest."""
    found: dict[str, str] = {}
    for job, run in jobs.items():
        if run.state != "COMPLETE" or run.started_at is None or run.endless or job not in graph:
            continue
        unread = {
            read: updated
            for read in graph.predecessors(job)
            if read in datasets
            and graph.edges[read, job]["kind"] == "data"
            and (updated := datasets[read].updated_at) is not None
            and updated > run.started_at
        }
        if unread:
            found[job] = min(unread, key=lambda read: (unread[read], read))
    return found


def causes(graph: nx.DiGraph[str], bad: str, state: State) -> list[Cause]:
    """Give what may be the cause that ``bad`` is bad; ``graph`` is what lies upstream of it, with it.

    First come those that are surely faults; among them those with nothing wrong upstream of them; among those the
    furthest upstream.
    """
    found = [*_of_jobs(graph, state), *_of_datasets(graph, state)]
    faults: dict[str, set[Fault]] = {}
    for cause in found:
        faults.setdefault(cause.node, set()).add(cause.fault)
    # The node itself may be one that is not shown, or not to be seen.
    ways = nx.single_target_shortest_path(graph, bad) if bad in graph else {}
    ranked = [
        Cause(
            cause.fault,
            cause.node,
            cause.at,
            cause.why,
            cause.about,
            ways.get(cause.node, []),
            graph.nodes[cause.node]["node"].depth,
            _nearest(graph, cause, faults),
        )
        for cause in found
    ]
    gravity = list(Fault)
    return sorted(
        ranked,
        key=lambda cause: (
            cause.fault.weak,
            bool(cause.follows),
            -cause.depth,
            gravity.index(cause.fault),
            cause.node,
        ),
    )


def explanation(found: Sequence[Cause], state: State) -> str:
    """Say in a sentence or two what was found."""
    if found:
        also = len({cause.node for cause in found} - {found[0].node})
        others = f" Something is wrong with {also} more node{'s' if also > 1 else ''}, too." if also else ""
        return f"First in line: {found[0].why}{others}"
    silent = sum(run.state is None for run in state.jobs.values())
    unknown = f" Of {silent} of the jobs no run is known." if silent else ""
    return (
        f"Nothing upstream explains it: of {_several(state.jobs, 'job')} no newest run failed, none takes longer than "
        f"usual or has left an update unread, and of {_several(state.datasets, 'dataset')} none fails a check.{unknown}"
    )


def _several(of: Sized, what: str) -> str:
    return f"{len(of)} {what}{'' if len(of) == 1 else 's'}"


def _of_jobs(graph: nx.DiGraph[str], state: State) -> Iterator[Cause]:
    unread = behind(graph, state.jobs, state.datasets)
    for job, run in state.jobs.items():
        history = state.histories.get(job, History())
        if run.state in ("FAIL", "ABORT"):
            fault, word = (Fault.FAILED, "failed") if run.state == "FAIL" else (Fault.ABORTED, "was aborted")
            said = f": {run.error.strip().splitlines()[0]}" if run.error and run.error.strip() else ""
            yield Cause(
                fault,
                job,
                run.ended_at,
                f"The newest run of {_name(graph, job)} {word} at {spelled(run.ended_at)}{said}.",
            )
        elif run.state == "RUNNING" and not run.endless and run.started_at is not None:
            if found := _running(job, _name(graph, job), run.started_at, history, state.now):
                yield found
        elif job in unread:
            updated = state.datasets[unread[job]].updated_at
            if updated is not None and state.now - updated > usual(history.pauses, 0):
                yield Cause(
                    Fault.NOT_RUN,
                    job,
                    updated,
                    f"{_name(graph, job)} has not run since {_name(graph, unread[job])} was updated at "
                    f"{spelled(updated)}; its newest run began at {spelled(run.started_at)}.",
                    (unread[job],),
                )
        if run.state == "COMPLETE" and run.started_at is not None and not run.endless:
            yield from _not_written(graph, job, run, state)


def _running(job: str, name: str, started_at: int, history: History, now: int) -> Cause | None:
    elapsed = now - started_at
    so_far = f"{name} is running since {spelled(started_at)}, for {spelled_duration(elapsed)}"
    if len(history.durations) < ENOUGH:
        return Cause(
            Fault.RUNNING,
            job,
            started_at,
            f"{so_far}; too few of its runs are known to say how long it takes.",
        )
    longest = usual(history.durations, 0)
    if elapsed <= longest:
        return None
    return Cause(
        Fault.OVERDUE,
        job,
        started_at + longest,
        f"{so_far}; 95 of 100 of its runs take no longer than {spelled_duration(longest)}.",
    )


def _not_written(graph: nx.DiGraph[str], job: str, run: LastRun, state: State) -> Iterator[Cause]:
    for written in sorted(graph.successors(job)) if job in graph else ():
        known = state.datasets.get(written)
        if known is None or graph.edges[job, written]["kind"] != "data":
            continue
        if known.updated_at is None or known.updated_at < (run.started_at or 0):
            before = (
                f"; that was last updated at {spelled(known.updated_at)}"
                if known.updated_at is not None
                else ""
            )
            yield Cause(
                Fault.NOT_WRITTEN,
                job,
                run.ended_at,
                f"The newest run of {_name(graph, job)} completed at {spelled(run.ended_at)} without new data for "
                f"{_name(graph, written)}{before}.",
                (written,),
            )


def _of_datasets(graph: nx.DiGraph[str], state: State) -> Iterator[Cause]:
    for dataset, known in state.datasets.items():
        name = _name(graph, dataset)
        if known.dropped_at is not None:
            yield Cause(
                Fault.DROPPED,
                dataset,
                known.dropped_at,
                f"{name} was dropped at {spelled(known.dropped_at)}.",
            )
        if known.failed_checks:
            first = min(check.at for check in known.failed_checks)
            names = [
                f"{check.name} ({check.severity})" if check.severity else check.name
                for check in known.failed_checks[:NUMBER_SHOWN]
            ]
            more = len(known.failed_checks) - NUMBER_SHOWN
            listed = ", ".join(names) + (f" and {more} more" if more > 0 else "")
            some = "Checks" if len(known.failed_checks) > 1 else "A check"
            yield Cause(
                Fault.CHECK_FAILED, dataset, first, f"{some} on {name} failed at {spelled(first)}: {listed}."
            )
        if known.rows == 0:
            yield Cause(
                Fault.EMPTY,
                dataset,
                known.updated_at,
                f"{name} was updated at {spelled(known.updated_at)} with no rows.",
            )


def _name(graph: nx.DiGraph[str], node: str) -> str:
    return str(graph.nodes[node]["node"].name)


def usual(values: Sequence[int], otherwise: int) -> int:
    """Give the value that 95 of 100 do not exceed (nearest rank); of fewer than three, ``otherwise``."""
    if len(values) < ENOUGH:
        return otherwise
    return sorted(values)[math.ceil(len(values) * QUANTILE) - 1]


def _nearest(graph: nx.DiGraph[str], cause: Cause, faults: Mapping[str, set[Fault]]) -> tuple[str, ...]:
    """Give the nodes upstream with faults from which this may follow, and no other such node in between."""
    seen, found, waiting = {cause.node}, set[str](), [cause.node]
    while waiting:
        for before in graph.predecessors(waiting.pop()):
            if before in seen:
                continue
            seen.add(before)
            if any(cause.fault.may_follow(fault) for fault in faults.get(before, ())):
                found.add(before)
            else:
                waiting.append(before)
    return tuple(sorted(found))
