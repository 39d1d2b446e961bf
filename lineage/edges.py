"""When a job reads or writes a dataset: validity intervals, from the runs that show it.

The runs of a job stand in line by their place: the time of their first event, then their key. An interval opens at
the place of the first run that shows the edge, goes on through every run that shows it again, and closes at the place
of the first later run that completed without it. So the intervals are a function of the set of runs, whatever order
their events came in: ``step`` is that function for one run, and ``Timeline`` applies it at the end of the line. A
run that changes something in the middle is told apart (``Late``); the caller then walks the line again from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lineage.model import Direction
from lineage.runs import Run, RunUse

EdgeKey = tuple[int, int]
"""(dataset id, direction), within a job."""

Place = tuple[int, bytes]
"""(first event time in µs UTC, run key): where a run stands among the runs of its job."""


Flow = bool
"""True: data; False: control. A run may tell of the one and know nothing of the other."""


def flow(key: EdgeKey) -> Flow:
    return key[1] < Direction.AFTER


class Shown(NamedTuple):
    """How a run shows an edge. ``derivation_id`` None: it does not say from what an output is made."""

    derivation_id: int | None
    implied: bool


class Showing(NamedTuple):
    """What one run says about the edges of its job."""

    place: Place
    run_id: int
    closes: frozenset[Flow]
    """It is over, and an edge of these flows that it does not show is gone."""
    edges: Mapping[EdgeKey, Shown]


@dataclass(slots=True)
class Interval:
    """An edge, valid from (inclusive) to (exclusive; None: still) two instants in µs UTC."""

    dataset_id: int
    direction: int
    valid_from: int
    derivation_id: int | None
    implied: bool
    opened_by: int
    valid_to: int | None = None
    closed_by: int | None = None

    @property
    def key(self) -> EdgeKey:
        return self.dataset_id, self.direction


def showing(run: Run, uses: Mapping[EdgeKey, RunUse]) -> Showing:
    """Give what a run says about edges.

    A run that names no dataset at all says nothing of data: Airflow's extractors know many operators only by name. Nor
    does a declaration without lineage, such as a DatasetEvent about a new version: there is nobody who writes it.
    """
    if run.declared and run.incomplete:
        uses = {}
    shown = {key: Shown(use.derivation_id, use.implied) for key, use in uses.items()}
    closes = frozenset(map(flow, shown)) if run.closes_edges else frozenset()
    return Showing((run.first_event_at or 0, run.key), run.id, closes, shown)


def step(current: dict[EdgeKey, Interval], run: Showing) -> list[Interval]:
    """Let one run, later than all before, open and close edges; change ``current`` (the open ones).

    Returns:
        The intervals that it closed, with ``valid_to`` set. One that opened at the same instant is dropped instead:
        it was never valid.
    """
    at, closed = run.place[0], []

    def close(interval: Interval) -> None:
        del current[interval.key]
        if interval.valid_from < at:
            interval.valid_to, interval.closed_by = at, run.run_id
            closed.append(interval)

    for key, shown in run.edges.items():
        held = current.get(key)
        derivation_id = shown.derivation_id
        if held is not None:
            if derivation_id in (None, held.derivation_id) and shown.implied == held.implied:
                continue
            # A run that says nothing about sources does not deny those that an earlier one told.
            derivation_id = held.derivation_id if derivation_id is None else derivation_id
            close(held)
        current[key] = Interval(*key, at, derivation_id, shown.implied, run.run_id)
    if run.closes:
        for key in current.keys() - run.edges.keys():
            if flow(key) in run.closes:
                close(current[key])
    return closed


class Late(Exception):
    """The run changes the line of its job before its end."""


@dataclass(slots=True)
class Changes:
    """What a run at the end of the line did to the edges of its job."""

    opened: list[Interval] = field(default_factory=list)
    closed: list[Interval] = field(default_factory=list)


@dataclass(slots=True)
class Timeline:
    """The open edges of one job, and where its line of runs ends."""

    current: dict[EdgeKey, Interval]
    last: Place
    """The last run in line."""
    boundary: Place
    """The last run that opened or closed an edge."""

    def advance(self, before: Showing | None, now: Showing) -> Changes:
        """Apply what a run says now, having said ``before`` (None: it is new).

        Raises:
            Late: the runs must be walked again from the earlier of the two places. Nothing has been changed.
        """
        if before is not None and before.place != now.place:
            raise Late
        if (
            before is not None
            and before.closes
            and (before.closes - now.closes or now.edges.keys() - before.edges.keys())
        ):
            raise Late
        if self._changes_nothing(now):
            self.last = max(self.last, now.place)
            return Changes()
        if now.place < self.last or self._replaces_own(now):
            raise Late
        held = dict(self.current)
        closed = step(self.current, now)
        opened = [interval for key, interval in self.current.items() if held.get(key) is not interval]
        self.last = self.boundary = now.place
        return Changes(opened, closed)

    def _changes_nothing(self, now: Showing) -> bool:
        """Whether every edge that the run shows is open, and none that it would close; and no change came after it."""
        if self.boundary > now.place:
            return False
        if now.closes and any(flow(key) in now.closes for key in self.current.keys() - now.edges.keys()):
            return False
        for key, shown in now.edges.items():
            held = self.current.get(key)
            if (
                held is None
                or held.implied != shown.implied
                or shown.derivation_id not in (None, held.derivation_id)
            ):
                return False
        return True

    def _replaces_own(self, now: Showing) -> bool:
        """Whether the run now says otherwise about an edge that opened at its own instant.

        What stood there before is then forgotten, and can only be told from the runs before.
        """
        at = now.place[0]
        for key, held in self.current.items():
            if held.valid_from == at:
                shown = now.edges.get(key)
                if shown is None:
                    if flow(key) in now.closes:
                        return True
                elif shown.implied != held.implied or shown.derivation_id not in (None, held.derivation_id):
                    return True
        return False


class Rewalked(NamedTuple):
    """What to change in the stored intervals of a job, told apart by (key, valid_from)."""

    gone: list[Interval]
    put: list[Interval]


def rewalk(held: Sequence[Interval], line: Iterable[Sequence[Showing]], start: int, until: int) -> Rewalked:
    """Walk the runs of a job again from the instant ``start``.

    ``held`` are its stored intervals that were valid at ``start`` or later. ``line`` gives the runs from ``start`` on
    in order, in pieces (runs of one instant in one piece), and is read only as far as needed: once past ``until``,
    the last place where something is new, and in agreement with what is held, the rest is as it was: what closes an
    interval later does not ask when it opened.
    """
    current = {i.key: replace(i, valid_to=None, closed_by=None) for i in held if i.valid_from < start}
    result: list[Interval] = []
    for piece in line:
        for run in piece:
            result += step(current, run)
        at = piece[-1].place[0]
        covering = {i.key: i for i in held if i.valid_from <= at and (i.valid_to is None or i.valid_to > at)}
        if at >= until and _agree(current, covering):
            for key, i in current.items():
                result.append(replace(i, valid_to=covering[key].valid_to, closed_by=covering[key].closed_by))
            result += (i for i in held if i.valid_from > at)
            break
    else:
        result += current.values()
    wanted = {(i.key, i.valid_from): i for i in result}
    stored = {(i.key, i.valid_from): i for i in held}
    return Rewalked(
        [i for at, i in stored.items() if at not in wanted],
        [i for at, i in wanted.items() if stored.get(at) != i],
    )


def _agree(current: Mapping[EdgeKey, Interval], covering: Mapping[EdgeKey, Interval]) -> bool:
    return current.keys() == covering.keys() and all(
        (i.derivation_id, i.implied) == (covering[key].derivation_id, covering[key].implied)
        for key, i in current.items()
    )
