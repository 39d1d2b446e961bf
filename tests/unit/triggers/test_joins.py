"""Joins: when updates belong together, what a firing takes, and what time does to what is incomplete."""

from __future__ import annotations

from typing import Any

import pytest

from lineage.instants import parse_instant
from tests.events import HOUR, MINUTE, NOON
from tests.unit.triggers.joining import (
    Engine,
    World,
    came,
    consumed,
    either,
    every,
    trigger,
    wait_for,
)
from triggers.arrivals import BACKFILL, SAME_VERSION, Arrived
from triggers.conditions import AtLeast, Join, Keys, Mode
from triggers.firings import Cause
from triggers.holds import Hold
from triggers.joins import Standing
from triggers.model import Grain

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


# --- modes -----------------------------------------------------------------------------------------------------


def test_latched_takes_all_since_the_last_firing() -> None:
    engine = Engine(trigger(LATCHED))
    assert engine.feed(a(0), a(1)) == []
    (first,) = engine.feed(b(2))
    assert (first.at, first.cause, first.partial) == (at(2), Cause.DATA, False)
    assert consumed(first) == {"a": [at(0), at(1)], "b": [at(2)]}
    # One input again does not fire: the other has to come again as well.
    assert engine.feed(b(3)) == []
    (second,) = engine.feed(a(4))
    assert consumed(second) == {"a": [at(4)], "b": [at(3)]}
    assert first.fire_key != second.fire_key


def test_latched_gives_up_what_came_too_long_ago() -> None:
    engine = Engine(trigger(Join(Mode.LATCHED, expire=2 * HOUR)))
    engine.feed(a(0), a(1))
    assert engine.last[""].wake == at(2)
    # The first is given up just then; the second still counts.
    (fired,) = engine.feed(b(2))
    assert consumed(fired) == {"a": [at(1)], "b": [at(2)]}
    engine.feed(a(3))
    assert engine.feed(b(5)) == []
    assert engine.states[""].begun_at == at(5)


def test_window_takes_what_lies_close_enough() -> None:
    engine = Engine(trigger(WINDOW))
    (fired,) = engine.feed(a(0), b(1))
    assert consumed(fired) == {"a": [at(0)], "b": [at(1)]}
    later = came("b", at(3) + 1)
    assert engine.feed(a(2), later) == []
    (fired,) = engine.feed(a(4))
    assert consumed(fired) == {"a": [at(4)], "b": [later.at]}


def test_window_goes_by_receipt_whatever_clocks_of_producers_say() -> None:
    engine = Engine(trigger(WINDOW))
    assert len(engine.feed(a(0, event_time=at(10)), b(1, event_time=at(-90)))) == 1


def test_epoch_fires_once_a_tick_on_what_came_since() -> None:
    engine = Engine(trigger(DAILY))
    (first,) = engine.feed(a(1), b(2))
    assert (first.key, consumed(first)) == ("2026-11-22T12:00:00.000000Z", {"a": [at(1)], "b": [at(2)]})
    assert engine.feed(a(3), b(4)) == []
    # Just before the tick it counts for the next epoch.
    assert engine.feed(a(23.5), a(23.75)) == []
    (second,) = engine.feed(b(26))
    assert (second.key, consumed(second)["a"]) == ("2026-11-23T12:00:00.000000Z", [at(23.5), at(23.75)])


def test_epoch_forgets_at_the_tick_what_is_incomplete() -> None:
    engine = Engine(trigger(DAILY))
    assert engine.feed(a(1), b(24)) == []
    assert engine.last["2026-11-22T12:00:00.000000Z"].standing is Standing.DONE
    assert consumed(engine.feed(a(25))[0]) == {"a": [at(25)], "b": [at(24)]}


def test_epoch_that_is_complete_fires_also_when_it_is_held_back_past_the_next_tick() -> None:
    until = at(30)
    world = World(held=lambda state, now: [Hold("window", until)] if now < until else [])
    engine = Engine(trigger(DAILY), world)
    engine.feed(a(1), b(2), a(25))
    (fired,) = engine.feed(until=until)
    assert (fired.key, fired.at, consumed(fired)) == (
        "2026-11-22T12:00:00.000000Z",
        until,
        {"a": [at(1)], "b": [at(2)]},
    )


@pytest.mark.parametrize(
    ("now", "key"),
    [
        # In Berlin clocks go forward on 29 March 2026 at 02:00, back on 25 October at 03:00. A fixed time that is left
        # out is the moment after the gap, one that comes twice the first.
        ("2026-03-28T23:00:00.000000Z", "2026-03-28T01:30:00.000000Z"),
        ("2026-03-29T00:59:00.000000Z", "2026-03-28T01:30:00.000000Z"),
        ("2026-03-29T01:00:00.000000Z", "2026-03-29T01:00:00.000000Z"),
        ("2026-10-25T00:29:00.000000Z", "2026-10-24T00:30:00.000000Z"),
        ("2026-10-25T00:30:00.000000Z", "2026-10-25T00:30:00.000000Z"),
        ("2026-10-25T01:30:00.000000Z", "2026-10-25T00:30:00.000000Z"),
    ],
)
def test_epochs_where_clocks_are_changed(now: str, key: str) -> None:
    join = Join(Mode.EPOCH, schedule="30 2 * * *")
    engine = Engine(trigger(join, wait_for("a"), timezone="Europe/Berlin"))
    (fired,) = engine.feed(came("a", parse_instant(now)[0]))
    assert fired.key == key


def test_partition_joins_what_is_of_the_same_day() -> None:
    engine = Engine(trigger(BY_DAY))
    monday, tuesday = {"partition": "dt=2026-11-23"}, {"nominal_at": at(37)}
    assert engine.feed(a(0, **monday), b(1, **tuesday)) == []
    (first,) = engine.feed(a(2, **tuesday))
    (second,) = engine.feed(b(30, **monday))
    assert [first.key, second.key] == ["2026-11-24", "2026-11-23"]
    assert consumed(second) == {"a": [at(0)], "b": [at(30)]}
    # The same day once more is another generation.
    (third,) = engine.feed(a(31, **monday), b(32, **monday))
    assert third.key == second.key
    assert third.fire_key != second.fire_key


def test_partition_counts_what_came_for_an_old_day_but_not_a_version_again() -> None:
    engine = Engine(trigger(BY_DAY))
    old = {"partition": "2026-01-05"}
    assert engine.feed(a(0, **old, news=SAME_VERSION), b(0, **old)) == []
    assert engine.feed(a(1, **old, news=BACKFILL))[0].key == "2026-01-05"


@pytest.mark.parametrize("join", [LATCHED, WINDOW, DAILY, LEVEL])
def test_a_backfill_is_no_news_to_who_waits_for_newer_data(join: Join) -> None:
    engine = Engine(trigger(join))
    assert engine.feed(a(0, news=BACKFILL), a(0, news=SAME_VERSION), b(0)) == []


def test_partition_is_given_up_as_a_whole() -> None:
    engine = Engine(trigger(Join(Mode.PARTITION, keys=Keys(), expire=DAY)))
    day = {"partition": "2026-11-22"}
    engine.feed(a(0, **day), a(23, **day))
    assert engine.feed(b(24, **day)) == []
    assert consumed(engine.feed(a(25, **day))[0]) == {"a": [at(25)], "b": [at(24)]}


def test_hours_make_a_day() -> None:
    hourly = wait_for("a", grain=Grain.HOUR)
    engine = Engine(trigger(BY_DAY, hourly))
    hours = [a(number, partition=f"2026-11-22T{number:02}") for number in range(24)]
    late = hours.pop(7)
    assert engine.feed(*hours, hours[0], until=at(24)) == []
    assert engine.last["2026-11-22"].evaluation.tree["of"][0]["missing"] == "2026-11-22T07"
    (fired,) = engine.feed(late._replace(at=at(25)))
    assert len(consumed(fired)["a"]) == 24


@pytest.mark.parametrize(("day", "number"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_hours_make_a_day_where_clocks_are_changed(day: str, number: int) -> None:
    engine = Engine(trigger(BY_DAY, wait_for("a", grain=Grain.HOUR), timezone="Europe/Berlin"))
    midnight = parse_instant(f"{day}T00:00:00{'+01:00' if number == 23 else '+02:00'}")[0]
    hours = [came("a", at(hour), nominal_at=midnight + hour * HOUR) for hour in range(number)]
    assert engine.feed(*hours[:-1]) == []
    assert [each.key for each in engine.feed(hours[-1])] == [day]


def test_an_update_of_several_days_counts_for_each() -> None:
    engine = Engine(trigger(BY_DAY))
    engine.feed(a(0, partition="2026-11-20,2026-11-21"))
    assert [each.key for each in engine.feed(b(1, partition="2026-11-21"))] == ["2026-11-21"]
    assert [each.key for each in engine.feed(b(2, partition="2026-11-20"))] == ["2026-11-20"]


def test_level_fires_on_anything_new_while_all_is_well() -> None:
    engine = Engine(trigger(LEVEL))
    assert engine.feed(a(0)) == []
    assert consumed(engine.feed(b(1))[0]) == {"a": [at(0)], "b": [at(1)]}
    assert consumed(engine.feed(b(2))[0]) == {"b": [at(2)]}
    assert consumed(engine.feed(a(900))[0]) == {"a": [at(900)]}


def test_what_comes_at_the_instant_of_a_firing_counts_for_the_next() -> None:
    engine = Engine(trigger(LATCHED))
    assert len(engine.feed(a(0), b(1), a(1, run="again"), until=at(2))) == 1
    assert consumed(engine.feed(b(2))[0]) == {"a": [at(1)], "b": [at(2)]}


# --- conditions ------------------------------------------------------------------------------------------------


def test_parts_nest() -> None:
    c, d = wait_for("c"), wait_for("d")
    when = every(wait_for("a"), AtLeast(2, (wait_for("b"), c, either(d, wait_for("e")))))
    engine = Engine(trigger(LATCHED, when=when))
    assert engine.feed(a(0), came("e", at(1)), came("d", at(2))) == []
    (fired,) = engine.feed(came("c", at(3)))
    assert consumed(fired) == {"a": [at(0)], "c": [at(3)], "d": [at(2)], "e": [at(1)]}


def test_an_optional_input_is_taken_along_and_never_waited_for() -> None:
    inputs = (wait_for("a"), wait_for("b"), wait_for("c", optional=True))
    engine = Engine(trigger(LATCHED, *inputs))
    engine.feed(came("c", at(0)))
    assert (engine.last[""].standing, engine.last[""].state.begun_at) == (Standing.IDLE, None)
    assert consumed(engine.feed(a(1), b(2))[0]) == {"a": [at(1)], "b": [at(2)], "c": [at(0)]}
    assert engine.feed(came("c", at(3)), until=at(4)) == []
    assert consumed(engine.feed(a(5), b(6))[0])["c"] == [at(3)]


def test_an_optional_input_alone_fires_nothing_in_mode_level() -> None:
    engine = Engine(trigger(LEVEL, wait_for("a"), wait_for("c", optional=True)))
    assert len(engine.feed(a(0))) == 1
    assert engine.feed(came("c", at(1))) == []
    assert consumed(engine.feed(a(2))[0]) == {"a": [at(2)], "c": [at(1)]}


def test_what_is_told_again_is_nothing_new() -> None:
    engine = Engine(trigger(LATCHED))
    assert len(engine.feed(a(0), a(0), b(1), b(1), a(0))) == 1
    engine.feed(a(2), b(3))
    assert engine.feed(a(0), b(1), a(2), b(3), until=at(4)) == []


def test_what_a_run_wrote_may_become_known_bit_by_bit() -> None:
    engine = Engine(trigger(BY_DAY, wait_for("a", grain=Grain.HOUR)))
    first = ",".join(f"2026-11-22T{hour:02}" for hour in range(23))
    assert engine.feed(a(0, run="r", partition=first)) == []
    (fired,) = engine.feed(a(1, run="r", partition=f"{first},2026-11-22T23"))
    assert consumed(fired) == {"a": [at(0)]}
