"""What holds of joins whatever comes, in whatever portions, with the state read back in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events import MINUTE, NOON
from tests.unit.triggers.joining import Engine, World, came, either, every, gated, trigger, wait_for
from triggers.arrivals import BACKFILL, NEW, SAME_VERSION, Arrived
from triggers.conditions import AtLeast, Deadline, Guard, Input, Join, Keys, Mode, Then, Trigger
from triggers.evaluation import OPEN, Passed, Verdict
from triggers.firings import Firing
from triggers.holds import Hold
from triggers.joins import State
from triggers.model import Grain

DAYS = tuple(f"2026-11-{day}" for day in (21, 22))
END = NOON + 400 * MINUTE

instants = st.integers(0, 240).map(lambda number: NOON + number * MINUTE)
spans = st.integers(1, 200).map(lambda number: number * MINUTE)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


joins = st.one_of(
    st.builds(Join, st.just(Mode.LATCHED), expire=spans),
    st.builds(Join, st.just(Mode.WINDOW), within=spans),
    st.builds(
        Join,
        st.just(Mode.EPOCH),
        schedule=st.sampled_from(("0 * * * *", "*/20 * * * *", "0 13 * * *")),
        tolerance=st.sampled_from((0, 5 * MINUTE, 10 * MINUTE)),
    ),
    st.builds(Join, st.just(Mode.PARTITION), keys=st.just(Keys()), expire=maybe(spans)),
    st.just(Join()),
)

inputs = st.tuples(
    *(
        st.sampled_from((wait_for(name, optional=name == "d"), gated(name, optional=name == "d")))
        for name in "abcd"
    )
)


def conditions(of: tuple[Input, ...]) -> st.SearchStrategy[AtLeast]:
    a, b, c, d = of
    return st.sampled_from(
        (
            every(a, b),
            every(a, b, d),
            either(a, b),
            AtLeast(2, (a, b, c)),
            either(every(a, b), c, d),
            every(a),
        )
    )


guards = st.one_of(
    st.just(Guard()),
    st.builds(Guard, cooldown=spans),
    st.builds(Guard, quiet=st.just(10 * MINUTE), max_wait=maybe(st.just(30 * MINUTE)), cooldown=maybe(spans)),
)

deadlines = st.one_of(
    st.none(),
    st.builds(Deadline, st.sampled_from(Then), after=spans),
    st.builds(Deadline, st.sampled_from(Then), at=st.just(time(13, 30))),
)


@st.composite
def rules(draw: st.DrawFn) -> Trigger:
    join = draw(joins)
    return trigger(
        join,
        when=draw(inputs.flatmap(conditions)),
        guard=draw(guards),
        deadline=draw(deadlines),
        earliest=draw(maybe(st.just(time(14)))),
        schedule=None if join.schedule else draw(maybe(st.just("30 * * * *"))),
    )


@st.composite
def arrivals(draw: st.DrawFn, rule: Trigger) -> list[Arrived]:
    one = st.builds(
        came,
        st.sampled_from(sorted(rule.inputs)),
        instants,
        st.sampled_from(tuple("uvwxyz")),
        dataset_id=st.sampled_from((1, 2)),
        partition=st.sampled_from((*DAYS, ",".join(DAYS))),
        news=st.sampled_from((NEW, NEW, NEW, BACKFILL, SAME_VERSION)),
    )
    drawn = draw(st.lists(one, max_size=14))
    return sorted(drawn, key=lambda each: each.at)


@dataclass(frozen=True)
class Circumstances:
    """Gates that open and close, and times in which everything is held back."""

    gates: dict[str, tuple[tuple[int, bool], ...]]
    """By run: from when on it is so."""
    held: tuple[tuple[int, int], ...]

    def world(self) -> World:
        return World(gates=self._gate, held=self._hold)

    def _gate(self, arrived: Arrived, at: int) -> Passed:
        now, until = True, None
        for since, passes in self.gates.get(arrived.run_id, ()):
            if since > at:
                until = since
                break
            now = passes
        return OPEN._replace(until=until) if now else Passed(Verdict.FAILED, "failed", until)

    def _hold(self, state: State, at: int) -> list[Hold]:
        return [Hold("window", end) for start, end in self.held if start <= at < end]


@st.composite
def circumstances(draw: st.DrawFn) -> Circumstances:
    turns = st.lists(st.tuples(instants, st.booleans()), max_size=3, unique_by=lambda turn: turn[0])
    spans = st.tuples(instants, instants).map(lambda span: (min(span), max(span)))
    return Circumstances(
        draw(st.dictionaries(st.sampled_from(tuple("uvwxyz")), turns.map(sorted).map(tuple), max_size=4)),
        tuple(draw(st.lists(spans, max_size=2))),
    )


def said(firings: list[Firing]) -> list[tuple[object, ...]]:
    """Say all that matters of firings; those of several keys come in any order."""
    told = [
        (each.at, each.fire_key, each.key, each.consumed_json(), each.cause, each.partial) for each in firings
    ]
    return sorted(told)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_portions_and_restarts_change_nothing_and_nothing_is_lost(data: st.DataObject) -> None:
    rule = data.draw(rules())
    came = data.draw(arrivals(rule))
    around = data.draw(circumstances())
    at_once = Engine(rule, around.world(), restarts=False)
    at_once.feed(*came, until=END)

    one_by_one = Engine(rule, around.world())
    cuts = sorted(data.draw(st.sets(st.integers(0, len(came)))) | {0, len(came)})
    looks = [*(each.at for each in came), END]
    for start, end in pairwise(cuts):
        earliest = came[end - 1].at
        # Up to and with the instant at which the next one comes.
        between = data.draw(st.sampled_from((earliest, (earliest + looks[end]) // 2, looks[end])))
        one_by_one.feed(*came[start:end], until=between)
    one_by_one.feed(until=END)

    assert said(one_by_one.firings) == said(at_once.firings)
    keys = [each.fire_key for each in at_once.firings]
    assert len(set(keys)) == len(keys)
    for key, state in at_once.states.items():
        accounted(rule, key, state, [each for each in at_once.firings if each.key == key], came)


def accounted(rule: Trigger, key: str, state: State, firings: list[Firing], came: list[Arrived]) -> None:
    """Each update that counts is consumed once, or waits, or its time is over."""
    consumed = [(one.input, one.update) for each in firings for part in each.consumed for one in part.updates]
    assert len(set(consumed)) == len(consumed)
    waiting = {(each.input, each.update) for each in state.pending}
    assert not waiting & set(consumed)
    may_expire = rule.join.mode in (Mode.LATCHED, Mode.WINDOW, Mode.EPOCH) or rule.join.expire is not None
    may_expire = may_expire or (rule.deadline is not None and rule.deadline.then is Then.DROP)
    if rule.join.mode is Mode.EPOCH:
        return
    by_day = rule.join.mode is Mode.PARTITION
    counting = {
        (each.input, each.update)
        for each in came
        if (each.news == NEW or (by_day and each.news == BACKFILL))
        and (not by_day or key in str(each.partition))
    }
    accounted_for = waiting | set(consumed)
    assert accounted_for <= counting
    for _, update in counting - accounted_for:
        # The same update for another input was consumed, or its time is over.
        assert may_expire or update in {other for _, other in consumed}
        assert update in state.done


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_order_of_what_comes_at_once_changes_no_firing_of_a_partition(data: st.DataObject) -> None:
    rule = trigger(
        Join(Mode.PARTITION, keys=Keys()), wait_for("a", grain=Grain.HOUR), wait_for("b"), gated("c")
    )
    hours = [came("a", NOON, f"r{hour}", partition=f"2026-11-22T{hour:02}") for hour in range(24)]
    days = [came(name, NOON, partition="2026-11-22") for name in "bc"]
    once = [*hours, *days]
    missing = data.draw(st.none() | st.sampled_from(once))
    known = [each for each in once if each is not missing]
    shuffled = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    in_order, mixed = Engine(rule), Engine(rule)
    in_order.feed(*known)
    mixed.feed(*shuffled)
    assert {each.fire_key for each in mixed.firings} == {each.fire_key for each in in_order.firings}
    assert len(mixed.firings) == (missing is None)
