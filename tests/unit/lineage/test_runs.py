"""The state of a run: a fold that does not care about order or duplicates, and what it says about freshness."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.model import DatasetUse, Direction, Kind, Observation, RunRef
from lineage.runs import SKEW, Lifecycle, Run, RunUse, Update, absorb, absorb_use, updates
from tests.events import HOUR, MINUTE, NOON, job_ref, ref

LATER = NOON + 10 * HOUR
"""When the events are received, unless they say otherwise: long after they happened."""


def seen(
    event_type: str | None,
    minute: int = 0,
    *,
    received_at: int = LATER,
    kind: Kind = Kind.RUN,
    processing_type: str | None = None,
    incomplete: bool = False,
    declares_lineage: bool = True,
    run_id: str = "r",
) -> Observation:
    return Observation(
        kind,
        NOON + minute * MINUTE,
        received_at,
        job_ref("load"),
        event_type=event_type,
        run_id=run_id,
        processing_type=processing_type,
        incomplete=incomplete,
        declares_lineage=declares_lineage,
    )


def fold(*observations: Observation) -> Run:
    run = Run(1, b"k" * 16, 2, "r", declared=bool(observations) and observations[0].kind is not Kind.RUN)
    for observation in observations:
        absorb(run, observation)
    return run


def minutes(*instants: int | None) -> list[int | None]:
    return [None if at is None else (at - NOON) // MINUTE for at in instants]


# --- state and times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "state", "started", "ended"),
    [
        ([("START", 1)], "RUNNING", 1, None),
        ([("START", 1), ("COMPLETE", 2)], "COMPLETE", 1, 2),
        ([("COMPLETE", 2), ("START", 1)], "COMPLETE", 1, 2),
        ([("COMPLETE", 2), ("START", 3)], "COMPLETE", 3, 2),
        ([("COMPLETE", 2)], "COMPLETE", None, 2),
        ([("RUNNING", 1)], "RUNNING", None, None),
        ([("OTHER", 1)], "OTHER", None, None),
        ([("PAUSED", 1)], "OTHER", None, None),
        ([(None, 1)], "OTHER", None, None),
        ([("OTHER", 1), ("START", 2)], "RUNNING", 2, None),
        ([("COMPLETE", 1), ("RUNNING", 2), ("OTHER", 3)], "COMPLETE", None, 1),
        ([("START", 5), ("START", 3), ("START", 4)], "RUNNING", 3, None),
        ([("COMPLETE", 1), ("FAIL", 2)], "FAIL", None, 2),
        ([("FAIL", 1), ("COMPLETE", 2)], "COMPLETE", None, 2),
        ([("FAIL", 2), ("COMPLETE", 1)], "FAIL", None, 2),
        ([("COMPLETE", 1), ("ABORT", 1)], "ABORT", None, 1),
        ([("ABORT", 1), ("FAIL", 1)], "FAIL", None, 1),
        ([("FAIL", 1), ("COMPLETE", 1)], "FAIL", None, 1),
        ([("COMPLETE", 1), ("COMPLETE", 3), ("COMPLETE", 2)], "COMPLETE", None, 3),
        ([("START", 1), ("ABORT", 1)], "ABORT", 1, 1),
    ],
)
def test_state(
    events: list[tuple[str | None, int]], state: str, started: int | None, ended: int | None
) -> None:
    for order in (events, events[::-1], events * 2):
        run = fold(*(seen(event_type, minute) for event_type, minute in order))
        assert (run.state, *minutes(run.started_at, run.ended_at)) == (state, started, ended)
        at = [minute for _, minute in events]
        assert minutes(run.first_event_at, run.last_event_at) == [min(at), max(at)]


def test_a_run_is_new_until_it_is_seen() -> None:
    assert fold().state is None


def test_of_two_ends_that_say_the_same_the_first_received_counts() -> None:
    for order in ([1, 2], [2, 1]):
        run = fold(*(seen("COMPLETE", received_at=LATER + n) for n in order))
        assert run.ended_received_at == LATER + 1
        run = fold(*(seen("RUNNING", received_at=LATER + n) for n in order))
        assert run.running_received_at == LATER + 1


def test_one_spelling_of_the_run_id_is_kept() -> None:
    for order in (["r", "R"], ["R", "r"]):
        assert fold(*(seen("START", run_id=run_id) for run_id in order)).run_id == "R"


def test_declarations_are_complete_at_their_time() -> None:
    for kind in (Kind.JOB, Kind.DATASET):
        run = fold(seen(None, 1, kind=kind))
        assert (run.state, *minutes(run.ended_at)) == ("COMPLETE", 1)
        assert run.closes_edges
        assert not fold(seen(None, 1, kind=kind, declares_lineage=False)).closes_edges


def test_only_a_run_that_completed_and_saw_everything_closes_edges() -> None:
    assert fold(seen("COMPLETE")).closes_edges
    assert not fold(seen("START")).closes_edges
    assert not fold(seen("FAIL")).closes_edges
    assert not fold(seen("COMPLETE", incomplete=True)).closes_edges
    assert not fold(seen("START", incomplete=True), seen("COMPLETE")).closes_edges


# --- facets by newest event time --------------------------------------------------------------------------------


def test_the_newest_of_each_facet_counts_and_absent_ones_keep() -> None:
    early, late, silent = seen("START", 1), seen("RUNNING", 2), seen("COMPLETE", 3)
    early.error, early.processing_type = "early", "BATCH"
    late.error, late.processing_type = "late", "STREAMING"
    early.nominal_start, early.nominal_end = NOON, NOON + HOUR
    late.nominal_start, late.nominal_end = NOON + HOUR, None
    early.parent, early.root = RunRef("p1", job_ref("dag")), RunRef("r1", None)
    late.parent = RunRef("p2", None)
    for order in ([early, late, silent], [late, silent, early]):
        run = fold(*order)
        assert (run.error, run.processing_type) == ("late", "STREAMING")
        assert (run.nominal_start_at, run.nominal_end_at) == (NOON + HOUR, None)
        assert (run.parent_run_id, run.parent_job_id, run.root_run_id) == ("p2", None, None)


def test_a_root_goes_with_its_parent() -> None:
    observation = seen("START")
    observation.parent, observation.root = RunRef("p", job_ref("dag")), RunRef("r", job_ref("top"))
    run = fold(observation)
    assert (run.parent_run_id, run.parent_job_id) == ("p", job_ref("dag").id)
    assert (run.root_run_id, run.root_job_id) == ("r", job_ref("top").id)


TIMES = st.sampled_from([-1, 0, 1, 2])
"""Around the epoch, where a zero could be taken for nothing."""

SMALL = st.none() | st.integers(-1, 1)
REFS = st.none() | st.builds(
    RunRef, st.sampled_from(["p", "P", "q"]), st.none() | st.builds(job_ref, st.sampled_from("ab"))
)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    return Observation(
        Kind.RUN,
        draw(TIMES),
        draw(TIMES),
        job_ref("load"),
        event_type=draw(st.sampled_from(["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER", None])),
        run_id=draw(st.sampled_from("rR")),
        parent=draw(REFS),
        root=draw(REFS),
        nominal_start=draw(SMALL),
        nominal_end=draw(SMALL),
        error=draw(st.none() | st.sampled_from("ab")),
        processing_type=draw(st.none() | st.sampled_from(["BATCH", "STREAMING"])),
        incomplete=draw(st.booleans()),
    )


@given(st.lists(observations(), max_size=6), st.data())
def test_any_order_and_number_of_the_same_events_is_the_same_run(
    events: list[Observation], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(events + events[:2]))
    assert fold(*again) == fold(*events)


USES = st.builds(
    DatasetUse,
    st.just(ref("x")),
    st.just(Direction.OUTPUT),
    rows=SMALL,
    bytes=SMALL,
    files=SMALL,
    version=st.none() | st.sampled_from("ab"),
    partition=st.none() | st.sampled_from("ab"),
    lifecycle=st.none() | st.sampled_from(["DROP", "CREATE", "TRUNCATE", "?"]),
    artificial=st.booleans(),
    implied=st.booleans(),
)


def fold_uses(uses: Sequence[tuple[DatasetUse, int | None, int]]) -> RunUse:
    held = RunUse(1, 2, int(Direction.OUTPUT))
    for use, derivation_id, time in uses:
        absorb_use(held, use, derivation_id, time)
    return held


@given(st.lists(st.tuples(USES, SMALL, TIMES), max_size=5), st.data())
def test_any_order_and_number_of_the_same_uses_is_the_same(
    uses: list[tuple[DatasetUse, int | None, int]], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(uses + uses[:2]))
    assert fold_uses(again) == fold_uses(uses)


def test_counters_are_the_largest_seen() -> None:
    out = Direction.OUTPUT
    use = fold_uses(
        [(DatasetUse(ref("x"), out, rows=5), None, 2), (DatasetUse(ref("x"), out, rows=3), None, 3)]
    )
    assert (use.rows, use.bytes) == (5, None)


def test_a_dataset_is_implied_until_an_event_lists_it() -> None:
    listed, implied = (DatasetUse(ref("x"), Direction.INPUT, implied=implied) for implied in (False, True))
    assert fold_uses([(implied, None, 1)]).implied
    assert not fold_uses([(implied, None, 1), (listed, None, 2), (implied, None, 3)]).implied


# --- what refreshes a dataset -----------------------------------------------------------------------------------


def refreshed(run: Run, *uses: DatasetUse) -> list[Update]:
    held = []
    for number, use in enumerate(uses or (DatasetUse(ref("x"), Direction.OUTPUT),)):
        kept = RunUse(1, number, int(use.direction))
        absorb_use(kept, use, None, NOON)
        held.append(kept)
    return list(updates(run, held))


def test_a_complete_run_refreshes_its_outputs() -> None:
    run = fold(seen("START", 1), seen("COMPLETE", 2))
    run.nominal_start_at = NOON - HOUR
    out = DatasetUse(ref("x"), Direction.OUTPUT, rows=0, version="v", partition="dt=1")
    use = refreshed(run, DatasetUse(ref("y"), Direction.INPUT), out)
    assert use == [Update(1, NOON + 2 * MINUTE, 1, LATER, NOON - HOUR, "dt=1", "v", 0, "run")]


@pytest.mark.parametrize(
    "events", [["START"], ["RUNNING"], ["OTHER"], ["FAIL"], ["ABORT"], ["START", "FAIL"]]
)
def test_what_did_not_complete_refreshes_nothing(events: list[str]) -> None:
    assert refreshed(fold(*map(seen, events))) == []


@pytest.mark.parametrize("processing_type", ["STREAMING", "SERVICE"])
def test_a_run_without_expected_end_refreshes_while_it_runs(processing_type: str) -> None:
    def kinds(*events: tuple[str, int]) -> list[tuple[int | None, str]]:
        run = fold(*(seen(*event, processing_type=processing_type) for event in events))
        return [(minutes(update.event_time)[0], update.kind) for update in refreshed(run)]

    assert kinds(("START", 1)) == []
    assert kinds(("START", 1), ("RUNNING", 3), ("RUNNING", 2)) == [(3, "stream")]
    assert kinds(("RUNNING", 2), ("COMPLETE", 3)) == [(3, "run")]
    assert kinds(("RUNNING", 4), ("COMPLETE", 3)) == [(4, "stream")]
    assert kinds(("RUNNING", 2), ("FAIL", 3)) == [(2, "stream")]
    assert kinds(("FAIL", 3)) == []


@pytest.mark.parametrize(
    ("lifecycles", "refreshes"),
    [
        (["DROP"], False),
        (["ALTER"], False),
        (["RENAME"], False),
        (["CREATE"], True),
        (["OVERWRITE"], True),
        (["TRUNCATE"], True),
        (["ALTER", "OVERWRITE"], True),
        ([None, "ALTER"], False),
        (["NEW_WORD"], True),
    ],
)
def test_lifecycle_changes_that_bring_no_data(lifecycles: list[str | None], refreshes: bool) -> None:
    use = fold_uses(
        [(DatasetUse(ref("x"), Direction.OUTPUT, lifecycle=word), None, 1) for word in lifecycles]
    )
    assert bool(list(updates(fold(seen("COMPLETE")), [use]))) is refreshes


def test_artificial_datasets_are_never_refreshed() -> None:
    assert refreshed(fold(seen("COMPLETE")), DatasetUse(ref("x"), Direction.OUTPUT, artificial=True)) == []


def test_a_declaration_refreshes_only_with_a_change_of_data() -> None:
    run = fold(seen(None, kind=Kind.DATASET))
    out = Direction.OUTPUT
    assert refreshed(run, DatasetUse(ref("x"), out)) == []
    assert [u.kind for u in refreshed(run, DatasetUse(ref("x"), out, version="v"))] == ["declared"]
    assert [u.kind for u in refreshed(run, DatasetUse(ref("x"), out, lifecycle="CREATE"))] == ["declared"]
    assert refreshed(run, DatasetUse(ref("x"), out, lifecycle="DROP", version="v")) == []


@pytest.mark.parametrize(("ahead", "clamped"), [(0, False), (SKEW, False), (SKEW + 1, True)])
def test_a_clock_that_is_ahead_is_clamped_to_the_time_of_receipt(ahead: int, clamped: bool) -> None:
    (update,) = refreshed(fold(seen("COMPLETE", received_at=NOON - ahead)))
    assert update.event_time == (NOON - ahead if clamped else NOON)
    assert update.received_at == NOON - ahead


def test_lifecycles_are_a_set() -> None:
    uses = [(DatasetUse(ref("x"), Direction.OUTPUT, lifecycle=word), None, 1) for word in ("DROP", "CREATE")]
    assert fold_uses(uses).lifecycle == Lifecycle.DATA | Lifecycle.NO_DATA
