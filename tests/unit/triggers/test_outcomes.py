"""What became of each release: the account agrees with how the dataset stood, and is settled look by look."""

from __future__ import annotations

from datetime import time

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
from triggers.evaluate import evaluate
from triggers.facts import Check, Facts, SchemaSeen
from triggers.looks import Stance, look
from triggers.model import (
    Anomaly,
    Assertions,
    BusinessTime,
    Due,
    Expectation,
    Grace,
    MaxAge,
    Partition,
    SchemaUnchanged,
    Volume,
    Window,
)
from triggers.needs import Need, suffice
from triggers.outcomes import Outcome, merged, needed, outcomes, settle
from triggers.verdict import State

Told = list[tuple[str, str | None, bool]]


def told(expectation: Expectation, since: str, until: str, facts: Facts) -> Told:
    """Give release, arrival and whether it was met, in the time zone of the texts (UTC)."""
    return [
        (day(each.release), None if each.arrived is None else day(each.arrived), each.met)
        for each in outcomes(expectation, facts, at(since), at(until))
    ]


def day(instant: int) -> str:
    minutes = (instant - at("2026-11-01T00:00:00Z")) // MINUTE
    return f"{minutes // 1440 + 1:02}.11. {minutes // 60 % 24:02}:{minutes % 60:02}"


FIRST = update("18.11. 06:30")


# --- due at certain times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        # In time, and early.
        ([update("19.11. 06:59"), update("20.11. 07:19"), update("20.11. 20:00")],
         [("19.11. 07:00", "19.11. 06:59", True), ("20.11. 07:00", "20.11. 07:19", True),
          ("21.11. 07:00", "20.11. 20:00", True)]),
        # Three hours late; then at the deadline, which is too late too.
        ([update("19.11. 10:20"), update("20.11. 07:20"), update("21.11. 07:00")],
         [("19.11. 07:00", "19.11. 10:20", False), ("20.11. 07:00", "20.11. 07:20", False),
          ("21.11. 07:00", "21.11. 07:00", True)]),
        # An outage: what comes at last is for all that was missed.
        ([update("21.11. 06:00")],
         [("19.11. 07:00", "21.11. 06:00", False), ("20.11. 07:00", "21.11. 06:00", False),
          ("21.11. 07:00", "21.11. 06:00", True)]),
        # Nothing any more.
        ([], [("19.11. 07:00", None, False), ("20.11. 07:00", None, False), ("21.11. 07:00", None, False)]),
        # Our outage: it came in time, and we heard of it a day later.
        ([update("19.11. 06:50", heard="20.11. 08:00")],
         [("19.11. 07:00", "19.11. 06:50", True), ("20.11. 07:00", None, False),
          ("21.11. 07:00", None, False)]),
    ],
)  # fmt: skip
def test_each_release_has_its_outcome(came: list[Update], expected: Told) -> None:
    facts = Facts([FIRST, *came])
    assert told(rule(SEVEN), "18.11. 00:00", "21.11. 12:00", facts) == expected
    assert outcomes(rule(SEVEN), facts, at("19.11. 07:20"), at("20.11. 07:20")) == [
        each
        for each in outcomes(rule(SEVEN), facts, 0, at("21.11. 12:00"))
        if each.release == at("19.11. 07:00")
    ]


def test_nobody_expected_anything_before_the_first_update() -> None:
    assert told(rule(SEVEN), "01.11. 00:00", "19.11. 07:20", Facts([FIRST])) == []
    assert told(rule(SEVEN), "01.11. 00:00", "22.11. 00:00", Facts()) == []


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ([], [("10.11. 00:00", None, False)]),
        ([update("09.11. 06:30")], [("10.11. 00:00", "09.11. 06:30", True)]),
        ([update("10.11. 06:30")], [("10.11. 00:00", "10.11. 06:30", False)]),
    ],
)
def test_unless_it_was_to_come_first_by_then(came: list[Update], expected: Told) -> None:
    expectation = rule(SEVEN, expect_first_by=at("10.11. 00:00"))
    assert told(expectation, "01.11. 00:00", "10.11. 07:00", Facts(came)) == expected


def test_a_backfill_the_same_version_and_refused_emptiness_meet_nothing() -> None:
    before = update("18.11. 06:30", nominal="17.11. 00:00", version="7")
    for nothing in (
        update("19.11. 06:30", nominal="01.11. 00:00"),
        update("19.11. 06:30", version="7"),
        update("19.11. 06:30", rows=0),
    ):
        expectation = rule(SEVEN, refuse_empty=True)
        facts = Facts([before, nothing])
        assert told(expectation, "19.11. 00:00", "20.11. 00:00", facts) == [("19.11. 07:00", None, False)]


def test_a_release_is_met_by_its_partition_or_a_later_one() -> None:
    expectation = rule(SEVEN, partition=Partition(offset=-1))
    came = [
        update("18.11. 06:30", partition="dt=2026-11-17"),
        # Yesterday's again, when today's should come; then today's, three hours late.
        update("19.11. 06:30", partition="dt=2026-11-17"),
        update("19.11. 10:20", partition="dt=2026-11-18"),
        # Two at once: the one that was missed came with the next.
        update("21.11. 06:00", partition="dt=2026-11-20"),
    ]
    assert told(expectation, "19.11. 00:00", "22.11. 00:00", Facts(came)) == [
        ("19.11. 07:00", "19.11. 10:20", False),
        ("20.11. 07:00", "21.11. 06:00", False),
        ("21.11. 07:00", "21.11. 06:00", True),
    ]


def test_on_monday_fridays_data_is_due() -> None:
    expectation = rule(ON_WORKING_DAYS, timezone=BERLIN, partition=Partition(offset=-1, in_working_days=True))
    came = [
        update("20.11. 05:00", partition="dt=2026-11-19"),
        update("21.11. 05:00", partition="dt=2026-11-20"),
        update("24.11. 05:00", partition="dt=2026-11-22"),
    ]
    # 20.11. is a Friday; no release on Saturday and Sunday, and Saturday's data does not do on Tuesday.
    assert told(expectation, "20.11. 12:00", "24.11. 12:00", Facts(came)) == [
        ("23.11. 06:00", "21.11. 05:00", True),
        ("24.11. 06:00", None, False),
    ]


def test_a_release_in_the_hour_that_comes_twice_has_one_outcome() -> None:
    expectation = rule(Due(at=time(2, 30)), timezone=BERLIN)
    came = [update(f"2026-10-{day}T00:00:00Z") for day in (23, 24, 25, 26)]
    found = outcomes(expectation, Facts(came), at("2026-10-24T00:00:00Z"), at("2026-10-27T00:00:00Z"))
    # On the 25th clocks go back at three: the first half past two is in summer time, the next day's in winter time.
    assert [each.release for each in found] == [
        at("2026-10-24T00:30:00Z"), at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z"),
    ]  # fmt: skip
    assert all(each.met for each in found)


def test_a_day_of_23_hours_has_its_hourly_releases() -> None:
    expectation = rule(Due(cron="0 * * * *"), timezone=BERLIN, grace=Grace())
    before = update("2026-03-28T22:40:00Z")
    found = outcomes(expectation, Facts([before]), at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z"))
    assert len(found) == 23 - 1  # the first is met by what had come before, which was the first of all


def test_nothing_is_told_past_the_end_of_the_calendar() -> None:
    expectation = rule(ON_WORKING_DAYS, timezone=BERLIN)
    found = outcomes(expectation, Facts([update("2027-12-30T05:30:00Z")]), 0, at("2028-02-01T00:00:00Z"))
    assert [each.release for each in found] == [at("2027-12-31T06:00:00Z")]


def test_that_nothing_came_is_told_only_as_far_as_all_has_been_looked_at() -> None:
    facts = Facts([FIRST, update("20.11. 10:00")], complete_until=at("20.11. 07:00"))
    # What came at 10:00 may have come before, in what waits; that of the day before has not.
    assert told(rule(SEVEN), "18.11. 00:00", "22.11. 00:00", facts) == [
        ("19.11. 07:00", "20.11. 10:00", False)
    ]


# --- ages -------------------------------------------------------------------------------------------------------


def test_each_update_is_to_be_followed_by_another() -> None:
    expectation = rule(MaxAge(30 * MINUTE))
    came = [update("22.11. 06:00"), update("22.11. 06:49"), update("22.11. 07:39")]
    assert told(expectation, "22.11. 00:00", "22.11. 09:00", Facts(came)) == [
        ("22.11. 06:30", "22.11. 06:49", True),
        ("22.11. 07:19", "22.11. 07:39", False),
        ("22.11. 08:09", None, False),
    ]


def test_time_that_does_not_count_makes_nothing_late() -> None:
    office = BusinessTime((Window(frozenset(range(5)), 7 * 60, 20 * 60),), DE)
    expectation = rule(MaxAge(2 * HOUR, office), timezone=BERLIN, grace=Grace())
    came = [update("20.11. 18:00"), update("23.11. 06:59"), update("23.11. 09:00")]
    assert told(expectation, "20.11. 00:00", "23.11. 08:30", Facts(came)) == [
        ("23.11. 07:00", "23.11. 06:59", True),
    ]
    # Two updates at night open the same release, which counts once.
    nightly = [update("20.11. 22:00"), update("20.11. 23:00"), update("23.11. 09:00")]
    assert told(expectation, "20.11. 00:00", "23.11. 10:00", Facts(nightly)) == [
        ("23.11. 08:00", "23.11. 09:00", False)
    ]


# --- what is judged as it comes ---------------------------------------------------------------------------------


def test_each_update_has_enough_rows_or_not() -> None:
    expectation = rule(Volume(min_rows=10))
    came = [update("18.11. 06:00", rows=9), update("19.11. 06:00"), update("20.11. 06:00", rows=10)]
    assert told(expectation, "18.11. 00:00", "21.11. 00:00", Facts(came)) == [
        ("18.11. 06:00", "18.11. 06:00", False),
        ("20.11. 06:00", "20.11. 06:00", True),
    ]


def test_what_is_unusual_is_learnt_first() -> None:
    expectation = rule(Volume(anomaly=Anomaly(by_weekday=False, min_history=3)))
    brought = [100, 101, 99, 100, 5]
    came = [update(f"{day}.11. 06:00", rows=rows) for day, rows in enumerate(brought, 16)]
    assert [met for _, _, met in told(expectation, "16.11. 00:00", "22.11. 00:00", Facts(came))] == [
        True,
        False,
    ]


def test_each_run_that_checks_passes_or_not() -> None:
    checks = [
        Check("a", at("18.11. 06:00"), 1, True),
        Check("b", at("18.11. 06:01"), 1, True),
        Check("a", at("19.11. 06:00"), 2, False),
        Check("c", at("20.11. 06:00"), 3, False, "warn"),
    ]
    assert told(rule(Assertions()), "18.11. 00:00", "21.11. 00:00", Facts(checks=checks)) == [
        ("18.11. 06:01", "18.11. 06:01", True),
        ("19.11. 06:00", "19.11. 06:00", False),
    ]


def test_checks_that_are_awaited_have_a_deadline() -> None:
    expectation = rule(Assertions(wait=HOUR))
    came = [update(f"{day}.11. 06:00", run_id=day) for day in (18, 19, 20, 21)]
    checks = [
        Check("a", at("18.11. 06:10"), 100, True),
        Check("a", at("19.11. 06:10"), 101, False),
        Check("a", at("20.11. 07:10"), 102, True),
    ]
    facts = Facts(came, checks)
    assert told(expectation, "18.11. 00:00", "21.11. 07:00", facts) == [
        ("18.11. 06:00", "18.11. 06:10", True),
        ("19.11. 06:00", "19.11. 06:10", False),
        ("20.11. 06:00", "20.11. 07:10", False),
    ]
    assert told(expectation, "21.11. 00:00", "21.11. 07:01", facts) == [("21.11. 06:00", None, False)]


def test_each_change_of_the_schema_is_allowed_or_not() -> None:
    def seen(moment: str, *names: str) -> SchemaSeen:
        return SchemaSeen(at(moment), {"fields": [{"name": name, "type": "int"} for name in names]})

    facts = Facts(
        schemas=[
            seen("18.11. 06:00", "a", "b"),
            seen("19.11. 06:00", "a", "b", "c"),
            seen("20.11. 06:00", "a"),
        ]
    )
    assert told(rule(SchemaUnchanged(compatible=True)), "18.11. 00:00", "21.11. 00:00", facts) == [
        ("19.11. 06:00", "19.11. 06:00", True),
        ("20.11. 06:00", "20.11. 06:00", False),
    ]


# --- whatever comes ---------------------------------------------------------------------------------------------


@given(expectation=RULES, log=logs(), now=st.integers(START, END))
def test_the_account_agrees_with_how_the_dataset_stood(
    expectation: Expectation, log: list[Update], now: int
) -> None:
    facts = Facts([each for each in log if each.received_at <= now])
    verdict = evaluate(expectation, facts, now)
    found = outcomes(expectation, facts, 0, now + 1)
    assert [each.deadline for each in found] == sorted(each.deadline for each in found)
    late = verdict.state in (State.LATE, State.MISSED)
    # That data came at all by a certain time says nothing about what is expected after.
    lasting = [each for each in found if each.arrived is None or each.release != expectation.expect_first_by]
    assert late == bool(lasting and lasting[-1].arrived is None)
    if late:
        first = next(each for each in found if each.arrived is None)
        assert (first.release, first.deadline, first.met) == (verdict.release, verdict.deadline, False)
    # What is told of a release that was met stands in the account, and so does how late it came.
    of_release = {each.release: each for each in outcomes(expectation, facts, 0, END + 40 * DAY)}
    if verdict.state in (State.FRESH, State.RECOVERED) and isinstance(expectation.condition, Due):
        outcome = of_release.get(verdict.release or 0)
        if outcome is not None:
            assert outcome.met == (verdict.state is State.FRESH)
            assert outcome.arrived == verdict.since
        else:
            assert verdict.reason.code == "first"
    for each in found:
        assert each.met == (each.arrived is not None and each.arrived < each.deadline)


class Account:
    """One dataset's account, settled look by look as the engine does it, each time from no more than is needed."""

    def __init__(self, expectation: Expectation, log: list[Update]) -> None:
        self._expectation = expectation
        self._log = log
        self._stance: Stance | None = None
        self._settled_at: int | None = None
        self.rows: dict[int, Outcome] = {}
        self.timer: int | None = None

    def look(self, seen: int, *, news: bool) -> None:
        need = needed(self._expectation, self._stance, self._settled_at, seen)
        facts = Facts(as_needed(need, [each for each in self._log if each.received_at <= seen]))
        before, self._stance = self._stance, look(self._expectation, facts, self._stance, seen)
        settlement = settle(self._expectation, facts, self._settled_at, seen, news=news, before=before)
        for each in settlement.new:
            self.rows[each.release] = merged(self.rows.get(each.release, each), each)
        for each in settlement.changed:
            if each.release in self.rows:
                self.rows[each.release] = merged(self.rows[each.release], each)
        self._settled_at = settlement.settled_at
        timers = self._stance.verdict.next_look, settlement.next_at
        self.timer = min((at for at in timers if at is not None), default=None)

    def live(self, begin: int, until: int, outage: tuple[int, int]) -> None:
        """Look whenever something comes or time is up, or when the outage is over."""
        waiting = sorted(each.received_at for each in self._log if begin < each.received_at <= until)
        self.look(begin, news=False)
        while True:
            moment = min([*waiting[:1], *([] if self.timer is None else [self.timer]), until])
            if outage[0] <= moment < outage[1]:
                moment = outage[1]
            if self.timer is not None and self.timer <= moment:
                self.look(moment, news=False)
            if waiting and waiting[0] <= moment:
                self.look(moment, news=True)
                waiting = [each for each in waiting if each > moment]
            if moment >= until:
                return


def as_needed(need: Need, log: list[Update]) -> list[Update]:
    """Read no more updates than suffice, the newest first, as a database does."""
    ordered = sorted(log, key=lambda each: each.event_time)
    before = [each for each in ordered if each.event_time < need.since]
    for left_out in range(len(before) - need.before, 0, -1):
        whole_from = ordered[left_out].event_time if left_out < len(ordered) else need.since
        # All of one time, or none, as a database does it.
        read = [each for each in ordered if each.event_time >= whole_from]
        earlier = [each for each in ordered if each.event_time < whole_from]
        versions = {each.version for each in read if each.version is not None}
        extra = {each.version: each for each in earlier if each.version in versions}.values()
        newest = sorted(
            (each for each in earlier if each.nominal_at is not None), key=lambda each: each.nominal_at or 0
        )
        read = [*extra, *newest[-1:], *read]
        if suffice(need, read, whole_from):
            return read
    return log


@given(
    expectation=RULES,
    log=logs(),
    begin=st.integers(START, END),
    outage=st.tuples(st.integers(START, END), st.integers(0, 5 * DAY)),
)
def test_settled_look_by_look_the_account_is_what_became_of_each_release(
    expectation: Expectation, log: list[Update], begin: int, outage: tuple[int, int]
) -> None:
    # Heard of at once; what is heard of late can change what counted as new before the account began.
    log = [each._replace(received_at=each.event_time) for each in log]
    account = Account(expectation, log)
    account.live(begin, END, (outage[0], min(END, outage[0] + outage[1])))
    everything = Facts([each for each in log if each.received_at <= END])
    assert sorted(each for each in account.rows.values() if each.deadline <= END) == sorted(
        outcomes(expectation, everything, begin, END + 1)
    )


def test_what_an_emitter_sends_late_corrects_the_account() -> None:
    came = [FIRST] + [update(f"{day}.11. 06:30", heard="23.11. 12:00") for day in (19, 20, 21, 22, 23)]
    account = Account(rule(SEVEN), came)
    account.live(at("18.11. 12:00"), at("23.11. 11:00"), (0, 0))
    assert [each.met for each in account.rows.values()] == [False] * 5
    account.look(at("23.11. 12:00"), news=True)
    assert [(each.met, each.arrived) for each in account.rows.values()] == [
        (True, each.event_time) for each in came[1:]
    ]


def test_the_account_of_what_is_dead_goes_on_deadline_by_deadline() -> None:
    account = Account(rule(SEVEN), [FIRST])
    account.live(at("18.11. 12:00"), at("28.11. 12:00"), (0, 0))
    assert len(account.rows) == 10
    assert account.timer == at("29.11. 07:20")


def test_the_account_begins_with_the_first_look() -> None:
    account = Account(rule(SEVEN), [update("01.11. 06:30"), update("20.11. 06:00")])
    account.look(at("15.11. 12:00"), news=False)
    assert not account.rows
    account.look(at("20.11. 06:00"), news=True)
    # Missed since the second of November, and expected since the fifteenth.
    assert [(day(each.release), each.met) for each in account.rows.values()] == [
        *((f"{missed}.11. 07:00", False) for missed in range(16, 20)),
        ("20.11. 07:00", True),
    ]


def test_rows_are_judged_once_and_again_when_told_anew() -> None:
    expectation = rule(Volume(min_rows=10))
    first, second = update("18.11. 06:00", rows=9), update("18.11. 05:00", heard="18.11. 08:00", rows=11)
    begun = settle(expectation, Facts([]), None, at("18.11. 00:00"))
    settlement = settle(expectation, Facts([first]), begun.settled_at, at("18.11. 07:00"))
    assert [each.met for each in settlement.new] == [False]
    later = settle(expectation, Facts([first, second]), settlement.settled_at, at("18.11. 09:00"))
    assert [(each.release, each.met) for each in later.new] == [(at("18.11. 05:00"), True)]


@pytest.mark.parametrize("condition", [SEVEN, MaxAge(20 * HOUR)])
def test_after_an_outage_of_ours_nothing_is_missing(condition: Due | MaxAge) -> None:
    came = [FIRST, *(update(f"{day}.11. 06:{day}") for day in range(19, 29))]
    account = Account(rule(condition), came)
    account.live(at("18.11. 12:00"), at("28.11. 12:00"), (at("18.11. 13:00"), at("28.11. 11:00")))
    kept = sorted(each for each in account.rows.values() if each.deadline <= at("28.11. 12:00"))
    assert kept == sorted(outcomes(rule(condition), Facts(came), at("18.11. 12:00"), at("28.11. 12:00") + 1))
    assert len(kept) == 10
