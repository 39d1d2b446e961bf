"""What may be the cause that a dataset is bad."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import pytest

from lineage.causes import (
    Cause,
    Check,
    DatasetState,
    Fault,
    History,
    LastRun,
    State,
    behind,
    causes,
    explanation,
    usual,
)
from lineage.spelling import spelled_duration
from lineage.topology import digraph
from lineage.traverse import Link, Node

MINUTE = 60_000_000
NOON = 1_795_348_800_000_000
"""2026-11-22T12:00:00Z."""

CHAIN = ("raw", "LOAD", "orders", "REPORT", "sales")


def upstream(*chains: tuple[str, ...]) -> nx.DiGraph[str]:
    """Make the graph upstream of ``sales`` from chains of datasets and, in capitals, jobs."""
    links = [
        Link(_id(one), _id(other), "data", ())
        for chain in chains or (CHAIN,)
        for one, other in pairwise(chain)
    ]
    names = {name for chain in chains or (CHAIN,) for name in chain}
    bare: nx.DiGraph[str] = nx.DiGraph((link.source, link.target) for link in links)
    depths = nx.single_target_shortest_path_length(bare, _id("sales"))
    return digraph(
        [Node("job" if name.isupper() else "dataset", "ns", name, dict(depths)[_id(name)]) for name in names],
        links,
    )


def _id(name: str) -> str:
    return f"{'job' if name.isupper() else 'dataset'}:ns:{name}"


def done(minutes: int, took: int = 1, state: str = "COMPLETE", error: str | None = None) -> LastRun:
    """Make a run that began some minutes before noon."""
    start = NOON - minutes * MINUTE
    return LastRun(state, start, start + took * MINUTE, error)


def updated(minutes: int, **more: object) -> DatasetState:
    """Make a dataset that was updated some minutes before noon."""
    return DatasetState(NOON - minutes * MINUTE, **more)  # type: ignore[arg-type]  # names and types of its fields


GOOD_JOBS = {"LOAD": done(50), "REPORT": done(40)}
GOOD_DATASETS = {"raw": updated(60), "orders": updated(49), "sales": updated(39)}


def found(
    jobs: dict[str, LastRun] | None = None,
    datasets: dict[str, DatasetState] | None = None,
    histories: dict[str, History] | None = None,
    graph: nx.DiGraph[str] | None = None,
) -> tuple[list[Cause], str]:
    """Look for causes where all is well but for what is given."""
    state = State(
        {_id(name): run for name, run in (GOOD_JOBS | (jobs or {})).items()},
        {_id(name): known for name, known in (GOOD_DATASETS | (datasets or {})).items()},
        {_id(name): history for name, history in (histories or {}).items()},
        NOON,
    )
    causes_found = causes(graph or upstream(), _id("sales"), state)
    return causes_found, explanation(causes_found, state)


def test_where_all_is_well_nothing_explains_it() -> None:
    assert found() == (
        [],
        (
            "Nothing upstream explains it: of 2 jobs no newest run failed, none takes longer than usual "
            "or has left an update unread, and of 3 datasets none fails a check."
        ),
    )


def test_a_failed_run_explains_it_with_the_way_and_the_error() -> None:
    (cause,), words = found({"LOAD": done(20, state="FAIL", error="boom: no such table\nTraceback")})
    assert (cause.fault, cause.node, cause.depth) == (Fault.FAILED, "job:ns:LOAD", 3)
    assert cause.path == ["job:ns:LOAD", "dataset:ns:orders", "job:ns:REPORT", "dataset:ns:sales"]
    assert cause.why == "The newest run of LOAD failed at 2026-11-22T11:41:00Z: boom: no such table."
    assert words == f"First in line: {cause.why}"


def test_an_aborted_run_is_told_apart() -> None:
    (cause,), _ = found({"LOAD": done(20, state="ABORT")})
    assert (cause.fault, cause.why) == (
        Fault.ABORTED,
        "The newest run of LOAD was aborted at 2026-11-22T11:41:00Z.",
    )


def test_a_run_is_overdue_beyond_what_95_of_100_take() -> None:
    running = {"LOAD": LastRun("RUNNING", NOON - 20 * MINUTE, None)}
    (cause,), _ = found(running, histories={"LOAD": History([5 * MINUTE] * 19 + [19 * MINUTE])})
    assert cause.fault is Fault.OVERDUE
    assert cause.at == NOON - 15 * MINUTE
    assert cause.why == (
        "LOAD is running since 2026-11-22T11:40:00Z, for 20 minutes; "
        "95 of 100 of its runs take no longer than 5 minutes."
    )
    assert found(running, histories={"LOAD": History([25 * MINUTE] * 3)})[0] == []
    (cause,), _ = found(running, histories={"LOAD": History([5 * MINUTE] * 2)})
    assert cause.fault is Fault.RUNNING


def test_a_job_without_end_is_never_late() -> None:
    stream = LastRun("RUNNING", NOON - 9999 * MINUTE, None, None, "STREAMING")
    assert found({"LOAD": stream}, histories={"LOAD": History([MINUTE] * 5)})[0] == []


def test_a_job_has_not_run_since_what_it_reads_was_updated() -> None:
    (cause,), _ = found(datasets={"raw": updated(30)})
    assert (cause.fault, cause.node, cause.about) == (Fault.NOT_RUN, "job:ns:LOAD", ("dataset:ns:raw",))
    assert cause.why == (
        "LOAD has not run since raw was updated at 2026-11-22T11:30:00Z; its newest run began at 2026-11-22T11:10:00Z."
    )
    # It pauses that long now and then, so it is not due yet.
    assert (
        found(datasets={"raw": updated(30)}, histories={"LOAD": History(pauses=[40 * MINUTE] * 3)})[0] == []
    )
    assert (
        found(datasets={"raw": updated(30)}, histories={"LOAD": History(pauses=[20 * MINUTE] * 3)})[0] != []
    )


def test_what_waits_longest_is_what_a_job_is_behind_with() -> None:
    graph = upstream(("raw", "LOAD", "orders", "REPORT", "sales"), ("rates", "LOAD"))
    jobs = {_id("LOAD"): done(50)}
    datasets = {_id("raw"): updated(10), _id("rates"): updated(30), _id("orders"): updated(1)}
    assert behind(graph, jobs, datasets) == {"job:ns:LOAD": "dataset:ns:rates"}


def test_a_run_that_ended_without_new_data_explains_it() -> None:
    (cause,), _ = found(datasets={"orders": updated(200)})
    assert (cause.fault, cause.about) == (Fault.NOT_WRITTEN, ("dataset:ns:orders",))
    assert cause.why == (
        "The newest run of LOAD completed at 2026-11-22T11:11:00Z without new data for orders; "
        "that was last updated at 2026-11-22T08:40:00Z."
    )
    (cause,), _ = found(datasets={"orders": DatasetState()})
    assert cause.why.endswith("without new data for orders.")


def test_a_failed_check_a_drop_and_an_empty_update_explain_it() -> None:
    checks = [
        Check("unique", NOON, "warn"),
        Check("not_null", NOON - MINUTE),
        Check("a", NOON),
        Check("b", NOON),
    ]
    (cause,), _ = found(datasets={"orders": updated(49, failed_checks=checks)})
    assert cause.fault is Fault.CHECK_FAILED
    assert (
        cause.why == "Checks on orders failed at 2026-11-22T11:59:00Z: unique (warn), not_null, a and 1 more."
    )
    (cause,), _ = found(datasets={"raw": updated(60, dropped_at=NOON)})
    assert cause.why == "raw was dropped at 2026-11-22T12:00:00Z."
    (cause,), _ = found(datasets={"raw": updated(60, rows=0)})
    assert cause.why == "raw was updated at 2026-11-22T11:00:00Z with no rows."


def test_the_furthest_upstream_comes_first_and_consequences_and_what_may_be_well_last() -> None:
    graph = upstream(CHAIN, ("RATES", "rates", "REPORT"))
    ranked, words = found(
        {"LOAD": done(20, state="FAIL"), "REPORT": done(10, state="FAIL"), "RATES": done(5, state="FAIL")},
        {"raw": updated(60, rows=0), "rates": updated(4)},
        graph=graph,
    )
    assert [(cause.node, cause.follows) for cause in ranked] == [
        ("job:ns:LOAD", ()),
        ("job:ns:RATES", ()),
        ("job:ns:REPORT", ("job:ns:LOAD", "job:ns:RATES")),
        ("dataset:ns:raw", ()),
    ]
    assert words.endswith("Something is wrong with 3 more nodes, too.")


def test_what_waits_may_follow_from_anything_and_a_failure_only_from_one_like_it() -> None:
    ranked, _ = found({"REPORT": done(10, state="FAIL")}, {"raw": updated(30)})
    assert [(cause.fault, cause.follows) for cause in ranked] == [(Fault.NOT_RUN, ()), (Fault.FAILED, ())]
    ranked, _ = found({"LOAD": done(20, state="FAIL")}, {"orders": updated(30)})
    assert [(cause.fault, cause.follows) for cause in ranked] == [
        (Fault.FAILED, ()),
        (Fault.NOT_RUN, ("job:ns:LOAD",)),
    ]


def test_a_cycle_upstream_is_no_hindrance() -> None:
    graph = upstream(CHAIN, ("orders", "LOOP", "raw"))
    ranked, _ = found({"LOAD": done(20, state="FAIL"), "LOOP": done(20, state="FAIL")}, graph=graph)
    assert {cause.node for cause in ranked} == {"job:ns:LOAD", "job:ns:LOOP"}


def test_runs_that_nobody_knows_of_are_counted() -> None:
    assert found({"LOAD": LastRun(None, None, None)})[1].endswith("Of 1 of the jobs no run is known.")


@pytest.mark.parametrize(
    ("values", "expected"), [([], 7), ([1, 2], 7), ([3, 1, 2], 3), (list(range(1, 101)), 95)]
)
def test_what_is_usual_is_the_95th_of_100(values: list[int], expected: int) -> None:
    assert usual(values, 7) == expected


def test_histories_take_completed_runs_and_all_pauses() -> None:
    runs = [("COMPLETE", 100, 150), ("FAIL", 20, 25), ("COMPLETE", 60, None), ("COMPLETE", 10, 5)]
    assert History.of(runs) == History([50, 0], [10, 40, 40])


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (999_999, "less than a second"),
        (1_000_000, "1 second"),
        (90 * 1_000_000, "1 minute 30 seconds"),
        (3_600_000_000 * 49, "2 days 1 hour"),
        (86_400_000_000 + 5_000_000, "1 day"),
    ],
)
def test_durations_are_told_in_two_units(duration: int, words: str) -> None:
    assert spelled_duration(duration) == words
