"""Replaying triggers: gates, windows and the breaker, over changes as they became known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import time
from typing import Any

from lineage.runs import Update
from tests.events import HOUR, MINUTE, NOON
from tests.unit.triggers.joining import consumed, gated, trigger, wait_for
from triggers.conditions import Deadline, Gate, Guard, Join, Keys, Mode, Then, Trigger
from triggers.facts import Check
from triggers.growing import Change, GrowingFacts
from triggers.maintenance import ForTriggers, Maintenance
from triggers.model import Assertions, Due, Expectation, Grace, Selector
from triggers.replay import Replay
from triggers.trigger_replay import Course, Source, TriggerReplay

A, B = 1, 2
END = NOON + 48 * HOUR
LATCHED = Join(Mode.LATCHED, expire=24 * HOUR)


def source(update: Update) -> Source:
    name = {A: "a", B: "b"}[update.dataset_id]
    return Source("pg", name, b"%d" % update.run_id, f"run {update.run_id}", 1, "shop", f"load_{name}")


def came(hour: float, dataset: int, run: int, **values: Any) -> Change:
    at = NOON + round(hour * HOUR)
    update = Update(dataset, at, run, at, None, None, None, None, "run")._replace(**values)
    return Change(at, dataset, new=[update])


def replayed(
    rule: Trigger,
    changes: Iterable[Change],
    windows: Iterable[Maintenance] = (),
    expectations: Mapping[str, Expectation] | None = None,
) -> Course:
    changes, expectations = list(changes), expectations or {}
    expected = {id_: {A} for id_ in expectations}
    looks = list(Replay(expectations, expected, GrowingFacts(), NOON).run(changes, END))
    bindings = {(rule.id, id_): {A if id_ == "a" else B} for id_ in rule.inputs}
    run = TriggerReplay({rule.id: rule}, bindings, expected, list(windows), source, NOON)
    fired = list(run.run(changes, looks, END))
    assert fired == run.courses[rule.id].firings
    return run.courses[rule.id]


def times(course: Course) -> list[float]:
    return [(each.at - NOON) / HOUR for each in course.firings]


def test_what_came_before_the_start_fires_nothing() -> None:
    course = replayed(trigger(LATCHED), [came(-1, A, 1), came(1, B, 2), came(2, A, 3)])
    assert [consumed(each)["a"] for each in course.firings] == [[NOON + 2 * HOUR]]
    assert (course.arrived, course.waiting) == (2, 0)


def test_time_alone_fires() -> None:
    rule = trigger(LATCHED, deadline=Deadline(Then.FIRE_PARTIAL, at=time(18)))
    course = replayed(rule, [came(1, A, 1)])
    assert (times(course), course.firings[0].partial, course.overdue) == ([6], True, 1)
    epochs = trigger(
        Join(Mode.EPOCH, schedule="0 18 * * *"), deadline=Deadline(Then.FIRE_PARTIAL, after=HOUR)
    )
    assert times(replayed(epochs, [])) == [7, 31]


def test_checks_open_gates_and_the_next_update_closes_them() -> None:
    rule = trigger(LATCHED, gated("a"))
    check = Check("unique", NOON + 2 * HOUR, 9, True)
    course = replayed(rule, [came(1, A, 1), Change(NOON + 2 * HOUR, A, new_checks=[check]), came(3, A, 2)])
    assert (times(course), course.waiting) == ([2], 0)
    bad = Change(NOON + 2 * HOUR, A, new_checks=[check._replace(success=False)])
    course = replayed(rule, [came(1, A, 1), bad])
    assert (times(course), course.blocked) == ([], 1)


def test_checks_are_waited_for_only_so_long() -> None:
    rule = trigger(LATCHED, wait_for("a", gate=Gate(Assertions(wait=HOUR))))
    assert replayed(rule, [came(1, A, 1)]).blocked == 1


def test_expectations_open_gates() -> None:
    due = Expectation(
        id="due", selector=Selector(name="a"), condition=Due(at=time(16), accept=HOUR), grace=Grace(0, HOUR)
    )
    rule = trigger(LATCHED, wait_for("b", gate=Gate(expectations=("due",))))
    course = replayed(rule, [came(0.5, A, 1), came(6, B, 2), came(7, A, 3)], expectations={"due": due})
    assert [consumed(each) for each in course.firings] == [{"b": [NOON + 6 * HOUR]}]
    assert course.firings[0].at >= NOON + 7 * HOUR - MINUTE


def test_windows_hold_or_drop() -> None:
    hold = Maintenance(
        id="w", author="anna", reason="work", once=(NOON + HOUR, NOON + 3 * HOUR), triggers=ForTriggers.HOLD
    )
    changes = [came(2, A, 1), came(2.5, A, 2), came(4, A, 3)]
    rule = trigger(Join(), wait_for("a"))
    assert times(replayed(rule, changes, [hold])) == [3, 4]
    assert times(replayed(rule, changes, [replace(hold, triggers=ForTriggers.DROP)])) == [4]


def test_a_trigger_that_fires_too_often_stops_for_good() -> None:
    rule = trigger(Join(), wait_for("a"), guard=Guard(max_fires=3, per=2 * HOUR))
    course = replayed(rule, [came(number / 2, A, number) for number in range(20)])
    assert (times(course), course.broken_at) == ([0, 0.5, 1], NOON + 90 * MINUTE)


def test_backfills_and_versions_are_told_by_what_was_there() -> None:
    changes = [
        came(1, A, 1, nominal_at=NOON, version="v1"),
        came(2, A, 2, nominal_at=NOON - HOUR, version="v2"),
        came(3, A, 3, nominal_at=NOON, version="v1"),
        came(4, A, 4, nominal_at=NOON + HOUR, version="v3"),
    ]
    assert times(replayed(trigger(Join(), wait_for("a")), changes)) == [1, 4]


def test_what_is_amended_came_once_and_what_has_no_partition_is_counted() -> None:
    first, again = came(1, A, 1), came(2, A, 1, rows=5)
    again.gone = first.new
    assert len(replayed(trigger(Join(), wait_for("a")), [first, again]).firings) == 1
    rule = trigger(Join(Mode.PARTITION, keys=Keys()), wait_for("a"))
    course = replayed(rule, [came(1, A, 1), came(2, A, 2, partition="2026-11-22")])
    assert (course.unkeyed, [each.key for each in course.firings]) == (1, ["2026-11-22"])
