"""Validity intervals: what one run does to them, and that the shortcuts give what a walk over all runs gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lineage.edges import (
    EdgeKey,
    Interval,
    Late,
    Place,
    Showing,
    Shown,
    Timeline,
    rewalk,
    showing,
    step,
)
from lineage.model import Direction
from lineage.runs import Run, RunUse

A: EdgeKey = (1, int(Direction.INPUT))
B: EdgeKey = (2, int(Direction.INPUT))
OUT: EdgeKey = (1, int(Direction.OUTPUT))
FIRST: EdgeKey = (3, int(Direction.AFTER))
PLAIN = Shown(None, implied=False)

NOWHERE: Place = (-(2**63), b"")


def run(at: int, *edges: EdgeKey | tuple[EdgeKey, Shown], closes: bool = True, number: int = 0) -> Showing:
    """Give a showing; an edge by its key alone is plain."""
    shown: dict[EdgeKey, Shown] = {}
    for edge in edges:
        match edge:
            case ((_, _) as key, Shown() as how):
                shown[key] = how
            case (int(dataset_id), int(direction)):
                shown[dataset_id, direction] = PLAIN
    id_ = number or at
    return Showing((at, id_.to_bytes(2, "big")), id_, closing(shown, closes), shown)


def closing(shown: Mapping[EdgeKey, Shown], closes: bool) -> frozenset[bool]:
    """Give the flows (True: data) that a run closes: those of which it shows anything."""
    return frozenset(key[1] < Direction.AFTER for key in shown) if closes else frozenset()


Told = tuple[EdgeKey, int, int | None, int | None, bool, int, int | None]


def told(*intervals: Interval) -> set[Told]:
    return {
        (i.key, i.valid_from, i.valid_to, i.derivation_id, i.implied, i.opened_by, i.closed_by)
        for i in intervals
    }


def walk(*runs: Showing) -> set[Told]:
    """Walk all runs in order; the definition that everything else is compared with."""
    current: dict[EdgeKey, Interval] = {}
    closed: list[Interval] = []
    for says in sorted(runs, key=lambda says: says.place):
        closed += step(current, says)
    return told(*closed, *current.values())


# --- one run after the other ------------------------------------------------------------------------------------


def test_an_edge_opens_with_the_first_run_that_shows_it_and_stays() -> None:
    assert walk(run(1, A), run(2, A), run(3, A)) == {(A, 1, None, None, False, 1, None)}


def test_it_closes_with_the_first_later_run_that_completed_without_it() -> None:
    runs = run(1, A, OUT), run(2, OUT, closes=False), run(3, OUT), run(4, OUT)
    assert walk(*runs) == {(A, 1, 3, None, False, 1, 3), (OUT, 1, None, None, False, 1, None)}


def test_a_run_that_tells_only_of_control_flow_closes_no_data_edge_nor_the_other_way_round() -> None:
    assert walk(run(1, A, FIRST), run(2, FIRST), run(3, B)) == {
        (A, 1, 3, None, False, 1, 3),
        (FIRST, 1, None, None, False, 1, None),
        (B, 3, None, None, False, 3, None),
    }


def test_it_opens_again() -> None:
    runs = run(1, A), run(2, B), run(3, A)
    assert walk(*runs) == {
        (A, 1, 2, None, False, 1, 2),
        (B, 2, 3, None, False, 2, 3),
        (A, 3, None, None, False, 3, None),
    }


def test_a_run_that_names_no_dataset_says_nothing() -> None:
    assert walk(run(1, A), run(2)) == {(A, 1, None, None, False, 1, None)}


def test_other_sources_open_another_interval_and_silence_about_them_keeps() -> None:
    by = {n: (OUT, Shown(n, implied=False)) for n in (7, 8)}
    assert walk(run(1, by[7]), run(2, OUT), run(3, by[8]), run(4, by[8])) == {
        (OUT, 1, 3, 7, False, 1, 3),
        (OUT, 3, None, 8, False, 3, None),
    }
    assert walk(run(1, OUT), run(2, by[7])) == {
        (OUT, 1, 2, None, False, 1, 2),
        (OUT, 2, None, 7, False, 2, None),
    }


def test_an_implied_input_that_becomes_a_listed_one_opens_another_interval() -> None:
    implied = (A, Shown(None, implied=True))
    assert walk(run(1, implied), run(2, A)) == {
        (A, 1, 2, None, True, 1, 2),
        (A, 2, None, None, False, 2, None),
    }


def test_what_opened_and_closed_in_one_instant_was_never_valid() -> None:
    assert walk(run(5, A, number=1), run(5, B, number=2)) == {(B, 5, None, None, False, 2, None)}


@pytest.mark.parametrize(
    ("state", "incomplete", "declared", "closes", "shows"),
    [
        ("COMPLETE", False, False, True, True),
        ("COMPLETE", True, False, False, True),
        ("FAIL", False, False, False, True),
        ("RUNNING", False, False, False, True),
        ("COMPLETE", False, True, True, True),
        ("COMPLETE", True, True, False, False),
    ],
)
def test_what_a_run_shows(state: str, incomplete: bool, declared: bool, closes: bool, shows: bool) -> None:
    of = Run(1, b"k", 2, "r", declared=declared, state=state, incomplete=incomplete, first_event_at=9)
    says = showing(of, {A: RunUse(1, *A, implied=False, derivation_id=4)})
    assert says.place == (9, b"k")
    assert says.closes == (frozenset({True}) if closes else frozenset())
    assert says.edges == ({A: Shown(4, implied=False)} if shows else {})
    assert not showing(of, {}).closes


# --- any order of arrival ---------------------------------------------------------------------------------------


class Store:
    """The runs and intervals of one job, kept up to date as the projection does: at the end, or by a rewalk."""

    def __init__(self) -> None:
        self.runs: dict[int, Showing] = {}
        self.intervals: dict[tuple[EdgeKey, int], Interval] = {}
        self.timeline: Timeline | None = None
        self.late = 0

    def update(self, now: Showing, *, piece: int, cold: bool) -> None:
        before = self.runs.get(now.run_id)
        if cold or self.timeline is None:
            self.timeline = self._load()
        self.runs[now.run_id] = now
        try:
            changes = self.timeline.advance(before, now)
        except Late:
            self.late += 1
            self.timeline = None
            start, until = (
                min((before or now).place[0], now.place[0]),
                max((before or now).place[0], now.place[0]),
            )
            self._rewalk(start, until, piece)
        else:
            for interval in (*changes.opened, *changes.closed):
                self.intervals[interval.key, interval.valid_from] = replace(interval)

    def told(self) -> set[Told]:
        return told(*self.intervals.values())

    def _load(self) -> Timeline:
        """Read the timeline back: of the last places only the instants are known."""
        ends = [at for i in self.intervals.values() for at in (i.valid_from, i.valid_to) if at is not None]
        lasts = [showing.place[0] for showing in self.runs.values()]
        current = {i.key: replace(i) for i in self.intervals.values() if i.valid_to is None}
        return Timeline(current, self._place(lasts), self._place(ends))

    @staticmethod
    def _place(instants: list[int]) -> Place:
        return (max(instants), b"\xff" * 16) if instants else NOWHERE

    def _rewalk(self, start: int, until: int, piece: int) -> None:
        held = [replace(i) for i in self.intervals.values() if i.valid_to is None or i.valid_to >= start]
        changes = rewalk(held, self._line(start, piece), start, until)
        for interval in changes.gone:
            del self.intervals[interval.key, interval.valid_from]
        for interval in changes.put:
            self.intervals[interval.key, interval.valid_from] = interval

    def _line(self, start: int, piece: int) -> Iterator[list[Showing]]:
        line = sorted((s for s in self.runs.values() if s.place[0] >= start), key=lambda s: s.place)
        while line:
            size = piece
            while size < len(line) and line[size].place[0] == line[size - 1].place[0]:
                size += 1
            yield line[:size]
            line = line[size:]


@dataclass(frozen=True)
class Event:
    """What one event adds to what is known of a run."""

    run: int
    at: int
    edges: Mapping[EdgeKey, Shown]
    end: bool | None
    """Whether this event ends the run, and if so whether as one that closes edges. The latest end counts."""


KEYS = st.sampled_from([A, B, OUT, FIRST])
SHOWN = st.builds(Shown, st.sampled_from([None, 7, 8]), st.booleans())
EVENTS = st.builds(
    Event,
    st.integers(1, 5),
    st.integers(1, 6),
    st.dictionaries(KEYS, SHOWN, max_size=3),
    st.sampled_from([None, True, True, False]),
)


def said(events: list[Event]) -> Showing:
    """Fold the events of one run, as ``lineage.runs`` does: nothing that was shown goes away again."""
    edges: dict[EdgeKey, tuple[int, Shown]] = {}
    for event in events:
        for key, shown in event.edges.items():
            time, held = edges.get(key, (-1, Shown(None, implied=True)))
            derivation_id = held.derivation_id
            if shown.derivation_id is not None and (event.at, shown.derivation_id) > (
                time,
                derivation_id or 0,
            ):
                time, derivation_id = event.at, shown.derivation_id
            edges[key] = (time, Shown(derivation_id, held.implied and shown.implied))
    ends = [(event.at, not event.end) for event in events if event.end is not None]
    closes = bool(ends) and not max(ends)[1]
    number = events[0].run
    return Showing(
        (min(event.at for event in events), number.to_bytes(2, "big")),
        number,
        closing({key: shown for key, (_, shown) in edges.items()}, closes),
        {key: shown for key, (_, shown) in edges.items()},
    )


@settings(max_examples=400)
@given(st.lists(EVENTS, max_size=14), st.integers(1, 3), st.sets(st.integers(0, 13)))
@example([Event(1, 1, {A: PLAIN}, True), Event(2, 3, {B: PLAIN}, True), Event(2, 2, {}, None)], 1, set())
@example([Event(1, 1, {A: PLAIN}, None), Event(2, 2, {B: PLAIN}, True), Event(2, 2, {}, False)], 1, set())
def test_whatever_order_events_come_in_the_intervals_are_those_of_the_whole_walk(
    events: list[Event], piece: int, cold: set[int]
) -> None:
    store = Store()
    known: dict[int, list[Event]] = {}
    for number, event in enumerate(events):
        known.setdefault(event.run, []).append(event)
        store.update(said(known[event.run]), piece=piece, cold=number in cold)
        assert store.told() == walk(*store.runs.values())


def test_runs_that_come_in_order_are_never_walked_again() -> None:
    store = Store()
    for at in range(1, 50):
        edges = (A, OUT) if at % 7 else (B, OUT)
        store.update(run(at, closes=False), piece=1, cold=at % 5 == 0)
        store.update(run(at, *edges), piece=1, cold=False)
    assert store.late == 0
    assert store.told() == walk(*store.runs.values())


def test_late_runs_that_show_what_is_known_are_not_walked_again() -> None:
    store = Store()
    for at in (1, 9, 5, 3, 7):
        store.update(run(at, A, OUT), piece=1, cold=False)
    assert store.late == 0
    assert store.told() == {(A, 1, None, None, False, 1, None), (OUT, 1, None, None, False, 1, None)}


def test_a_walk_reads_no_further_than_it_must() -> None:
    store = Store()
    for at in range(1, 100):
        store.update(run(at, A, OUT), piece=1, cold=False)
    read: list[int] = []

    def line() -> Iterator[list[Showing]]:
        for says in sorted(store.runs.values(), key=lambda says: says.place):
            if says.place[0] >= 40:
                read.append(says.place[0])
                yield [says]

    # Run 40 closed nothing and closes something now; from 41 on all is as it was.
    store.runs[40] = run(40, OUT)
    changes = rewalk(list(store.intervals.values()), line(), 40, 40)
    assert told(*changes.put) == {(A, 1, 40, None, False, 1, 40), (A, 41, None, None, False, 41, None)}
    assert changes.gone == []
    assert read == [40, 41]


def test_an_old_run_that_comes_late_moves_the_beginning_and_reads_no_further() -> None:
    store = Store()
    for at in range(10, 100):
        store.update(run(at, *((A, OUT) if at < 90 else (OUT,))), piece=1, cold=False)
    store.runs[2] = run(2, A)
    read: list[int] = []

    def line() -> Iterator[list[Showing]]:
        for says in sorted(store.runs.values(), key=lambda says: says.place):
            read.append(says.place[0])
            yield [says]

    changes = rewalk(list(store.intervals.values()), line(), 2, 2)
    assert told(*changes.put) == {(A, 2, 90, None, False, 2, 90)}
    assert told(*changes.gone) == {(A, 10, 90, None, False, 10, 90)}
    assert read == [2, 10]
