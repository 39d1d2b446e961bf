"""When datasets are foretold to be there, and what is to blame if late."""

from __future__ import annotations

from statistics import fmean

import networkx as nx
import pytest

from tests.benchmarks.prediction import Intervals, measure, predicted
from tests.nights import MINUTE
from triggers.habits import Habit, PastRun, learn
from triggers.predict import CurrentRun, Estimate, Kind, Lag, predict

DAY = 1440 * MINUTE
CYCLE = 100 * DAY
GRAPH: nx.DiGraph[str] = nx.DiGraph(
    [("load", "raw"), ("raw", "clean"), ("clean", "orders"), ("orders", "report"), ("report", "mart")]
)
"""load at two for 30 minutes, clean 10 minutes later for 60, report 5 minutes later for 20: the mart at 04:05."""


def runs(start: float, duration: float, delay: float | None, number: int = 40) -> list[PastRun]:
    """Give runs that differ by some ± 10 %, and start within four minutes."""
    return [
        PastRun(
            (60 + day) * DAY,
            0,
            round((start + day % 5) * MINUTE),
            round(duration * (1 + (day * 7 % 11 - 5) / 50) * MINUTE),
            None if delay is None else round((delay + (day % 5 - 2) / 2) * MINUTE),
        )
        for day in range(number)
    ]


HISTORY = {"load": runs(120, 30, None), "clean": runs(160, 60, 10), "report": runs(225, 20, 5)}


def at(minute: float) -> int:
    return CYCLE + round(minute * MINUTE)


def ran(start: float, end: float | None = None) -> CurrentRun:
    return CurrentRun(at(start), None if end is None else at(end))


def foretell(
    now: float,
    history: dict[str, list[PastRun]] = HISTORY,
    graph: nx.DiGraph[str] = GRAPH,
    **started: CurrentRun,
) -> Estimate:
    jobs = {job: started.get(job) for job in ("load", "clean", "report")}
    estimate = predict(graph, "mart", jobs, learn(history, 0), CYCLE, at(now))
    assert estimate is not None
    return estimate


def minute(moment: int) -> float:
    return (moment - CYCLE) / MINUTE


def test_a_usual_night_arrives_at_the_usual_time() -> None:
    estimate = foretell(0)
    assert minute(estimate.at(0.5)) == pytest.approx(247, abs=3)
    low, high = estimate.interval()
    assert 225 < minute(low) < minute(estimate.at(0.5)) < minute(high) < 265
    assert estimate.path == ("load", "clean", "report")
    assert (estimate.lags, estimate.unforeseen, estimate.enough) == ((), (), True)
    assert estimate.miss(at(300)) is None


def test_a_source_that_started_40_minutes_late_is_named_long_before_the_deadline() -> None:
    estimate = foretell(180, load=ran(162))
    miss = estimate.miss(at(265))
    assert miss is not None
    assert miss.by / MINUTE == pytest.approx(22, abs=5)
    assert miss.chance > 0.9
    assert miss.cause is not None
    assert (miss.cause.job, miss.cause.kind) == ("load", Kind.STARTED_LATE)
    assert miss.cause.by / MINUTE == pytest.approx(40, abs=1)


def test_it_is_still_named_when_it_is_done() -> None:
    estimate = foretell(210, load=ran(162, 192), clean=ran(202))
    assert estimate.path == ("load", "clean", "report")
    assert estimate.lags[0].job == "load"
    assert {lag.job for lag in estimate.lags} == {"load"}, "the others waited for it, as they do"


def test_a_job_that_does_not_start_is_named() -> None:
    estimate = foretell(220, load=ran(120, 150))
    assert estimate.unforeseen == ("clean",)
    assert min(estimate.arrivals) > at(220 + 60)
    assert (estimate.lags[0].job, estimate.lags[0].kind) == ("clean", Kind.NOT_STARTED)
    assert estimate.lags[0].by / MINUTE == pytest.approx(60, abs=2)


def test_a_job_that_takes_longer_than_ever_is_named() -> None:
    estimate = foretell(250, load=ran(120, 150), clean=ran(160))
    assert estimate.unforeseen == ("clean",)
    assert [(lag.job, lag.kind) for lag in estimate.lags] == [("clean", Kind.SLOW)]
    assert estimate.lags[0].by > 30 * MINUTE
    assert min(estimate.arrivals) > at(250 + 20)


def test_a_job_that_took_long_and_is_done_is_named() -> None:
    estimate = foretell(280, load=ran(120, 150), clean=ran(160, 270), report=ran(275))
    assert [(lag.job, lag.kind, round(lag.by / MINUTE)) for lag in estimate.lags] == [
        ("clean", Kind.SLOW, 50)
    ]


def test_a_running_job_is_foretold_from_how_long_it_has_run() -> None:
    early, later = (foretell(now, load=ran(120, 150), clean=ran(160)) for now in (161, 222))
    assert early.at(0.05) < later.at(0.05)
    assert min(later.arrivals) > at(222)
    assert later.unforeseen == ()


def test_what_is_there_is_there() -> None:
    done = foretell(300, load=ran(120, 150), clean=ran(160, 220), report=ran(225, 245))
    assert done.arrivals == (at(245),)
    assert done.path == ("load", "clean", "report")
    assert done.interval() == (at(245), at(245))


def test_the_longer_of_two_ways_is_the_path() -> None:
    two: nx.DiGraph[str] = nx.DiGraph(
        [("load", "a"), ("clean", "b"), ("a", "report"), ("b", "report"), ("report", "mart")]
    )
    history = HISTORY | {"clean": runs(120, 60, None)}
    assert foretell(0, history, two).path == ("clean", "report")
    assert foretell(200, history, two, clean=ran(120, 180), load=ran(190)).path == ("load", "report")


def test_a_job_by_the_clock_waits_for_late_inputs_without_being_blamed() -> None:
    history = HISTORY | {
        "report": [
            PastRun(run.cycle, 0, 300 * MINUTE, 20 * MINUTE, (60 + run.cycle // DAY % 9) * MINUTE)
            for run in HISTORY["report"]
        ]
    }
    usual = foretell(0, history)
    assert minute(usual.at(0.5)) == 320
    assert usual.path == ("report",)
    late = foretell(290, history, load=ran(260))
    assert minute(late.at(0.5)) == pytest.approx(380, abs=5)
    assert late.path == ("load", "clean", "report")
    assert [lag.job for lag in late.lags] == ["load"]


def test_too_little_history_is_said() -> None:
    few = foretell(0, {job: past[:5] for job, past in HISTORY.items()})
    assert (few.runs, few.enough, few.unknown) == (5, False, ())
    none = foretell(0, {job: past for job, past in HISTORY.items() if job != "clean"})
    assert (none.runs, none.enough, none.unknown) == (0, False, ("clean",))
    assert minute(none.at(0.5)) == pytest.approx(177, abs=3), "at the earliest"
    nothing = foretell(200, {}, load=ran(120))
    assert nothing.arrivals == (at(200),)
    assert nothing.unknown == ("clean", "load", "report")


def test_few_runs_of_a_job_that_is_done_do_no_harm() -> None:
    history = HISTORY | {"load": HISTORY["load"][:2]}
    assert foretell(155, history, load=ran(120, 150)).enough


def test_nothing_is_foretold_of_what_no_job_makes() -> None:
    habits = dict[str, Habit]()
    assert predict(GRAPH, "raw", {}, habits, CYCLE, CYCLE) is None
    assert predict(GRAPH, "elsewhere", {"load": None}, habits, CYCLE, CYCLE) is None


def test_a_circle_does_not_hang() -> None:
    circle: nx.DiGraph[str] = nx.DiGraph(
        [*GRAPH.edges, ("mart", "clean"), ("orders", "clean"), ("orders", "load")]
    )
    assert foretell(0, graph=circle).path[-1] == "report"


def test_the_same_is_foretold_whatever_the_order() -> None:
    turned: nx.DiGraph[str] = nx.DiGraph(list(reversed(list(GRAPH.edges))))
    history = {job: past[::-1] for job, past in reversed(HISTORY.items())}
    assert foretell(130, history, turned, load=ran(125)) == foretell(130, load=ran(125))


def test_a_lag_is_what_exceeds_the_usual() -> None:
    assert foretell(130, load=ran(122)).lags == ()
    assert foretell(130, load=ran(126)).lags == (Lag("load", Kind.STARTED_LATE, 4 * MINUTE),)


def test_nine_of_ten_intervals_hold_on_made_up_nights() -> None:
    early, late = Intervals(), Intervals()
    for night, before, habits in predicted(120, seed=5):
        measure(night, before, habits, 120, early)
        measure(night, before, habits, 300, late)
    held = early.held + late.held
    assert 0.85 <= fmean(held) <= 0.95
    assert fmean(late.widths) < fmean(early.widths)
    assert fmean(early.errors) < 0.8 * fmean(early.naive)
