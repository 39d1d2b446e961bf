"""Gates: which checks and states count for an update, and when that may still change."""

from __future__ import annotations

from typing import Any

import pytest

from lineage.runs import Update
from tests.events import HOUR, MINUTE, NOON
from triggers.arrivals import BACKFILL, NEW, SAME_VERSION, Arrived, news_of
from triggers.conditions import Gate
from triggers.evaluation import OPEN, Passed, Verdict
from triggers.facts import Check
from triggers.gates import judged
from triggers.model import Assertions
from triggers.verdict import State

RUN = 7
OTHER = 8
ARRIVED = Arrived("orders", "1", NOON + MINUTE, 1, "pg", "orders", "run", "shop", "load", NOON)


def check(key: str, at: int = NOON, success: bool = True, run: int = OTHER, severity: Any = None) -> Check:
    return Check(key, at, run, success, severity)


def judge(wanted: Assertions, *checks: Check, at: int = NOON + MINUTE, next_at: int | None = None) -> Passed:
    return judged(Gate(wanted), ARRIVED, checks, next_at, {}, at, run_id=RUN)


def test_checks_count_from_the_update_on_until_the_next_one() -> None:
    wanted = Assertions()
    assert judge(wanted, check("unique")) == OPEN
    assert judge(wanted, check("unique", NOON - 1)).verdict is Verdict.AWAITED
    assert judge(wanted, check("unique", NOON + HOUR), next_at=NOON + HOUR).verdict is Verdict.AWAITED
    assert judge(wanted, check("unique", NOON + HOUR - 1), next_at=NOON + HOUR) == OPEN
    bad_before = check("unique", NOON - 1, success=False)
    assert judge(wanted, bad_before, check("unique")) == OPEN


def test_checks_of_its_own_run_count_whenever_they_were() -> None:
    early = check("unique", NOON - HOUR, success=False, run=RUN)
    assert judge(Assertions(), early) == Passed(
        Verdict.FAILED, "1 of 1 check failed: unique", failed=("unique",)
    )


def test_of_a_check_the_newest_result_counts_and_of_two_at_once_the_one_that_failed() -> None:
    failed, passed = check("a", NOON, success=False), check("a", NOON + 1)
    assert judge(Assertions(), passed, failed) == OPEN
    assert judge(Assertions(), passed, check("a", NOON + 1, success=False)).failed == ("a",)


def test_warnings_count_where_they_are_asked_for() -> None:
    warned = check("a", success=False, severity="warn")
    assert judge(Assertions(), check("b"), warned) == OPEN
    assert judge(Assertions(warnings=True), check("b"), warned) == Passed(
        Verdict.FAILED, "1 of 2 checks failed: a", failed=("a",)
    )


def test_what_is_missing_is_awaited_for_so_long_after_the_update_came() -> None:
    wanted = Assertions(frozenset({"a", "b"}), min_count=3, wait=HOUR)
    until = ARRIVED.at + HOUR
    words = "no result of b has come; 1 of at least 3 checks have come"
    assert judge(wanted, check("a"), at=until - 1) == Passed(Verdict.AWAITED, words, until)
    assert judge(wanted, check("a"), at=until) == Passed(Verdict.FAILED, f"{words} in time")
    assert judge(Assertions(), at=until).verdict is Verdict.AWAITED
    # A failure needs no waiting for the rest; results that come late are results.
    assert judge(wanted, check("a", success=False)).verdict is Verdict.FAILED
    assert judge(Assertions(wait=HOUR), check("a"), at=until + HOUR) == OPEN


@pytest.mark.parametrize(
    ("states", "verdict", "words"),
    [
        ((State.FRESH, State.RECOVERED, State.LEARNING), Verdict.PASSED, None),
        ((State.FRESH, State.DUE), Verdict.AWAITED, "expectation e is not met yet: due"),
        ((State.UNKNOWN,), Verdict.AWAITED, "expectation e is not met yet: unknown"),
        ((), Verdict.AWAITED, "expectation e has not been looked at"),
        ((State.DUE, State.LATE, State.FAILED), Verdict.FAILED, "expectation e is not met: failed, late"),
    ],
)
def test_expectations(states: tuple[State, ...], verdict: Verdict, words: str | None) -> None:
    found = judged(Gate(expectations=("e",)), ARRIVED, (), None, {"e": states}, NOON)
    assert (found.verdict, found.reason) == (verdict, words)


def test_what_is_wrong_comes_before_what_is_not_known_yet() -> None:
    gate = Gate(Assertions(wait=HOUR), ("e", "f"))
    late = judged(gate, ARRIVED, (), None, {"e": (State.LATE,), "f": (State.LATE,)}, NOON)
    assert late == Passed(
        Verdict.FAILED,
        "expectation e is not met: late; expectation f is not met: late",
        ARRIVED.at + HOUR,
        ("e", "f"),
    )
    awaited = judged(gate, ARRIVED, (), None, {"e": (State.FRESH,), "f": (State.DUE,)}, NOON)
    assert awaited.verdict is Verdict.AWAITED
    assert "; expectation f is not met yet" in str(awaited.reason)


def test_what_an_update_brings() -> None:
    plain = Update(1, NOON, 1, NOON, None, None, None, None, "run")
    daily = plain._replace(nominal_at=NOON)
    assert news_of(plain, NOON, True) == NEW
    assert news_of(daily, None, False) == news_of(daily, NOON, False) == NEW
    assert news_of(daily, NOON + 1, False) == BACKFILL
    assert news_of(daily._replace(version="v1"), NOON + 1, True) == SAME_VERSION
