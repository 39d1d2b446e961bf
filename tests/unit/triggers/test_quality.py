"""Whether what has come is as it should be: rows, checks and schemas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.instants import parse_instant
from lineage.runs import Update
from triggers.errors import RuleError
from triggers.evaluate import evaluate
from triggers.facts import Check, Facts, SchemaSeen
from triggers.model import Anomaly, Assertions, Direction, Expectation, SchemaUnchanged, Selector, Volume
from triggers.sentences import sentence
from triggers.verdict import State, Verdict

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
MONDAY = parse_instant("2026-11-23T06:00:00Z")[0]


def judge(condition: Any, facts: Facts, now: int = MONDAY + DAY) -> tuple[State, str]:
    found = verdict(condition, facts, now)
    return found.state, sentence(found.reason, "UTC")


def verdict(condition: Any, facts: Facts, now: int = MONDAY + DAY) -> Verdict:
    return evaluate(Expectation(id="r", selector=Selector(name="t"), condition=condition), facts, now)


def update(at: int = MONDAY, rows: int | None = None, run_id: int = 1) -> Update:
    return Update(1, at, run_id, at, None, None, None, rows, "run")


def weeks(*rows: int) -> Facts:
    """Updates of Mondays, the newest last, and between them those of Sundays, with ten times as many rows."""
    mondays = [update(MONDAY - 7 * n * DAY, count) for n, count in enumerate(reversed(rows))]
    return Facts(mondays + [update(u.event_time - DAY, (u.rows or 0) * 10) for u in mondays])


# --- rows -------------------------------------------------------------------------------------------------------


def test_a_floor_of_rows() -> None:
    assert judge(Volume(10), Facts([update(rows=10)])) == (State.FRESH, "10 rows came at 2026-11-23 06:00.")
    state, words = judge(Volume(10), Facts([update(rows=9)]))
    assert (state, words) == (State.FAILED, "Only 9 rows came at 2026-11-23 06:00; at least 10 are expected.")


def test_the_newest_update_that_says_how_many_rows_it_brought_is_judged() -> None:
    facts = Facts([update(MONDAY - DAY, 3), update(MONDAY)])
    assert judge(Volume(10), facts) == (
        State.FAILED, "Only 3 rows came at 2026-11-22 06:00; at least 10 are expected.",
    )  # fmt: skip
    assert judge(Volume(10), Facts([update()]))[0] is State.UNKNOWN


def test_mondays_are_compared_with_mondays() -> None:
    state, words = judge(Volume(anomaly=Anomaly()), weeks(100, 110, 90, 105, 95, 101))
    assert state is State.FRESH
    assert words == "101 rows came at 2026-11-23 06:00, as usual on a Monday: 70 to 130."
    state, words = judge(Volume(anomaly=Anomaly()), weeks(100, 110, 90, 105, 95, 1_010))
    assert state is State.FAILED
    assert words == (
        "1,010 rows came at 2026-11-23 06:00; usual on a Monday are 70 to 130, and 100 in the middle."
    )


@pytest.mark.parametrize(
    ("direction", "rows", "state"),
    [
        (Direction.BOTH, 10, State.FAILED),
        (Direction.BOTH, 1_000, State.FAILED),
        (Direction.DROP, 10, State.FAILED),
        (Direction.DROP, 1_000, State.FRESH),
        (Direction.SPIKE, 10, State.FRESH),
        (Direction.SPIKE, 1_000, State.FAILED),
    ],
)
def test_only_the_direction_asked_for_is_unusual(direction: Direction, rows: int, state: State) -> None:
    volume = Volume(anomaly=Anomaly(direction=direction))
    assert judge(volume, weeks(100, 110, 90, 105, rows))[0] is state


def test_before_enough_is_known_nothing_is_unusual_but_the_floor_holds() -> None:
    state, words = judge(Volume(1, Anomaly(min_history=4)), weeks(100, 100, 100, 5))
    assert (state, words) == (
        State.LEARNING,
        "5 rows came at 2026-11-23 06:00; 3 of 4 updates are known to compare with.",
    )
    assert judge(Volume(1, Anomaly(min_history=4)), weeks(100, 0))[0] is State.FAILED


def test_what_is_judged_does_not_count_as_usual() -> None:
    # With itself among them, the median of the deviations would be large enough to hide it.
    volume = Volume(anomaly=Anomaly(history=2, min_history=2))
    assert judge(volume, weeks(100, 102, 300))[0] is State.FAILED


def test_an_old_outlier_does_not_widen_what_is_usual() -> None:
    assert judge(Volume(anomaly=Anomaly()), weeks(100, 101, 99, 90_000, 100, 98, 150))[0] is State.FAILED


def test_equal_numbers_leave_room_for_small_deviations() -> None:
    assert judge(Volume(anomaly=Anomaly()), weeks(*[1_000] * 6, 1_039))[0] is State.FRESH
    assert judge(Volume(anomaly=Anomaly()), weeks(*[1_000] * 6, 1_041))[0] is State.FAILED


# --- checks -----------------------------------------------------------------------------------------------------


def check(key: str, success: bool = True, minute: int = 0, **more: Any) -> Check:
    return Check(key, MONDAY + minute * MINUTE, more.pop("run_id", 1), success, **more)


def test_the_newest_result_of_each_check_counts() -> None:
    failed = Facts(checks=[check("a"), check("b", False), check("a", False, 5), check("b", True, 5)])
    assert judge(Assertions(), failed) == (State.FAILED, "Failed: a.")
    passed = Facts(checks=[*failed.checks, check("a", True, 6)])
    assert judge(Assertions(), passed) == (
        State.FRESH,
        "All checks passed (2), the last at 2026-11-23 06:06.",
    )
    assert judge(Assertions(), Facts())[0] is State.UNKNOWN


def test_of_two_results_at_one_instant_the_failure_counts() -> None:
    facts = Facts(checks=[check("a", True, run_id=2), check("a", False, run_id=1)])
    assert judge(Assertions(), facts)[0] is State.FAILED


def test_checks_that_only_warn_count_when_asked_for() -> None:
    facts = Facts(checks=[check("a"), check("b", False, severity="warn")])
    assert judge(Assertions(), facts)[0] is State.FRESH
    assert judge(Assertions(warnings=True), facts) == (State.FAILED, "Failed: b.")


def test_only_named_checks_count_and_all_of_them_are_needed() -> None:
    facts = Facts(checks=[check("a"), check("b", False)])
    assert judge(Assertions(names=frozenset({"a"})), facts)[0] is State.FRESH
    assert judge(Assertions(names=frozenset({"a", "c"})), facts)[0] is State.UNKNOWN


def test_the_newest_update_must_be_checked_in_time() -> None:
    condition = Assertions(wait=30 * MINUTE)
    facts = Facts([update(MONDAY + 10 * MINUTE, run_id=7)], [check("a", False), check("b")])
    waiting = verdict(condition, facts, MONDAY + 20 * MINUTE)
    assert (waiting.state, waiting.next_look) == (State.DUE, MONDAY + 40 * MINUTE)
    late = verdict(condition, facts, MONDAY + 45 * MINUTE)
    assert (late.state, late.late_by, late.next_look) == (State.LATE, 5 * MINUTE, None)
    assert sentence(late.reason, "UTC") == (
        "The update at 2026-11-23 06:10 has not been checked by 2026-11-23 06:40."
    )
    # A check of a later event counts for it, and so does one of the same run that ended a little earlier.
    for checked in (check("a", minute=12), check("a", minute=9, run_id=7)):
        assert judge(condition, Facts(facts.updates, [checked]))[0] is State.FRESH


def test_checks_of_the_newest_update_that_fail_need_no_waiting() -> None:
    facts = Facts([update(run_id=7)], [check("a", False, 1)])
    assert judge(Assertions(wait=30 * MINUTE, min_count=5), facts, MONDAY + 2 * MINUTE)[0] is State.FAILED


@given(data=st.data())
def test_order_and_duplicates_of_checks_change_nothing(data: st.DataObject) -> None:
    made = st.builds(check, st.sampled_from("ab"), st.booleans(), st.integers(0, 3), run_id=st.integers(1, 2))
    log = data.draw(st.lists(made, max_size=8))
    shuffled = data.draw(st.permutations(log + log[:3]))
    assert verdict(Assertions(), Facts(checks=shuffled)) == verdict(Assertions(), Facts(checks=log))


# --- schemas ----------------------------------------------------------------------------------------------------


def schema(day: int, **columns: str) -> SchemaSeen:
    fields = [{"name": name, "type": kind} for name, kind in columns.items()]
    return SchemaSeen(MONDAY + day * DAY, {"fields": fields})


FIRST = schema(-9, id="int", price="float")


@pytest.mark.parametrize(
    ("later", "unchanged", "compatible"),
    [
        (schema(-1, price="FLOAT", id="INT"), State.FRESH, State.FRESH),
        (schema(-1, id="int", price="float", tax="float"), State.FAILED, State.FRESH),
        (schema(-1, id="int"), State.FAILED, State.FAILED),
        (schema(-1, id="int", price="decimal"), State.FAILED, State.FAILED),
    ],
)
def test_changes_of_a_schema(later: SchemaSeen, unchanged: State, compatible: State) -> None:
    facts = Facts(schemas=[later, FIRST, FIRST])
    assert judge(SchemaUnchanged(), facts)[0] is unchanged
    assert judge(SchemaUnchanged(compatible=True), facts)[0] is compatible


def test_a_change_is_told_in_words() -> None:
    facts = Facts(schemas=[FIRST, schema(-1, id="int")])
    assert judge(SchemaUnchanged(), facts) == (
        State.FAILED,
        "The schema has changed at 2026-11-22 06:00: removed price.",
    )
    assert judge(SchemaUnchanged(), Facts())[0] is State.UNKNOWN


def test_a_change_agreed_on_is_none() -> None:
    facts = Facts(schemas=[FIRST, schema(-5, id="int"), schema(-1, id="int", tax="float")])
    assert judge(SchemaUnchanged(since=MONDAY - 3 * DAY), facts) == (
        State.FAILED,
        "The schema has changed at 2026-11-22 06:00: added tax.",
    )
    assert judge(SchemaUnchanged(since=MONDAY), facts)[0] is State.FRESH


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Volume(), "a number of rows"),
        (lambda: Anomaly(history=3, min_history=4), "history must hold"),
        (lambda: Anomaly(sensitivity=0), "more than nothing"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        make()
