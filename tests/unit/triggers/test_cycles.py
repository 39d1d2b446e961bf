"""Which runs are taken for those from which a dataset was made, and which for those that are under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time

import networkx as nx
import pytest

from triggers.cycles import Cycle, Recalled, RunSeen, cycles_to, recall
from triggers.errors import RuleError
from triggers.model import Due, EarlyWarning, Expectation, MaxAge, Selector
from triggers.predict import CurrentRun

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MIDNIGHT = 1_780_272_000_000_000
"""2026-06-01T00:00:00Z, a Monday; the current cycle is that of this day."""

GRAPH: nx.DiGraph[str] = nx.DiGraph([("load", "raw"), ("raw", "build"), ("build", "mart")])


def by_seven(accept: int | None = None) -> tuple[Expectation, Due]:
    due = Due(at=time(7), accept=accept)
    return Expectation(id="mart", selector=Selector(name="mart"), condition=due), due


def cycles(number: int = 30) -> list[Cycle]:
    return cycles_to(*by_seven(), MIDNIGHT + 7 * HOUR, number)


def run(start: float, end: float | None = None, state: str | None = None, day: int = 0) -> RunSeen:
    """Give a run by the hours of a day, 0 being the current one."""
    since = MIDNIGHT + day * DAY
    ended = None if end is None else since + round(end * HOUR)
    return RunSeen(since + round(start * HOUR), ended, state or ("RUNNING" if end is None else "COMPLETE"))


def past(start: float, end: float, days: int = 30) -> list[RunSeen]:
    return [run(start, end, day=-day) for day in range(1, days + 1)]


def recalled(graph: nx.DiGraph[str] = GRAPH, **runs: Sequence[RunSeen]) -> Recalled:
    usual: Mapping[str, Sequence[RunSeen]] = {"load": past(2, 3), "build": past(4, 5)}
    return recall(graph, "mart", {**usual, **runs}, cycles(), "UTC")


def test_a_cycle_begins_between_two_releases_or_as_early_as_data_is_accepted() -> None:
    expectation, due = by_seven()
    before, current = cycles_to(expectation, due, MIDNIGHT + 7 * HOUR, 1)
    assert (before.release, current.release) == (MIDNIGHT - 17 * HOUR, MIDNIGHT + 7 * HOUR)
    assert (current.begins, current.accepts, current.season) == (MIDNIGHT - 5 * HOUR, MIDNIGHT - 5 * HOUR, 0)
    *_, current = cycles_to(*by_seven(accept=HOUR), MIDNIGHT + 7 * HOUR)
    assert (current.begins, current.accepts) == (MIDNIGHT - 5 * HOUR, MIDNIGHT + 6 * HOUR)
    *_, current = cycles_to(*by_seven(accept=20 * HOUR), MIDNIGHT + 7 * HOUR)
    assert (current.begins, current.accepts) == (MIDNIGHT - 13 * HOUR, MIDNIGHT - 13 * HOUR)


def test_what_came_too_late_yesterday_is_not_taken_for_what_comes_today() -> None:
    late = [*past(2, 3)[1:], run(8, 9, day=-1)]
    assert recalled(load=late).jobs == {"build": None, "load": None}


@pytest.mark.parametrize(
    ("tonight", "counts"),
    [
        ([run(2.5)], CurrentRun(MIDNIGHT + round(2.5 * HOUR))),
        ([run(2, 2.5)], CurrentRun(MIDNIGHT + 2 * HOUR, MIDNIGHT + round(2.5 * HOUR))),
        ([run(2, 2.5, "FAIL")], None),
        ([run(2, 2.5, "FAIL"), run(3)], CurrentRun(MIDNIGHT + 3 * HOUR)),
        ([run(2, day=-1)], None),  # never ended, and will not any more
        ([run(2.5, state="OTHER")], None),
    ],
    ids=["at work", "done", "failed", "repeated", "lost", "not begun"],
)
def test_the_run_that_counts_tonight(tonight: list[RunSeen], counts: CurrentRun | None) -> None:
    found = recalled(load=[*past(2, 3), *tonight])
    assert found.jobs["load"] == counts
    failed = {"load": MIDNIGHT + round(2.5 * HOUR)} if tonight == [run(2, 2.5, "FAIL")] else {}
    assert found.failed == failed


def test_a_run_that_ended_without_bringing_the_dataset_is_not_the_one() -> None:
    assert recalled(build=[*past(4, 5), run(4, 4.5)]).jobs["build"] is None


def test_of_many_runs_the_one_counts_that_the_next_job_could_read() -> None:
    hourly = [run(hour, hour + 0.5, day=-day) for day in range(1, 31) for hour in (1, 2, 3, 4, 5, 6)]
    found = recalled(load=hourly)
    (delay,) = {round(each / MINUTE) for each in found.habits["build"].delays or ()}
    assert delay == 30  # from half past three to four
    assert {round((found.begins + each - MIDNIGHT) / HOUR) for each in found.habits["load"].starts} == {3}


@pytest.mark.parametrize(
    ("runs", "belongs"),
    [
        ([run(1, 2, day=-day) for day in range(1, 31, 7)], False),
        ([run(1, 2, day=-day) for day in range(1, 31, 2)], True),
        ([run(1, 2, day=-day) for day in range(1, 31) if day % 7], False),  # never on a Monday
        ([run(hour, hour + 0.1, day=-day) for day in range(1, 31) for hour in range(10)], False),
        (past(1, 2, days=3), True),  # new, and every night since
        ([run(1)], True),
        ([run(1, day=-1)], False),
        ([], False),
    ],
    ids=["weekly", "every other", "other days", "all the time", "new", "first", "lost", "never"],
)
def test_which_jobs_take_time(runs: list[RunSeen], belongs: bool) -> None:
    assert ("load" in recalled(load=runs).jobs) == belongs


def test_only_what_is_due_can_be_foretold() -> None:
    with pytest.raises(RuleError, match="foretold"):
        Expectation(
            id="e", selector=Selector(name="a"), condition=MaxAge(HOUR), warning=EarlyWarning(30 * MINUTE)
        )
