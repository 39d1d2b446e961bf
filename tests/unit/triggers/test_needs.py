"""As much of the past as an expectation needs says the same of it as all the past."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.runs import Update
from tests.events import HOUR, NOON
from tests.histories import DAY, expectations, moments, updates
from triggers.evaluate import evaluate
from triggers.facts import Facts
from triggers.memory import MemoryFacts
from triggers.model import Expectation, MaxAge, Selector
from triggers.needs import need

ORDERS = 1


@settings(max_examples=300)
@given(updates((1, 2)), expectations(), moments())
def test_what_is_needed_says_the_same_as_all(
    history: list[Update], expectation: Expectation, now: int
) -> None:
    known = MemoryFacts({ORDERS: history}).facts({ORDERS: need(expectation, now)})[ORDERS]
    assert evaluate(expectation, known, now) == evaluate(expectation, Facts(history), now)


@settings(max_examples=100)
@given(updates((1,)), st.lists(expectations(), min_size=2, max_size=4), moments(), st.data())
def test_several_expectations_are_served_at_once_as_things_were_at_any_time(
    history: list[Update], several: list[Expectation], now: int, data: st.DataObject
) -> None:
    source = MemoryFacts({ORDERS: history})
    for until in data.draw(st.lists(moments(), min_size=1, max_size=4)):
        source.until = until
        wanted = need(several[0], now)
        for expectation in several[1:]:
            wanted = wanted.union(need(expectation, now))
        known = source.facts({ORDERS: wanted})[ORDERS]
        then = Facts([update for update in history if update.received_at <= until])
        for expectation in several:
            assert evaluate(expectation, known, now) == evaluate(expectation, then, now)


def test_a_long_history_is_not_read_for_its_last_updates() -> None:
    history = [
        Update(ORDERS, NOON - n * HOUR, n, NOON - n * HOUR, NOON - n * HOUR - DAY, None, f"v{n}", 10, "run")
        for n in range(5000)
    ]
    aged = Expectation(id="aged", selector=Selector(name="orders"), condition=MaxAge(DAY))
    known = MemoryFacts({ORDERS: history}).facts({ORDERS: need(aged, NOON)})[ORDERS]
    assert len(known.updates) < 10
