"""How a dataset stands: in time, due, late, missed and recovered; what refreshes it; when to look again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.runs import Update
from tests.unit.triggers.histories import (
    BERLIN,
    DAY,
    DE,
    END,
    HOUR,
    MINUTE,
    ON_WORKING_DAYS,
    RULES,
    SEVEN,
    START,
    at,
    logs,
    rule,
    update,
)
from triggers.alerts import Severity
from triggers.errors import CalendarExpired, RuleError
from triggers.evaluate import evaluate
from triggers.facts import Facts
from triggers.model import BusinessTime, Due, Expectation, Grace, MaxAge, Partition, Selector, Window
from triggers.sentences import sentence
from triggers.verdict import Reason, State, Verdict


def judge(expectation: Expectation, now: str, *updates: Update, complete: str | None = None) -> Verdict:
    return evaluate(expectation, Facts(updates, complete_until=at(complete) if complete else None), at(now))


YESTERDAY = update("21.11. 06:30")


# --- due at certain times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "state", "next_look"),
    [
        ("22.11. 06:59", State.FRESH, "22.11. 07:00"),
        ("22.11. 07:00", State.DUE, "22.11. 07:20"),
        ("22.11. 07:19", State.DUE, "22.11. 07:20"),
        ("22.11. 07:20", State.LATE, "23.11. 07:00"),
        ("23.11. 07:00", State.MISSED, None),
        ("28.11. 12:00", State.MISSED, None),
    ],
)
def test_data_that_does_not_come(now: str, state: State, next_look: str | None) -> None:
    before = update("20.11. 06:30")
    verdict = judge(rule(SEVEN), now, before, YESTERDAY)
    assert verdict.state is state
    assert verdict.next_look == (at(next_look) if next_look else None)
    if state is not State.FRESH:
        assert (verdict.release, verdict.deadline) == (at("22.11. 07:00"), at("22.11. 07:20"))
    if state.violated:
        assert verdict.late_by == at(now) - at("22.11. 07:20")


def test_data_that_comes_in_time_is_fresh_until_the_next_is_due() -> None:
    verdict = judge(rule(SEVEN), "22.11. 12:00", YESTERDAY, update("22.11. 07:19"))
    assert (verdict.state, verdict.release, verdict.since) == (
        State.FRESH,
        at("22.11. 07:00"),
        at("22.11. 07:19"),
    )
    assert verdict.next_look == at("23.11. 07:00")


def test_data_that_comes_too_late_has_recovered_by_its_true_lateness() -> None:
    verdict = judge(rule(SEVEN), "22.11. 12:00", YESTERDAY, update("22.11. 08:05"))
    assert (verdict.state, verdict.late_by, verdict.since) == (
        State.RECOVERED,
        45 * MINUTE,
        at("22.11. 08:05"),
    )
    # A second update does not make the first one earlier, nor later.
    assert (
        judge(rule(SEVEN), "22.11. 12:00", YESTERDAY, update("22.11. 08:05"), update("22.11. 09:00"))
        == verdict
    )
    # What came too late for one release may be in time for the next.
    assert judge(rule(SEVEN), "23.11. 07:00", YESTERDAY, update("22.11. 08:05")).state is State.DUE


def test_grace_warns_and_then_is_late() -> None:
    expectation = rule(SEVEN, grace=Grace(warn=10 * MINUTE, late=20 * MINUTE))
    states = [
        judge(expectation, f"22.11. 07:{minute}", YESTERDAY).state for minute in ("09", "10", "19", "20")
    ]
    assert states == [State.FRESH, State.DUE, State.DUE, State.LATE]


def test_a_grace_longer_than_the_time_between_releases() -> None:
    expectation = rule(Due(cron="0 * * * *"), grace=Grace(late=150 * MINUTE))
    seen = update("22.11. 06:55"), update("22.11. 07:00")
    times = ("22.11. 08:00", "22.11. 10:29", "22.11. 10:30")
    assert [judge(expectation, now, *seen).state for now in times] == [State.DUE, State.DUE, State.MISSED]


def test_early_data_counts_within_the_accept_window_only() -> None:
    expectation = rule(Due(at=time(7), accept=11 * HOUR))
    assert judge(expectation, "22.11. 12:00", YESTERDAY, update("21.11. 20:00")).state is State.FRESH
    assert judge(expectation, "22.11. 12:00", YESTERDAY, update("21.11. 19:59")).state is State.LATE


def test_a_deadline_met_while_nobody_looked_is_no_breach() -> None:
    expectation = rule(SEVEN)
    in_time = update("22.11. 06:50", heard="22.11. 11:00")
    assert judge(expectation, "22.11. 11:00", YESTERDAY, in_time).state is State.FRESH
    too_late = judge(expectation, "22.11. 11:00", YESTERDAY, update("22.11. 07:30", heard="22.11. 11:00"))
    assert (too_late.state, too_late.late_by) == (State.RECOVERED, 10 * MINUTE)


def test_a_dataset_never_seen_is_unknown_until_it_was_to_come_first() -> None:
    assert judge(rule(SEVEN), "22.11. 12:00").state is State.UNKNOWN
    expectation = rule(SEVEN, expect_first_by=at("22.11. 09:00"))
    before = judge(expectation, "22.11. 08:00")
    assert (before.state, before.next_look) == (State.UNKNOWN, at("22.11. 09:00"))
    assert judge(expectation, "22.11. 09:00").state is State.LATE


def test_the_first_update_was_not_late_for_anything() -> None:
    assert judge(rule(SEVEN), "22.11. 12:00", update("22.11. 11:00")).state is State.FRESH


# --- clocks and delays ------------------------------------------------------------------------------------------


def test_a_clock_that_runs_ahead_makes_nothing_fresher() -> None:
    # Within the skew that lineage.runs leaves as it is.
    ahead = update("22.11. 07:04", heard="22.11. 06:59")
    verdict = judge(rule(MaxAge(HOUR), grace=Grace()), "22.11. 07:59", YESTERDAY, ahead)
    assert (verdict.state, verdict.deadline) == (State.LATE, at("22.11. 07:59"))


def test_a_clock_that_runs_behind_loses_no_update() -> None:
    verdict = judge(rule(SEVEN), "22.11. 07:10", YESTERDAY, update("22.11. 03:50", heard="22.11. 06:50"))
    assert verdict.state is State.FRESH


def test_nothing_is_concluded_from_absence_while_work_is_waiting() -> None:
    expectation = rule(SEVEN)
    held = judge(expectation, "22.11. 07:30", YESTERDAY, complete="22.11. 07:10")
    assert (held.state, held.held) == (State.DUE, True)
    # If the backlog stays as long, the deadline is reached in ten minutes.
    assert held.next_look == at("22.11. 07:40")
    caught_up = judge(expectation, "22.11. 07:40", YESTERDAY, complete="22.11. 07:20")
    assert (caught_up.state, caught_up.held, caught_up.late_by) == (State.LATE, False, 0)


def test_what_was_late_before_the_backlog_stays_late_and_good_news_counts_at_once() -> None:
    assert judge(rule(SEVEN), "22.11. 12:00", YESTERDAY, complete="22.11. 08:00").state is State.LATE
    arrived = update("22.11. 11:50")
    assert (
        judge(rule(SEVEN), "22.11. 12:00", YESTERDAY, arrived, complete="22.11. 08:00").state
        is State.RECOVERED
    )


# --- what brings something new ----------------------------------------------------------------------------------


def test_a_backfill_does_not_refresh_today() -> None:
    usual = update("21.11. 06:30", nominal="20.11. 00:00")
    backfill = update("22.11. 06:30", nominal="01.10. 00:00")
    verdict = judge(rule(SEVEN), "22.11. 07:20", usual, backfill)
    assert verdict.state is State.LATE
    assert "filled in the time 2026-10-01 00:00" in sentence(verdict.reason, "UTC")
    today = update("22.11. 06:40", nominal="21.11. 00:00")
    assert judge(rule(SEVEN), "22.11. 07:20", usual, backfill, today).state is State.FRESH
    # The same by partition, where nominal times say nothing.
    partitioned = rule(MaxAge(DAY), partition=Partition())
    fills = (
        update("21.11. 06:30", partition="dt=2026-11-20"),
        update("22.11. 06:30", partition="dt=2026-10-01"),
    )
    assert judge(partitioned, "22.11. 07:00", *fills).state is State.LATE


def test_a_nominal_time_again_is_no_backfill() -> None:
    usual, again = (update(ended, nominal="20.11. 00:00") for ended in ("21.11. 06:30", "22.11. 06:30"))
    assert judge(rule(SEVEN), "22.11. 07:20", usual, again).state is State.FRESH


def test_the_same_version_again_does_not_refresh() -> None:
    expectation = rule(SEVEN)
    first, again = update("21.11. 06:30", version="7"), update("22.11. 06:30", version="7")
    verdict = judge(expectation, "22.11. 07:20", first, again)
    assert verdict.state is State.LATE
    assert "wrote version 7 again" in sentence(verdict.reason, "UTC")
    assert judge(expectation, "22.11. 07:20", first, again._replace(version="8")).state is State.FRESH


def test_an_update_without_rows_counts_unless_it_is_refused() -> None:
    empty = update("22.11. 06:30", rows=0)
    assert judge(rule(SEVEN), "22.11. 07:20", YESTERDAY, empty).state is State.FRESH
    refused = judge(rule(SEVEN, refuse_empty=True), "22.11. 07:20", YESTERDAY, empty)
    assert refused.state is State.LATE
    assert "brought no rows" in sentence(refused.reason, "UTC")
    only = judge(rule(SEVEN, refuse_empty=True), "22.11. 07:20", empty)
    assert only.state is State.UNKNOWN
    assert "brought no rows" in sentence(only.reason, "UTC")


# --- partitions -------------------------------------------------------------------------------------------------

YESTERDAYS_SLICE = rule(SEVEN, partition=Partition(offset=-1))


def test_a_release_is_met_by_its_partition() -> None:
    old = update("21.11. 06:30", partition="dt=2026-11-20")
    verdict = judge(YESTERDAYS_SLICE, "22.11. 07:20", old, update("22.11. 06:30", partition="dt=2026-11-20"))
    assert verdict.state is State.LATE
    assert sentence(verdict.reason, "UTC").startswith(
        "The partition 2026-11-21 has not come by 2026-11-22 07:20."
    )
    wanted = update("22.11. 06:30", partition="dt=2026-11-21")
    verdict = judge(YESTERDAYS_SLICE, "22.11. 07:20", old, wanted)
    assert (verdict.state, verdict.release) == (State.FRESH, at("22.11. 07:00"))


def test_a_partition_that_comes_late_is_not_taken_for_the_next() -> None:
    old = update("20.11. 06:30", partition="dt=2026-11-19")
    late = update("21.11. 20:00", partition="dt=2026-11-20")
    assert judge(YESTERDAYS_SLICE, "21.11. 21:00", old, late).late_by == at("21.11. 20:00") - at(
        "21.11. 07:20"
    )
    assert judge(YESTERDAYS_SLICE, "22.11. 07:20", old, late).state is State.LATE


def test_a_later_partition_meets_earlier_releases_too() -> None:
    old = update("19.11. 06:30", partition="dt=2026-11-18")
    newer = update("22.11. 06:30", partition="dt=2026-11-21")
    assert judge(YESTERDAYS_SLICE, "22.11. 08:00", old, newer).state is State.FRESH


def test_a_partition_far_ahead_does_not_hide_what_is_missing() -> None:
    old = update("21.11. 06:30", partition="dt=2026-11-20")
    wrong = update("22.11. 06:30", partition="dt=2999-01-01")
    verdict = judge(YESTERDAYS_SLICE, "22.11. 07:20", old, wrong)
    assert verdict.state is State.LATE
    assert "lies too far ahead" in sentence(verdict.reason, "UTC")


@pytest.mark.parametrize(("ahead", "state"), [("2026-11-22", State.FRESH), ("2026-11-23", State.UNKNOWN)])
def test_a_partition_may_come_one_day_early(ahead: str, state: State) -> None:
    early = update("21.11. 22:00", partition=f"dt={ahead}")
    assert judge(rule(SEVEN, partition=Partition()), "22.11. 06:00", early).state is state


def test_updates_that_name_no_partition_say_nothing() -> None:
    assert judge(YESTERDAYS_SLICE, "22.11. 08:00", update("22.11. 06:30")).state is State.UNKNOWN


@pytest.mark.parametrize("in_working_days", [True, False])
def test_on_monday_fridays_partition_is_due_in_working_days(in_working_days: bool) -> None:
    due = Due(at=time(8), calendar=DE)
    expectation = rule(
        due, timezone=BERLIN, partition=Partition(offset=-1, in_working_days=in_working_days, timezone="UTC")
    )
    thursdays = update("20.11. 05:00", nominal="19.11. 00:00")
    fridays = update("21.11. 05:00", nominal="20.11. 00:00")
    verdict = judge(expectation, "2026-11-23T08:30:00+01:00", thursdays, fridays)
    assert verdict.state is (State.FRESH if in_working_days else State.LATE)
    if in_working_days:
        tuesday = judge(expectation, "2026-11-24T08:30:00+01:00", thursdays, fridays)
        assert (tuesday.state, tuesday.release) == (State.LATE, at("2026-11-24T08:00:00+01:00"))


# --- calendars --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "now", "state"),
    [
        ("02.04. 04:30", "2026-04-06T12:00:00+02:00", State.FRESH),  # Easter Monday
        ("02.04. 04:30", "2026-04-07T07:20:00+02:00", State.LATE),
        ("20.11. 05:30", "2026-11-22T12:00:00+01:00", State.FRESH),  # Sunday
        ("20.11. 05:30", "2026-11-23T07:20:00+01:00", State.LATE),
        ("23.12. 05:30", "2026-12-31T12:00:00+01:00", State.FRESH),
        ("23.12. 05:30", "2027-01-04T07:20:00+01:00", State.LATE),
    ],
)
def test_days_off(last: str, now: str, state: State) -> None:
    assert judge(rule(ON_WORKING_DAYS, timezone=BERLIN), now, update(last)).state is state


def test_an_ended_calendar_is_an_error_from_its_end_on() -> None:
    expectation = rule(ON_WORKING_DAYS, timezone=BERLIN)
    last = update("2027-12-31T06:30:00+01:00")
    before = judge(expectation, "2027-12-31T23:59:00+01:00", last)
    assert (before.state, before.next_look) == (State.FRESH, at("2028-01-01T00:00:00+01:00"))
    with pytest.raises(CalendarExpired, match="'r' has ended"):
        judge(expectation, "2028-01-01T00:00:00+01:00", last)


def test_an_ended_calendar_is_noticed_before_a_deadline_past_its_end() -> None:
    last = update("2027-12-31T12:00:00+01:00")
    for expectation in (
        rule(MaxAge(20 * HOUR, BusinessTime((), DE)), timezone=BERLIN),
        rule(ON_WORKING_DAYS, timezone=BERLIN, grace=Grace(late=90 * DAY)),
    ):
        verdict = judge(expectation, "2027-12-31T13:00:00+01:00", last)
        assert verdict.next_look == at("2028-01-01T00:00:00+01:00")


# --- ages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "state", "next_look"),
    [("22.11. 06:59", State.FRESH, "22.11. 07:00"), ("22.11. 07:00", State.DUE, "22.11. 07:20"),
     ("22.11. 07:20", State.LATE, None)],
)  # fmt: skip
def test_data_that_grows_old(now: str, state: State, next_look: str | None) -> None:
    verdict = judge(rule(MaxAge(30 * MINUTE)), now, update("22.11. 06:30"))
    assert (verdict.state, verdict.next_look) == (state, at(next_look) if next_look else None)


def test_an_age_exceeded_between_two_updates_has_recovered() -> None:
    updates = update("22.11. 06:00"), update("22.11. 07:00")
    verdict = judge(rule(MaxAge(30 * MINUTE)), "22.11. 07:01", *updates)
    assert (verdict.state, verdict.late_by) == (State.RECOVERED, 10 * MINUTE)
    assert (
        judge(rule(MaxAge(30 * MINUTE)), "22.11. 07:11", *updates, update("22.11. 07:10")).state
        is State.FRESH
    )


def test_in_business_time_fridays_data_is_fresh_on_monday_morning() -> None:
    office = BusinessTime((Window(frozenset(range(5)), 7 * 60, 20 * 60),), DE)
    expectation = rule(MaxAge(2 * HOUR, office), timezone=BERLIN, grace=Grace())
    friday = update("2026-11-20T19:00:00+01:00")
    monday = judge(expectation, "2026-11-23T07:59:00+01:00", friday)
    assert (monday.state, monday.next_look) == (State.FRESH, at("2026-11-23T08:00:00+01:00"))
    late = judge(expectation, "2026-11-23T08:30:00+01:00", friday)
    assert (late.state, late.late_by) == (State.LATE, 30 * MINUTE)
    # Lateness is counted in the same time.
    assert judge(expectation, "2026-11-24T07:30:00+01:00", friday).late_by == 12 * HOUR + 30 * MINUTE


# --- why --------------------------------------------------------------------------------------------------------


def test_a_reason_is_a_sentence_and_json() -> None:
    verdict = judge(rule(SEVEN, timezone=BERLIN), "22.11. 06:30", YESTERDAY)
    assert sentence(verdict.reason, BERLIN) == (
        "The data of 2026-11-22 07:00 has not come by 2026-11-22 07:20. The last update came at 2026-11-21 07:30."
    )
    assert verdict.reason.data() == {
        "code": "overdue",
        "values": {
            "release": at("22.11. 06:00"),
            "deadline": at("22.11. 06:20"),
            "last": at("21.11. 06:30"),
        },
    }
    assert Reason.read(verdict.reason.data()) == verdict.reason


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grace(warn=2, late=1), "what is late has been due before"),
        (lambda: rule(SEVEN, timezone="Mars/Olympus"), "unknown time zone"),
        (
            lambda: rule(SEVEN, partition=Partition(in_working_days=True)),
            "working days are those of the calendar",
        ),
        (lambda: Partition(in_working_days=True, offset=1), "only days, and only those before"),
        (lambda: Selector(), "would mean every dataset"),
        (lambda: Selector(name="a", pattern="b*"), "a name or a pattern"),
        (lambda: MaxAge(0), "more than nothing"),
        (lambda: Window(frozenset({7})), "some of the days"),
        (lambda: Window(frozenset({0}), 60, 60), "ends after it starts"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        make()


def test_an_expectation_warns_unless_it_says_otherwise() -> None:
    assert rule(SEVEN).severity is Severity.WARNING


# --- whatever comes ---------------------------------------------------------------------------------------------


@given(expectation=RULES, log=logs(), now=st.integers(START, END), data=st.data())
def test_order_and_duplicates_of_facts_change_nothing(
    expectation: Expectation, log: list[Update], now: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(log + log[: len(log) // 2]))
    verdict = evaluate(expectation, Facts(log), now)
    assert evaluate(expectation, Facts(shuffled), now) == verdict
    assert sentence(verdict.reason, BERLIN).endswith(".")
    assert Reason.read(json.loads(json.dumps(verdict.reason.data()))) == verdict.reason


def lasting(verdict: Verdict) -> tuple[Any, ...]:
    """What does not grow while time goes by."""
    late_by = verdict.late_by if verdict.state is State.RECOVERED else None
    return (
        verdict.state,
        verdict.reason,
        verdict.release,
        verdict.deadline,
        verdict.since,
        late_by,
        verdict.next_look,
    )


@given(expectation=RULES, log=logs(), data=st.data())
def test_between_two_looks_nothing_changes(
    expectation: Expectation, log: list[Update], data: st.DataObject
) -> None:
    moments = sorted({START, END, *(u.received_at for u in log if START < u.received_at < END)})
    for begin, end in pairwise(moments):
        facts = Facts([u for u in log if u.received_at <= begin])
        looks, verdict = [begin], evaluate(expectation, facts, begin)
        while verdict.next_look is not None and verdict.next_look < end:
            assert verdict.next_look > looks[-1]
            after = evaluate(expectation, facts, verdict.next_look)
            assert lasting(after) != lasting(verdict)
            looks, verdict = [*looks, verdict.next_look], after
        # At any other moment, and right before each look, it is what the look before said.
        others = [look - 1 for look in looks[1:]] + [data.draw(st.integers(begin, end - 1))]
        for moment in others:
            last_look = max(look for look in looks if look <= moment)
            assert lasting(evaluate(expectation, facts, moment)) == lasting(
                evaluate(expectation, facts, last_look)
            )


@given(expectation=RULES, log=logs(), now=st.integers(START, END), behind=st.integers(0, 2 * DAY))
def test_a_backlog_never_makes_it_worse(
    expectation: Expectation, log: list[Update], now: int, behind: int
) -> None:
    steps = [State.DUE, State.LATE, State.MISSED]
    waiting = evaluate(expectation, Facts(log, complete_until=now - behind), now)
    known = evaluate(expectation, Facts(log), now)
    rank = [steps.index(v.state) + 1 if v.state in steps else 0 for v in (waiting, known)]
    assert rank[0] <= rank[1]
    assert waiting.held == (lasting(waiting)[:-1] != lasting(known)[:-1])
