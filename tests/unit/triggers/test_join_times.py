"""Joins that wait: deadlines, gates, what holds a complete one back, and what people do by hand."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from lineage.instants import iso, parse_instant
from tests.events import HOUR, MINUTE, NOON
from tests.unit.triggers.joining import (
    Engine,
    World,
    came,
    consumed,
    either,
    gated,
    trigger,
    wait_for,
)
from triggers.arrivals import BACKFILL, Arrived
from triggers.calendars import Calendar, DateRange
from triggers.conditions import Deadline, Guard, Join, Keys, Mode, Then
from triggers.errors import RuleError
from triggers.evaluation import OPEN, Passed, Verdict
from triggers.firings import Cause
from triggers.holds import Hold
from triggers.joins import Standing, fire_by_hand, reset
from triggers.model import Grain
from triggers.schedules import ends_at, gives_up_at

DAY = 24 * HOUR
LATCHED = Join(Mode.LATCHED, expire=DAY)
WINDOW = Join(Mode.WINDOW, within=HOUR)
DAILY = Join(Mode.EPOCH, schedule="0 12 * * *", tolerance=30 * MINUTE)
BY_DAY = Join(Mode.PARTITION, keys=Keys())
LEVEL = Join()


def at(hours: float) -> int:
    return NOON + round(hours * HOUR)


def a(hours: float, **values: Any) -> Arrived:
    return came("a", at(hours), **values)


def b(hours: float, **values: Any) -> Arrived:
    return came("b", at(hours), **values)


# --- deadlines -------------------------------------------------------------------------------------------------


def test_alert_tells_once_and_goes_on_waiting() -> None:
    engine = Engine(trigger(LATCHED, deadline=Deadline(Then.ALERT, after=HOUR)))
    engine.feed(a(0))
    assert engine.last[""].wake == at(1)
    engine.feed(until=at(1))
    assert engine.states[""].overdue_at == at(1)
    assert engine.last[""].wake == at(24)
    assert len(engine.feed(b(2))) == 1
    assert engine.states[""].overdue_at is None


def test_fire_partial_takes_what_is_there() -> None:
    engine = Engine(trigger(LATCHED, deadline=Deadline(Then.FIRE_PARTIAL, at=time(14))))
    (fired,) = engine.feed(a(0), a(1), until=at(5))
    assert (fired.at, fired.cause, fired.partial) == (at(2), Cause.DEADLINE, True)
    assert consumed(fired) == {"a": [at(0), at(1)]}
    (fired,) = engine.feed(b(6), until=at(60))
    assert fired.at == at(26)


def test_drop_gives_up() -> None:
    engine = Engine(trigger(LATCHED, deadline=Deadline(Then.DROP, after=HOUR)))
    assert engine.feed(a(0), b(1)) == []
    assert consumed(engine.feed(a(1.5))[0]) == {"a": [at(1.5)], "b": [at(1)]}


def test_an_epoch_has_its_deadline_also_when_nothing_comes() -> None:
    engine = Engine(trigger(DAILY, deadline=Deadline(Then.FIRE_PARTIAL, at=time(16))))
    (nothing,) = engine.feed(until=at(6))
    assert (nothing.at, nothing.partial, consumed(nothing)) == (at(4), True, {})
    assert engine.feed(a(7), b(8)) == []
    dropping = Engine(trigger(DAILY, deadline=Deadline(Then.DROP, after=HOUR)))
    assert dropping.feed(a(0), b(1)) == []
    assert dropping.feed(a(2), b(3)) == []
    assert len(dropping.feed(a(23.75), b(24))) == 1


def test_deadlines_go_by_working_days() -> None:
    # 22 November 2026 is a Sunday; Monday is taken off.
    calendar = Calendar("c", non_working=(DateRange(date(2026, 11, 23), date(2026, 11, 23)),))
    deadline = Deadline(Then.FIRE_PARTIAL, at=time(18), calendar=calendar)
    engine = Engine(trigger(Join(Mode.LATCHED, expire=9 * DAY), deadline=deadline))
    (fired,) = engine.feed(a(0), until=at(80))
    assert fired.at == at(54)


def test_the_deadline_of_a_day_comes_after_it() -> None:
    deadline = Deadline(Then.FIRE_PARTIAL, at=time(6))
    engine = Engine(trigger(BY_DAY, deadline=deadline, timezone="Europe/Berlin"))
    (fired,) = engine.feed(a(0, partition="2026-11-22"), until=at(40))
    assert fired.at == parse_instant("2026-11-23T06:00:00+01:00")[0]


def test_a_day_that_comes_when_its_deadline_has_passed_has_until_the_next() -> None:
    engine = Engine(trigger(BY_DAY, deadline=Deadline(Then.FIRE_PARTIAL, at=time(18))))
    old = {"partition": "2026-01-05", "news": BACKFILL}
    (fired,) = engine.feed(a(0, **old), b(1, **old))
    assert not fired.partial
    (fired,) = engine.feed(a(2, **old), until=at(7))
    assert (fired.at, fired.partial) == (at(6), True)


def test_what_is_optional_has_no_deadline() -> None:
    inputs = (wait_for("a"), wait_for("c", optional=True))
    engine = Engine(trigger(LATCHED, *inputs, deadline=Deadline(Then.FIRE_PARTIAL, after=HOUR)))
    assert engine.feed(came("c", at(0)), until=at(3)) == []


def test_it_is_known_beforehand_when_what_came_is_given_up() -> None:
    latched = trigger(Join(Mode.LATCHED, expire=DAY))
    assert gives_up_at(latched, "", at(0)) == at(24)
    assert gives_up_at(latched, "", None) is None
    assert gives_up_at(trigger(Join(Mode.WINDOW, within=HOUR)), "", at(0)) == at(1)
    assert gives_up_at(trigger(Join(Mode.LEVEL)), "", at(0)) is None
    dropping = trigger(Join(Mode.LATCHED, expire=DAY), deadline=Deadline(Then.DROP, after=HOUR))
    assert gives_up_at(dropping, "", at(0)) == at(1)
    told = trigger(Join(Mode.LATCHED, expire=DAY), deadline=Deadline(Then.ALERT, after=HOUR))
    assert gives_up_at(told, "", at(0)) == at(24)
    epoch = trigger(DAILY)
    assert gives_up_at(epoch, iso(at(0)), at(1)) == ends_at(epoch, iso(at(0)))


# --- gates -----------------------------------------------------------------------------------------------------

FAILED = Passed(Verdict.FAILED, "1 of 1 check failed: unique", failed=("unique",))


def passing(since: dict[str, int], until: int | None = None) -> World:
    """Make a world in which updates of runs pass from some time on, and others fail after ``until``."""

    def gate(arrived: Arrived, now: int) -> Passed:
        if (opens := since.get(arrived.run_id)) is not None and now >= opens:
            return OPEN
        if until is None or now >= until:
            return FAILED
        return Passed(Verdict.AWAITED, "checks are awaited", until)

    return World(gates=gate)


def test_a_gate_opens_later() -> None:
    engine = Engine(trigger(LATCHED, gated("a"), wait_for("b")), passing({"r": at(3)}, at(5)))
    assert engine.feed(a(0, run="r"), b(1)) == []
    assert engine.last[""].standing is Standing.WAITING
    (fired,) = engine.feed(until=at(3))
    assert (fired.at, engine.last[""].blockings) == (at(3), [])


def test_a_gate_fails_at_the_end_of_its_time_and_says_so_once() -> None:
    engine = Engine(trigger(LATCHED, gated("a")), passing({"good": 0}, at(5)))
    engine.feed(a(0, run="bad"))
    assert engine.last[""].wake == at(5)
    engine.feed(until=at(6))
    (blocking,) = engine.last[""].blockings
    assert (blocking.arrived.run_id, blocking.passed.failed) == ("bad", ("unique",))
    assert engine.last[""].standing is Standing.BLOCKED
    engine.feed(until=at(7))
    assert engine.last[""].blockings == []
    # What comes in its place takes it along.
    assert consumed(engine.feed(a(8, run="good"))[0]) == {"a": [at(0), at(8)]}


def test_what_a_gate_holds_back_is_not_consumed_by_a_firing_on_the_rest() -> None:
    when = either(gated("a"), wait_for("b"))
    engine = Engine(trigger(LATCHED, when=when), passing({"r": at(3)}))
    (first,) = engine.feed(a(0, run="r"), b(1))
    (second,) = engine.feed(until=at(3))
    assert [consumed(first), consumed(second)] == [{"b": [at(1)]}, {"a": [at(0)]}]


def test_level_does_not_fire_on_what_a_gate_holds_back() -> None:
    engine = Engine(trigger(LEVEL, when=either(gated("a"), wait_for("b"))), passing({"r": at(3)}))
    assert len(engine.feed(b(0))) == 1
    assert engine.feed(a(1, run="r")) == []
    assert consumed(engine.feed(until=at(3))[0]) == {"a": [at(1)]}


def test_a_deadline_fires_without_what_a_gate_holds_back() -> None:
    rule = trigger(LATCHED, gated("a"), wait_for("b"), deadline=Deadline(Then.FIRE_PARTIAL, after=HOUR))
    engine = Engine(rule, passing({"r": at(5)}))
    assert engine.feed(a(0, run="r"), until=at(2)) == []
    assert engine.states[""].overdue_at == at(1)
    # The deadline has passed: the first that counts fires.
    (first,) = engine.feed(b(3))
    (second,) = engine.feed(until=at(5))
    assert [(each.at, consumed(each), each.partial) for each in (first, second)] == [
        (at(3), {"b": [at(3)]}, True),
        (at(5), {"a": [at(0)]}, True),
    ]


def test_of_two_datasets_one_may_fail_its_checks() -> None:
    engine = Engine(trigger(LATCHED, gated("a")), passing({"good": 0}))
    assert len(engine.feed(a(0, run="good", dataset_id=1), a(1, run="bad", dataset_id=2))) == 1
    assert consumed(engine.feed(a(2, run="good", dataset_id=3))[0]) == {"a": [at(2)]}


def test_the_newest_of_a_dataset_is_in_the_place_of_those_before() -> None:
    engine = Engine(trigger(LATCHED, gated("a"), wait_for("b")), passing({"good": 0}))
    assert engine.feed(a(0, run="good"), a(1, run="bad"), b(2)) == []


def test_each_hour_of_a_day_passes_its_gate() -> None:
    bad = "bad"
    engine = Engine(
        trigger(BY_DAY, gated("a", grain=Grain.HOUR)),
        World(gates=lambda each, now: OPEN if each.run_id != bad else FAILED),
    )
    hours = [
        a(number, run=bad if number == 7 else f"r{number}", partition=f"2026-11-22T{number:02}")
        for number in range(24)
    ]
    assert engine.feed(*hours) == []
    (blocking,) = engine.last["2026-11-22"].blockings
    assert blocking.arrived.run_id == bad
    (fired,) = engine.feed(a(30, run="again", partition="2026-11-22T07"))
    assert len(consumed(fired)["a"]) == 25


# --- what holds it back ----------------------------------------------------------------------------------------


def test_debounce_waits_for_quiet_but_not_for_ever() -> None:
    guard = Guard(quiet=10 * MINUTE, max_wait=25 * MINUTE)
    engine = Engine(trigger(LEVEL, wait_for("a"), guard=guard))
    ten = [came("a", NOON + number * 8 * MINUTE) for number in range(4)]
    (fired,) = engine.feed(*ten, until=at(1))
    assert (fired.at, len(consumed(fired)["a"])) == (NOON + 25 * MINUTE, 4)
    (fired,) = engine.feed(a(2), until=at(3))
    assert fired.at == at(2) + 10 * MINUTE


def test_cooldown_keeps_what_comes_and_fires_once_after_it() -> None:
    engine = Engine(trigger(LEVEL, wait_for("a"), guard=Guard(cooldown=HOUR)))
    assert len(engine.feed(a(0), a(0.25), a(0.5), a(0.75))) == 1
    (fired,) = engine.feed(until=at(2))
    assert (fired.at, consumed(fired)["a"]) == (at(1), [at(0.25), at(0.5), at(0.75)])


def test_what_comes_while_it_is_held_back_fires_once_and_is_all_taken() -> None:
    world = World(held=lambda state, now: [Hold("in_flight")])
    engine = Engine(trigger(LATCHED), world)
    hours = [each(number) for number in range(5) for each in (a, b)]
    assert engine.feed(*hours, until=at(90)) == []
    assert engine.last[""].standing is Standing.HELD
    world.held = lambda state, now: []
    (fired,) = engine.feed(until=at(100))
    assert {name: len(each) for name, each in consumed(fired).items()} == {"a": 5, "b": 5}


def test_schedule_and_data_fires_at_the_tick_or_when_it_is_complete_after_it() -> None:
    engine = Engine(trigger(LATCHED, schedule="0 */6 * * *"))
    (fired,) = engine.feed(a(1), b(2), until=at(7))
    assert fired.at == at(6)
    # The tick of 12 hours passes without data; it fires as soon as there is some, once.
    (fired,) = engine.feed(a(13), b(14), a(15), b(16), until=at(17))
    assert (fired.at, len(consumed(fired)["a"])) == (at(14), 1)
    assert [each.at for each in engine.feed(until=at(40))] == [at(18)]


def test_epochs_have_one_schedule() -> None:
    with pytest.raises(RuleError, match="a schedule already"):
        trigger(DAILY, schedule="0 6 * * *")


def test_earliest_holds_until_that_time_of_the_day() -> None:
    engine = Engine(trigger(LATCHED, earliest=time(18), timezone="Europe/Berlin"))
    (fired,) = engine.feed(a(0), b(1), until=at(5))
    assert fired.at == at(5)
    assert [each.at for each in engine.feed(a(6), b(7))] == [at(7)]


def test_what_is_complete_does_not_expire() -> None:
    engine = Engine(trigger(Join(Mode.WINDOW, within=HOUR), guard=Guard(cooldown=9 * HOUR)))
    engine.feed(a(0), b(0))
    (fired,) = engine.feed(a(1), b(2), until=at(10))
    assert (fired.at, consumed(fired)) == (at(9), {"a": [at(1)], "b": [at(2)]})


def test_what_is_complete_no_more_expires_and_takes_nothing_newer_along() -> None:
    shut = World(gates=lambda arrived, now: OPEN if arrived.at != at(2) else Passed(Verdict.FAILED, "failed"))
    rule = trigger(Join(Mode.PARTITION, keys=Keys(), expire=HOUR), gated("a"), guard=Guard(cooldown=9 * HOUR))
    engine = Engine(rule, shut, restarts=False)
    day = "2026-11-22"
    # The first fires; the second is held back by the cooldown until a later one, which a gate does not let through,
    # leaves nothing to fire with.
    engine.feed(a(0, partition=day), a(1, partition=day), a(2, partition=day), a(5, partition=day))
    assert [consumed(each) for each in engine.feed(until=at(10))] == [{"a": [at(5)]}]


def test_windows_take_updates_away() -> None:
    engine = Engine(trigger(LATCHED), World(dropped=lambda arrived: arrived.at < at(1)))
    assert engine.feed(a(0), b(2)) == []
    assert len(engine.feed(a(3))) == 1


def test_what_is_not_made_up_for_is_recorded_as_such() -> None:
    engine = Engine(trigger(DAILY), World(left_out=lambda now: now < at(2)))
    assert [each.skipped for each in engine.feed(a(0), b(1), a(25), b(26))] == [True, False]


# --- by hand ---------------------------------------------------------------------------------------------------


def test_firing_by_hand_takes_what_is_there_whatever_is_missing() -> None:
    rule = trigger(LATCHED, gated("a"), wait_for("b"))
    engine = Engine(rule, passing({}))
    engine.feed(a(0))
    first = fire_by_hand(rule, "", engine.states[""], at(1), engine.world, "n1", "anna").firings[0]
    assert (first.cause, first.by, first.partial, consumed(first)) == (
        Cause.MANUAL,
        "anna",
        True,
        {"a": [at(0)]},
    )
    second = fire_by_hand(rule, "", engine.states[""], at(1), engine.world, "n2", "anna").firings[0]
    assert consumed(second) == {}
    assert first.fire_key != second.fire_key
    assert engine.feed(b(2)) == []


def test_what_was_due_before_comes_before_what_is_done_by_hand() -> None:
    rule = trigger(LATCHED, deadline=Deadline(Then.FIRE_PARTIAL, after=HOUR))
    engine = Engine(rule)
    engine.feed(a(0))
    done = fire_by_hand(rule, "", engine.states[""], at(2), engine.world, "n", "anna")
    assert [(each.cause, each.at) for each in done.firings] == [
        (Cause.DEADLINE, at(1)),
        (Cause.MANUAL, at(2)),
    ]


def test_reset_gives_up_what_has_come() -> None:
    rule = trigger(LATCHED)
    engine = Engine(rule)
    engine.feed(a(0))
    assert reset(rule, "", engine.states[""], at(1), engine.world).standing is Standing.IDLE
    assert engine.feed(a(0), b(2)) == []
    assert consumed(engine.feed(a(3))[0]) == {"a": [at(3)], "b": [at(2)]}
