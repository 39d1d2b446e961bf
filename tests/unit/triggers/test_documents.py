"""Expectations as people write them: what each key means, and where a mistake is."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from lineage.instants import parse_instant
from triggers.alerts import Severity
from triggers.calendars import Calendar, DateRange, Holidays
from triggers.documents import Row, expectation_of, ruleset_of
from triggers.errors import RuleError
from triggers.model import (
    Anomaly,
    Assertions,
    BusinessTime,
    CatchUp,
    Direction,
    Due,
    EarlyWarning,
    Expectation,
    Grace,
    Grain,
    KeySource,
    MaxAge,
    Missed,
    Objective,
    Partition,
    Roll,
    SchemaUnchanged,
    Selector,
    Volume,
    Window,
)
from triggers.rules import NO_POLICY, RuleSet, Target
from triggers.selector_documents import calendar_of

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

DE = {
    "id": "de",
    "holidays": [{"country": "DE", "subdivision": "BE"}],
    "non_working": [{"from": "2026-12-24", "to": "2026-12-31"}],
    "working": ["2026-12-19"],
    "valid_until": "2027-12-31",
}


def body(**keys: Any) -> dict[str, Any]:
    given = {"id": "x", "timezone": "Europe/Berlin", "dataset": {"name": "orders"}}
    return (
        given | keys
        if {"max_age", "due", "metric", "assertions", "schema"} & set(keys)
        else given | {"max_age": "2h"} | keys
    )


def expectation(**keys: Any) -> Expectation:
    return expectation_of(body(**keys))


@pytest.mark.parametrize(
    ("given", "selector"),
    [
        ({"namespace": "s3://lake", "name": "a/"}, Selector(namespace="s3://lake", name="a/")),
        ({"name": "mart.*"}, Selector(pattern="mart.*")),
        ({"name": "mart.v?"}, Selector(pattern="mart.v?")),
        ({"tag": "tier:1", "owner": "team:shop"}, Selector(tag="tier:1", owner="team:shop")),
        ({"downstream_of": "dataset:w:a:b"}, Selector(downstream_of="dataset:w:a:b")),
        ({"needed_by": "job:w:report"}, Selector(needed_by="job:w:report")),
    ],
)
def test_selectors(given: dict[str, str], selector: Selector) -> None:
    assert expectation(dataset=given).selector == selector


def test_a_maximum_age() -> None:
    assert expectation(max_age="2h").condition == MaxAge(2 * HOUR)
    assert expectation(max_age="2h").grace == Grace()
    with_grace = expectation(max_age="2h", grace={"late": "20m"})
    assert (with_grace.condition, with_grace.grace) == (MaxAge(2 * HOUR), Grace(0, 20 * MINUTE))


def test_a_maximum_age_with_tiers_is_due_at_one_and_late_at_the_other() -> None:
    tiers = expectation(max_age={"warn": "15m", "late": "30m"})
    assert (tiers.condition, tiers.grace) == (MaxAge(15 * MINUTE), Grace(0, 15 * MINUTE))
    late = expectation(max_age={"late": "30m"})
    assert (late.condition, late.grace) == (MaxAge(30 * MINUTE), Grace())


def test_an_age_in_time_that_counts() -> None:
    within = {"weekdays": ["mon-fri"], "times": ["07:00-20:00"], "calendar": DE}
    office = Window(frozenset(range(5)), 7 * 60, 20 * 60)
    assert expectation(max_age={"late": "30m", "within": within}).condition == MaxAge(
        30 * MINUTE, BusinessTime((office,), calendar_of(DE))
    )
    assert expectation(max_age={"late": "30m", "within": {"weekdays": ["sat", "sun"]}}).condition == MaxAge(
        30 * MINUTE, BusinessTime((Window(frozenset({5, 6})),))
    )


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ({"at": "07:00"}, Due(at=time(7))),
        ({"at": "07:00", "accept_from": "11h"}, Due(at=time(7), accept=11 * HOUR)),
        ({"cron": "0 7 * * mon-fri"}, Due(cron="0 7 * * mon-fri")),
        ({"at": "07:00", "calendar": DE}, Due(at=time(7), calendar=calendar_of(DE))),
        (
            {"at": "07:00", "calendar": DE, "on_non_business_day": "following"},
            Due(at=time(7), calendar=calendar_of(DE), on_non_business_day=Roll.FOLLOWING),
        ),
        (
            {"at": "12:00", "calendar": DE, "monthly_business_day": 3},
            Due(at=time(12), calendar=calendar_of(DE), business_day=3),
        ),
    ],
)
def test_releases(given: dict[str, Any], due: Due) -> None:
    assert expectation(due=given).condition == due


def test_numbers_of_rows() -> None:
    assert expectation(metric={"min": 1}).condition == Volume(1)
    anomaly = {"method": "mad", "history": 20, "min_history": 5, "sensitivity": 3, "direction": "drop"}
    found = expectation(
        metric={"field": "outputStatistics.rowCount", "anomaly": anomaly | {"seasonality": "none"}}
    )
    assert found.condition == Volume(None, Anomaly(3, 20, 5, by_weekday=False, direction=Direction.DROP))
    assert expectation(metric={"anomaly": {}}).condition == Volume(None, Anomaly())


def test_checks_and_schemas() -> None:
    assert expectation(assertions={}).condition == Assertions()
    given = {"names": ["unique"], "warnings": True, "min_count": 3, "wait": "30m"}
    assert expectation(assertions=given).condition == Assertions(frozenset({"unique"}), True, 3, 30 * MINUTE)
    assert expectation(schema={}).condition == SchemaUnchanged()
    since = parse_instant("2026-11-30T23:00Z")[0]
    assert expectation(schema={"since": "2026-12-01", "compatible": True}).condition == SchemaUnchanged(
        since, True
    )


def test_partitions() -> None:
    assert expectation(due={"at": "07:00"}, partition={}).partition == Partition()
    given = {"from": ["nominal_time"], "grain": "hour", "offset": "-1h", "timezone": "UTC"}
    assert expectation(due={"at": "07:00"}, partition=given).partition == Partition(
        (KeySource.NOMINAL,), Grain.HOUR, -1, "UTC"
    )
    working = expectation(
        due={"at": "07:00", "calendar": DE}, partition={"offset": -1, "in_working_days": True}
    )
    assert working.partition == Partition(offset=-1, in_working_days=True)


def test_everything_else() -> None:
    found = expectation(
        due={"at": "07:00"},
        severity="critical",
        refuse_empty=True,
        expect_first_by="2026-12-01T00:00Z",
        predict={"warn_before": "30m"},
        slo={"share": 0.99},
        catch_up={"policy": "all", "window": "6h"},
        description="for people",
    )
    assert (found.id, found.timezone, found.severity, found.refuse_empty) == (
        "x",
        "Europe/Berlin",
        Severity.CRITICAL,
        True,
    )
    assert found.expect_first_by == parse_instant("2026-12-01T00:00Z")[0]
    assert found.warning == EarlyWarning(30 * MINUTE)
    assert found.objective == Objective(0.99, 30 * DAY)
    assert found.missed == Missed(CatchUp.ALL, 6 * HOUR)
    warned = expectation(due={"at": "07:00"}, predict={"warn_before": "30m", "quantile": 0.9})
    assert warned.warning == EarlyWarning(30 * MINUTE, 0.9)
    assert expectation(slo={"share": 1, "period": "1w"}).objective == Objective(1, 7 * DAY)
    assert expectation(catch_up={}).missed == Missed()


def test_equal_calendars_are_one() -> None:
    first, second = (expectation(due={"at": "07:00", "calendar": dict(DE)}).condition for _ in range(2))
    assert isinstance(first, Due)
    assert isinstance(second, Due)
    assert first.calendar is second.calendar
    assert first.calendar == Calendar(
        "de",
        holidays=(Holidays("DE", "BE"),),
        non_working=(DateRange(date(2026, 12, 24), date(2026, 12, 31)),),
        working=(DateRange(date(2026, 12, 19), date(2026, 12, 19)),),
        valid_until=date(2027, 12, 31),
    )
    assert calendar_of({"id": "x", "weekend": ["fri", "sat"]}).weekend == {4, 5}
    assert calendar_of({"id": "x", "weekend": []}).weekend == frozenset()


@pytest.mark.parametrize(
    ("keys", "field", "reason"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone", "unknown time zone"),
        (
            {"max_age": "2h", "due": {"at": "07:00"}},
            "",
            "one of max_age, due, metric, assertions, schema is needed",
        ),
        ({"dataset": {}}, "dataset", "every dataset"),
        ({"dataset": {"namespace": "s3://*"}}, "dataset.namespace", "only names may be patterns"),
        ({"dataset": {"needed_by": "report"}}, "dataset.needed_by", "no node"),
        ({"dataset": {"downstream_of": "run:a:b"}}, "dataset.downstream_of", "no node"),
        ({"max_age": "soon"}, "max_age", "no duration"),
        ({"max_age": "0s"}, "max_age", "more than nothing"),
        ({"max_age": {"warn": "2h", "late": "1h"}}, "max_age.warn", "must not be more"),
        ({"max_age": {"late": "x"}}, "max_age.late", "no duration"),
        ({"max_age": {"warn": "1h", "late": "2h"}, "grace": {"late": "1h"}}, "grace", "says itself"),
        ({"max_age": {"late": "2h"}, "grace": {"late": "1h"}}, "grace", "says itself"),
        ({"max_age": {"late": "1h", "within": {"times": ["7-8"]}}}, "max_age.within.times", "no time of day"),
        ({"max_age": {"late": "1h", "within": {"weekdays": ["m"]}}}, "max_age.within.weekdays", "no days"),
        ({"due": {}}, "due", "at a time of day or by cron"),
        ({"due": {"at": "7"}}, "due.at", "no time of day"),
        ({"due": {"at": "24:00"}}, "due.at", "00:00 of the next day"),
        ({"due": {"cron": "61 * * * *"}}, "due", "cron"),
        ({"due": {"at": "07:00", "on_non_business_day": "skip"}}, "due.on_non_business_day", "calendar"),
        ({"due": {"at": "07:00", "monthly_business_day": 3}}, "due", "needs a time of day and a calendar"),
        ({"due": {"at": "07:00", "accept_from": "x"}}, "due.accept_from", "no duration"),
        ({"metric": {}}, "metric", "a number of rows"),
        ({"metric": {"anomaly": {"min_history": 9}}}, "metric.anomaly", "min_history"),
        ({"metric": {"min": 1}, "grace": {"late": "1h"}}, "grace", "not with metric"),
        ({"assertions": {}, "slo": {"share": 0.9}}, "slo", "not with assertions"),
        ({"schema": {}, "predict": {"warn_before": "1h"}}, "predict", "not with schema"),
        ({"assertions": {"wait": "x"}}, "assertions.wait", "no duration"),
        ({"schema": {"since": "x"}}, "schema.since", "no time"),
        ({"grace": {"warn": "2h", "late": "1h"}}, "grace", "due before"),
        ({"partition": {"offset": "-1h"}}, "partition.offset", "-1d"),
        ({"partition": {"timezone": "x"}}, "partition.timezone", "unknown time zone"),
        ({"partition": {"in_working_days": True}}, "partition.in_working_days", "calendar"),
        ({"due": {"at": "07:00"}, "predict": {"warn_before": "0s"}}, "predict", "before the deadline"),
        ({"predict": {"warn_before": "1h"}}, "predict", "due at certain times"),
        ({"slo": {"share": 0.9, "period": "x"}}, "slo.period", "no duration"),
        ({"expect_first_by": "x"}, "expect_first_by", "no time"),
        ({"catch_up": {"window": "x"}}, "catch_up.window", "no duration"),
        (
            {"due": {"at": "07:00", "calendar": DE | {"working": ["2026-12-24"]}}},
            "due.calendar",
            "both a working day",
        ),
        ({"due": {"at": "07:00", "calendar": DE | {"working": ["x"]}}}, "due.calendar.working[0]", "no day"),
        (
            {"due": {"at": "07:00", "calendar": DE | {"holidays": [{}]}}},
            "due.calendar.holidays[0]",
            "a country or of",
        ),
        (
            {"due": {"at": "07:00", "calendar": DE | {"holidays": [{"country": "XX"}]}}},
            "due.calendar.holidays[0]",
            "XX",
        ),
    ],
)
def test_a_mistake_is_told_where_it_is(keys: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason) as caught:
        expectation_of(body(**keys))
    assert caught.value.field == field


def test_rows_together_are_the_rules() -> None:
    assert ruleset_of([]) == RuleSet({}, {}, [], NO_POLICY)
    rules = ruleset_of(
        [
            Row("expectation", "x", body()),
            Row("target", "chat", {"id": "chat", "kind": "apprise", "url": "env:CHAT"}),
            Row("window", "w", {"id": "w", "timezone": "UTC", "weekly": {}, "by": "anna", "reason": "r"}),
            Row(
                "alerting",
                "",
                {
                    "timezone": "Europe/Berlin",
                    "routes": [{"to": ["owner"]}],
                    "owner_map": {"team:a": "env:A"},
                },
            ),
        ]
    )
    assert rules.expectations == {"x": expectation()}
    assert rules.targets == {
        "chat": Target("chat", "apprise", {"url": "env:CHAT"}),
        "owner:team:a": Target("owner:team:a", "apprise", {"url": "env:A"}),
    }
    assert [window.id for window in rules.windows] == ["w"]
    assert rules.policy.owners == {"team:a": "owner:team:a"}
    assert rules.timezone == "Europe/Berlin"
