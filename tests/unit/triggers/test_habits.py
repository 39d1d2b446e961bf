"""What is learnt from past runs, and how scenarios are read."""

from __future__ import annotations

import random
from statistics import median

import pytest

from triggers.habits import Habit, PastRun, beyond, learn, quantile, share_above, usual

MINUTE = 60_000_000
DAY = 1440 * MINUTE


def past(durations: list[float], delay: float | None = 5, start: float = 120) -> list[PastRun]:
    """Give runs of as many days, a week of seven seasons; minutes."""
    wait = None if delay is None else round(delay * MINUTE)
    return [
        PastRun(day * DAY, day % 7, round(start * MINUTE), round(length * MINUTE), wait)
        for day, length in enumerate(durations)
    ]


def habit(runs: list[PastRun], season: int = 0) -> Habit:
    return learn({"job": runs}, season)["job"]


def test_a_job_that_always_does_the_same_will() -> None:
    found = habit(past([30] * 20))
    assert found.runs == 20
    assert set(found.durations) == {30 * MINUTE}
    assert set(found.starts) == {120 * MINUTE}


def test_a_single_run_is_one_scenario_and_none_is_no_habit() -> None:
    assert habit(past([30])) == Habit(1, [120 * MINUTE], [30 * MINUTE], [5 * MINUTE])
    assert learn({"job": []}, 0) == {}


def test_weekdays_differ() -> None:
    runs = past([60 if day % 7 == 0 else 30 for day in range(56)])
    assert usual(habit(runs, 0).durations) > 50 * MINUTE
    assert usual(habit(runs, 3).durations) == pytest.approx(30 * MINUTE, rel=0.02)
    assert usual(habit(runs, 99).durations) == pytest.approx(30 * MINUTE, rel=0.02), "a season never seen"


def test_the_level_follows_drift() -> None:
    growing = habit(past([30 * 1.01**day for day in range(60)]), 60 % 7)
    assert usual(growing.durations) == pytest.approx(30 * 1.01**60 * MINUTE, rel=0.03)


def test_what_differs_together_in_a_night_does_so_in_a_scenario() -> None:
    chance = random.Random(3)
    heavy = [chance.uniform(0.5, 2) for _ in range(40)]
    found = learn({"a": past([30 * each for each in heavy]), "b": past([10 * each for each in heavy])}, 0)
    order = [sorted(range(40), key=list(found[job].durations).__getitem__) for job in "ab"]
    assert order[0] == order[1]


def test_jobs_of_other_ages_have_as_many_scenarios() -> None:
    found = learn({"old": past([30] * 90), "new": past([10] * 90)[80:]}, 0)
    assert [len(each.durations) for each in found.values()] == [60, 60]
    assert {job: each.runs for job, each in found.items()} == {"old": 60, "new": 10}
    assert set(found["new"].durations) == {10 * MINUTE}


def test_a_job_that_starts_at_the_same_time_whatever_its_inputs_goes_by_the_clock() -> None:
    chance = random.Random(3)
    waits = [PastRun(day * DAY, 0, 240 * MINUTE, 9, chance.randrange(60) * MINUTE) for day in range(20)]
    follows = [PastRun(day * DAY, 0, chance.randrange(200, 260) * MINUTE, 9, MINUTE) for day in range(20)]
    assert habit(waits).delays is None
    assert set(habit(follows).delays or ()) == {MINUTE}


def test_order_and_repetition_of_runs_change_nothing() -> None:
    runs = past([30 + day % 5 for day in range(30)])
    mixed = runs + runs[::3]
    random.Random(1).shuffle(mixed)
    assert habit(mixed) == habit(runs)


def test_what_goes_on_takes_longer_than_it_has_taken() -> None:
    assert beyond([10, 20, 30, 40], 0) == ([10, 20, 30, 40], False)
    assert beyond([10, 40, 20, 30], 25) == ([30, 40, 40, 30], False)
    assert beyond([10, 20, 30], 50) == ([60, 50, 60], True)


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.5, 50), (0.1, 10), (0.9, 90), (0.05, 10), (0.95, 90), (0.25, 25), (0, 10), (1, 90)],
)
def test_quantiles_bound_what_comes_next(share: float, value: int) -> None:
    assert quantile(range(10, 100, 10), share) == value
    assert quantile([7], share) == 7


def test_the_middle_is_the_median() -> None:
    values = [3, 9, 4, 8]
    assert quantile(sorted(values), 0.5) == usual(values) == median(values)
    assert share_above([1, 2, 3, 4], 3) == 0.25
