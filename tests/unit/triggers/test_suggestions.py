"""Suggested expectations find the rhythm of made-up tables, and would have been met by nearly all of their history."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lineage.runs import Update
from triggers.cadence import WORKING, Rhythm, cadence
from triggers.calendars import Calendar
from triggers.documents import expectation_of
from triggers.facts import Facts
from triggers.growing import Change, GrowingFacts
from triggers.model import Due, MaxAge, Volume
from triggers.outcomes import outcomes
from triggers.replay import Replay
from triggers.suggestions import Past, Suggestion, suggest
from triggers.verdict import State
from triggers.zones import instant

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 2, 2)  # noqa: DTZ001  # a Monday, by the clock on the wall; clocks go forward in March
DAYS = [FIRST + timedelta(days=number) for number in range(120)]
ORDERS = 1


def spread(rng: random.Random, days: Iterable[datetime], hour: float, minutes: float) -> list[datetime]:
    """Give a time for each day, about an hour of it, with so many minutes of standard deviation."""
    return [day + timedelta(hours=hour, minutes=rng.gauss(0, minutes)) for day in days]


def updates(moments: Iterable[datetime], rows: Callable[[], int | None] = lambda: None) -> list[Update]:
    at = [instant(moment.replace(tzinfo=BERLIN)) for moment in moments]
    return [
        Update(ORDERS, each, number, each + 1_000_000, None, None, None, rows(), "run")
        for number, each in enumerate(at)
    ]


def made(kind: str) -> list[datetime]:
    rng = random.Random(kind)  # made up, and the same each time
    working = [day for day in DAYS if day.weekday() < 5]
    months = [(2025, month) for month in range(5, 13)] + [(2026, month) for month in range(1, 7)]
    match kind:
        case "daily":
            return spread(rng, DAYS, 6.5, 8)
        case "midnight":
            return spread(rng, DAYS, 24, 10)
        case "weekdays":
            return spread(rng, working, 6.5, 8)
        case "slow mondays":
            return [
                each + timedelta(minutes=90 * (each.weekday() == 0)) for each in spread(rng, working, 6, 5)
            ]
        case "weekly":
            return spread(rng, [day for day in DAYS if day.weekday() == 2], 4, 15)
        case "two days":
            return spread(rng, [day for day in DAYS if day.weekday() in (1, 4)], 4, 15)
        case "hourly":
            return [
                day + timedelta(hours=hour, minutes=rng.uniform(3, 9)) for day in DAYS for hour in range(24)
            ]
        case "office":
            hours = [hour + quarter for hour in range(8, 19) for quarter in (0, 0.25, 0.5, 0.75)]
            return [
                day + timedelta(hours=each, minutes=rng.uniform(0, 3)) for day in working for each in hours
            ]
        case "business day":
            days = [WORKING.nth(*month, 3) for month in months]
        case "last business day":
            days = [WORKING.nth(*month, -1) for month in months]
        case _:
            days = [datetime(*month, 5).date() for month in months]  # noqa: DTZ001
    return spread(rng, [datetime.combine(day, time()) for day in days if day], 11, 15)


def suggested(kind: str, rows: Callable[[], int | None] = lambda: None) -> list[Suggestion]:
    return suggest([Past("pg", "shop.Orders", updates(made(kind), rows))], "Europe/Berlin")


RHYTHMS = {
    "daily": (Rhythm.DAILY, set(range(7))),
    "midnight": (Rhythm.DAILY, set(range(7))),
    "weekdays": (Rhythm.WEEKDAYS, set(range(5))),
    "slow mondays": (Rhythm.WEEKDAYS, set(range(5))),
    "weekly": (Rhythm.SOME_DAYS, {2}),
    "two days": (Rhythm.SOME_DAYS, {1, 4}),
    "hourly": (Rhythm.OFTEN, set(range(7))),
    "office": (Rhythm.OFTEN, set(range(5))),
    "business day": (Rhythm.BUSINESS_DAY, {3}),
    "last business day": (Rhythm.BUSINESS_DAY, {-1}),
    "fifth": (Rhythm.MONTH_DAY, {5}),
}


@pytest.mark.parametrize("kind", RHYTHMS)
def test_the_rhythm_is_found(kind: str) -> None:
    at = sorted(instant(moment.replace(tzinfo=BERLIN)) for moment in made(kind))
    found = cadence(at, "Europe/Berlin")
    assert (found.rhythm, set(found.days)) == RHYTHMS[kind]


def test_what_comes_at_any_time_has_no_rhythm() -> None:
    rng = random.Random(1)
    moments = sorted(FIRST + timedelta(days=rng.uniform(0, 120)) for _ in range(40))
    assert cadence([each.at for each in _arrived(moments)], "Europe/Berlin").rhythm is Rhythm.IRREGULAR


def _arrived(moments: Iterable[datetime]) -> list[Change]:
    return [Change(each.event_time, ORDERS) for each in updates(moments)]


@pytest.mark.parametrize(
    ("kind", "due"),
    [
        ("daily", {"at": "06:45"}),
        ("midnight", {"at": "00:20"}),
        ("weekdays", {"cron": "45 6 * * 1-5"}),
        ("weekly", {"cron": "25 4 * * 3"}),
        ("two days", {"cron": "30 4 * * 2,5"}),
        ("fifth", {"cron": "35 11 5 * *"}),
    ],
)
def test_a_deadline_lies_where_nearly_all_had_come(kind: str, due: dict[str, str]) -> None:
    (found,) = suggested(kind)
    assert found.body["id"] == "shop.orders-due"
    assert {key: found.body["due"][key] for key in due} == due


def test_business_days_are_counted_by_a_calendar_without_holidays() -> None:
    (found,) = suggested("last business day")
    assert found.body["due"]["monthly_business_day"] == -1
    condition = found.expectation.condition
    assert isinstance(condition, Due)
    assert condition.calendar == Calendar("working-days")


def test_nights_and_weekends_without_updates_do_not_count() -> None:
    (found,) = suggested("office")
    assert found.body["max_age"] == {
        "warn": "20m",
        "late": "30m",
        "within": {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "times": ["08:05-18:45"]},
    }


@pytest.mark.parametrize("kind", RHYTHMS)
def test_nearly_all_of_history_would_have_met_it(kind: str) -> None:
    past = updates(made(kind))
    (found,) = suggested(kind)
    expectation = found.expectation
    since, until = past[0].event_time - 1, past[-1].received_at + 1
    judged = outcomes(expectation, Facts(past), since, until)
    assert len(judged) >= len(past) // 2 - 1
    assert sum(each.met for each in judged) >= 0.95 * len(judged)
    # The same by going through it.
    facts = GrowingFacts()
    changes = [Change(each.received_at, ORDERS, new=[each]) for each in past]
    replay = Replay({expectation.id: expectation}, {expectation.id: {ORDERS}}, facts, since)
    bad = [each for each in replay.run(changes, until) if each.stance.state in (State.LATE, State.MISSED)]
    assert len(bad) <= 0.05 * len(judged)


def test_the_evidence_tells_of_the_latest_day() -> None:
    (found,) = suggested("slow mondays")
    assert found.evidence[0].startswith("comes from Monday to Friday: ")
    assert found.evidence[-1].startswith("the latest are those of Monday: 95 % by 07:4")


def test_rows_are_judged_where_they_are_steady() -> None:
    rng = random.Random(2)
    _, rows = suggested("daily", lambda: int(rng.gauss(1000, 50)))
    assert rows.body["id"] == "shop.orders-rows"
    condition = rows.expectation.condition
    assert isinstance(condition, Volume)
    assert condition.min_rows == 1
    assert condition.anomaly is not None


def test_rows_that_are_mostly_not_told_are_left_alone() -> None:
    rng = random.Random(3)
    assert len(suggested("daily", lambda: 10 if rng.random() < 0.5 else None)) == 1


def test_rows_that_jump_have_only_a_least_number() -> None:
    rng = random.Random(4)
    _, rows = suggested("daily", lambda: int(10 ** rng.uniform(0, 6)) if rng.random() < 0.4 else 1000)
    assert "anomaly" not in rows.body["metric"]
    assert rows.body["metric"]["min"] == 1


def test_ids_are_the_same_each_time_and_of_one_dataset_only() -> None:
    past = updates(made("daily"))
    both = [Past("pg", "a b", past), Past("mysql", "a b", past), Past("pg", "c", past)]
    ids = [each.body["id"] for each in suggest(both, "UTC")]
    assert ids == [each.body["id"] for each in suggest(both[::-1], "UTC")]
    assert len(set(ids)) == 3
    assert ids[2] == "c-due"


def test_what_is_seldom_updated_or_has_a_name_like_a_pattern_is_left_out() -> None:
    past = updates(made("daily"))
    assert suggest([Past("pg", "few", past[:10]), Past("pg", "part-*", past)], "UTC") == []


def test_an_age_is_an_age() -> None:
    (found,) = suggested("hourly")
    assert isinstance(expectation_of(found.body).condition, MaxAge)
    assert found.body["max_age"] == {"warn": "1h15m", "late": "1h55m"}
