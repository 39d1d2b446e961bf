"""Replaying rules: which decisions come when, from what is known at each time, and who would have been told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import time

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from lineage.runs import Update
from tests.events import HOUR, MINUTE, NOON
from triggers.alerts import Alert, Matcher, Severity
from triggers.breaches import Described
from triggers.facts import Check
from triggers.growing import Change, GrowingFacts, SchemaSighting
from triggers.model import (
    Assertions,
    CatchUp,
    Due,
    Expectation,
    Grace,
    MaxAge,
    Missed,
    SchemaUnchanged,
    Selector,
)
from triggers.needs import need
from triggers.rehearsal import Rehearsal, Told
from triggers.replay import Look, Replay
from triggers.routing import Policy, Route, Timing
from triggers.silences import Window
from triggers.verdict import State

DAY = 24 * HOUR
ORDERS, MART = 1, 2
EVERY_DAY = Due(at=time(12))
NAMES = {ORDERS: Described("pg", "orders"), MART: Described("pg", "mart")}
PAGER = Policy(routes=(Route("all", ("pager",)),), default="pager", timing=Timing(group_wait=0))


def update(at: int, dataset: int = ORDERS, run: int = 1, **values: object) -> Update:
    known = Update(dataset, at, run, at, None, None, None, None, "run")
    return known._replace(**values)  # type: ignore[arg-type]  # by name


def came(*times: int, dataset: int = ORDERS) -> list[Change]:
    """Give an update at each of these times, known at once."""
    return [Change(at, dataset, new=[update(at, dataset)]) for at in times]


def expected(
    condition: Due | MaxAge | Assertions | SchemaUnchanged = EVERY_DAY, **values: object
) -> Expectation:
    known = Expectation(id="e", selector=Selector(name="orders"), condition=condition)
    return replace(known, **values)  # type: ignore[arg-type]  # by name


def replayed(
    changes: Iterable[Change],
    expectation: Expectation,
    days: int = 3,
    datasets: Iterable[int] = (ORDERS,),
    before: Iterable[Change] = (),
) -> list[Look]:
    """Replay from noon on, given what was known then."""
    facts = GrowingFacts()
    for change in before:
        facts.take(change)
    replay = Replay({"e": expectation}, {"e": set(datasets)}, facts, NOON, slack=0)
    return list(replay.run(changes, NOON + days * DAY))


def states(looks: Iterable[Look]) -> list[tuple[int, State]]:
    return [(each.at, each.stance.state) for each in looks]


# --- decisions -------------------------------------------------------------------------------------------------


def test_timers_run_out_between_changes() -> None:
    grace = Grace(0, HOUR)
    looks = replayed(
        came(NOON + DAY + 2 * HOUR), expected(grace=grace), 2, before=came(NOON - HOUR, NOON - DAY)
    )
    assert states(looks) == [
        (NOON, State.FRESH),
        (NOON + DAY, State.DUE),
        (NOON + DAY + HOUR, State.LATE),
        (NOON + DAY + 2 * HOUR, State.RECOVERED),
    ]


def test_an_update_puts_off_the_timer() -> None:
    times = [NOON + number * HOUR for number in range(1, 5)]
    looks = replayed(came(*times), expected(MaxAge(90 * MINUTE)), 1, before=came(NOON - MINUTE))
    fresh = [(at, State.FRESH) for at in (NOON, *times)]
    assert states(looks) == [*fresh, (times[-1] + 90 * MINUTE, State.LATE)]


def test_the_end_is_not_part_of_it() -> None:
    looks = replayed((), expected(), 1, before=came(NOON - HOUR))
    assert states(looks) == [(NOON, State.FRESH)]


def test_of_changes_before_the_start_nothing_is_decided() -> None:
    early = came(NOON - 3 * HOUR, NOON - 2 * HOUR)
    looks = replayed(early + came(NOON + HOUR), expected(MaxAge(DAY)), 1)
    assert states(looks) == [(NOON, State.FRESH), (NOON + HOUR, State.FRESH)]
    assert looks[0].stance.verdict.since == NOON - 2 * HOUR


def test_what_an_amended_run_no_longer_says_is_forgotten() -> None:
    first, second = update(NOON + HOUR), update(NOON + 2 * HOUR)
    changes = [Change(NOON + HOUR, ORDERS, new=[first])]
    changes.append(Change(NOON + 2 * HOUR, ORDERS, new=[second], gone=[first]))
    looks = replayed(changes, expected(MaxAge(DAY)), 1)
    assert [each.stance.verdict.since for each in looks] == [None, NOON + HOUR, NOON + 2 * HOUR]


def test_changes_at_one_time_are_one_look() -> None:
    at = NOON + HOUR
    looks = replayed([*came(at), Change(at, ORDERS, new=[update(at, run=2)])], expected(MaxAge(DAY)), 1)
    assert len(looks) == 2


def test_the_clock_of_decisions_lags_behind_and_never_goes_back() -> None:
    replay = Replay({"e": expected(MaxAge(HOUR))}, {"e": {ORDERS}}, GrowingFacts(), NOON, slack=MINUTE)
    looks = list(replay.run(came(NOON + 1, NOON + HOUR, NOON + 3 * HOUR), NOON + 210 * MINUTE))
    # At the second change the first one is an hour less a minute old, by the clock that counts.
    assert states(looks) == [
        (NOON, State.UNKNOWN),
        (NOON, State.FRESH),
        (NOON + HOUR - MINUTE, State.FRESH),
        (NOON + 2 * HOUR, State.LATE),
        (NOON + 3 * HOUR - MINUTE, State.RECOVERED),
    ]


def test_checks_and_schemas_are_followed() -> None:
    bad, good = Check("unique", NOON + HOUR, 1, False, None), Check("unique", NOON + HOUR, 1, True, None)
    changes = [
        Change(NOON + HOUR, ORDERS, new_checks=[bad]),
        Change(NOON + 2 * HOUR, ORDERS, new_checks=[good], gone_checks=[bad]),
    ]
    assert [state for _, state in states(replayed(changes, expected(Assertions())))] == [
        State.UNKNOWN,
        State.FAILED,
        State.FRESH,
    ]
    versions = [{"fields": [{"name": name, "type": "int"}]} for name in "ab"]
    changes = [
        Change(at, ORDERS, schemas=[SchemaSighting(bytes([number]), versions[number], at, at)])
        for at, number in ((NOON + HOUR, 0), (NOON + 2 * HOUR, 1), (NOON + 3 * HOUR, 0))
    ]
    assert [state for _, state in states(replayed(changes, expected(SchemaUnchanged())))] == [
        State.UNKNOWN,
        State.FRESH,
        State.FAILED,
        State.FRESH,
    ]


@given(st.data())
def test_what_is_known_does_not_depend_on_the_order_in_which_it_was_learnt(data: st.DataObject) -> None:
    updates = st.builds(
        update,
        st.integers(0, 40).map(lambda hour: NOON + hour * HOUR),
        run=st.integers(1, 5),
        nominal_at=st.none() | st.integers(0, 3).map(lambda day: NOON - day * DAY),
        version=st.none() | st.sampled_from("abc"),
    )
    # As in the table, a run brings one update at a time.
    drawn = data.draw(st.lists(updates, unique_by=lambda each: (each.event_time, each.run_id), max_size=40))
    number = data.draw(st.integers(0, len(drawn)))
    kept, gone = drawn[number:], drawn[:number]
    straight, shuffled = GrowingFacts(), GrowingFacts()
    for each in kept:
        straight.take(Change(NOON, ORDERS, new=[each]))
    for each in data.draw(st.permutations(kept + gone)):
        shuffled.take(Change(NOON, ORDERS, new=[each]))
    for each in data.draw(st.permutations(gone)):
        shuffled.take(Change(NOON, ORDERS, gone=[each]))
    for hour in (0, 10, 20, 45):
        for condition in (MaxAge(3 * HOUR), EVERY_DAY):
            wanted = {ORDERS: need(expected(condition), NOON + hour * HOUR)}
            one, other = (facts.facts(wanted)[ORDERS].updates for facts in (straight, shuffled))
            assert set(one) == set(other)


def test_of_two_updates_at_one_instant_the_same_is_read_whichever_was_told_of_first() -> None:
    twins = [update(NOON - DAY, run=run, nominal_at=NOON - DAY) for run in (1, 2)]
    later = [update(NOON + hour * HOUR, run=hour) for hour in range(9)]
    known = []
    for order in (twins, twins[::-1]):
        facts = GrowingFacts()
        for each in (*order, *later):
            facts.take(Change(NOON, ORDERS, new=[each]))
        found = facts.facts({ORDERS: need(expected(MaxAge(HOUR)), NOON + 9 * HOUR)})[ORDERS]
        known.append(set(found.updates))
    assert known[0] == known[1]


# --- alerts ----------------------------------------------------------------------------------------------------


def told(
    looks: Iterable[Look],
    expectation: Expectation,
    days: int = 3,
    graph: nx.DiGraph[str] | None = None,
    policy: Policy = PAGER,
    **more: object,
) -> Told:
    made: nx.DiGraph[str] = nx.DiGraph() if graph is None else graph
    rehearsal = Rehearsal({"e": expectation}, NAMES, made, policy, **more)  # type: ignore[arg-type]  # by name
    return rehearsal.run(looks, NOON + days * DAY)


def test_an_alert_is_told_when_it_opens_and_when_it_ends() -> None:
    expectation = expected(grace=Grace(0, HOUR))
    looks = replayed(came(NOON + DAY + 2 * HOUR), expectation, 2, before=came(NOON - HOUR, NOON - DAY))
    found = told(looks, expectation, 2)
    (episode,) = found.episodes
    assert (episode.alert.starts, episode.alert.ends) == (NOON + DAY + HOUR, NOON + DAY + 2 * HOUR)
    assert episode.receivers == {"pager"}
    assert [(each.at, each.reason) for each in found.notifications] == [
        (NOON + DAY + HOUR, "first"),
        (NOON + DAY + 2 * HOUR, "all_resolved"),
    ]


def test_what_stays_bad_is_repeated_and_still_open_at_the_end() -> None:
    expectation = expected(MaxAge(HOUR))
    found = told(replayed((), expectation, 2, before=came(NOON - HOUR + 1)), expectation, 2)
    assert [each.reason for each in found.notifications] == ["first", "repeat", "repeat", "repeat"]
    assert found.episodes[0].alert.ends is None


def test_planned_work_holds_back() -> None:
    expectation = expected(MaxAge(HOUR))
    work = Window("work", (), NOON, NOON + 3 * HOUR, "anna", "upgrade")
    looks = replayed(came(NOON + 2 * HOUR), expectation, 1, before=came(NOON - HOUR + 1))
    found = told(looks[:-1], expectation, 1, windows=lambda now: [work])
    assert found.notifications == []
    assert found.episodes[0].muted == ("window", "work")


def test_what_has_a_cause_upstream_is_not_told() -> None:
    expectation = expected(MaxAge(HOUR))
    graph: nx.DiGraph[str] = nx.DiGraph([("dataset:pg:orders", "dataset:pg:mart")])
    before = came(NOON - HOUR + 1) + came(NOON - 30 * MINUTE, dataset=MART)
    looks = replayed((), expectation, 1, datasets=(ORDERS, MART), before=before)
    found = told(looks, expectation, 1, graph)
    assert [each.cause for each in found.episodes] == [None, "dataset:pg:orders"]
    assert found.episodes[1].receivers == set()


def test_a_failed_run_upstream_is_told_instead() -> None:
    expectation = expected(MaxAge(HOUR))
    graph: nx.DiGraph[str] = nx.DiGraph([("job:etl:load", "dataset:pg:orders")])
    failed = Alert(
        rule="failed_run",
        type="job",
        namespace="etl",
        name="load",
        severity=Severity.INFO,
        starts=NOON - 5 * MINUTE,
        ends=NOON + 12 * HOUR,
        only_as_cause=True,
    )
    looks = replayed((), expectation, 1, before=came(NOON - HOUR + 1))
    found = told(looks, expectation, 1, graph, causes=[failed])
    first = found.notifications[0]
    assert [standing.alert.node for standing in first.firing] == ["job:etl:load"]
    assert first.at == NOON + 1


def test_each_release_may_be_an_alert_of_its_own() -> None:
    expectation = expected(missed=Missed(CatchUp.ALL), grace=Grace(0, HOUR))
    looks = replayed((), expectation, 3, before=came(NOON - HOUR, NOON - DAY))
    found = told(looks, expectation, 3)
    assert [each.alert.starts for each in found.episodes] == [NOON + day * DAY + HOUR for day in (1, 2)]


def test_routes_decide_who_is_told() -> None:
    routes = (
        Route("grave", ("pager",), (Matcher("severity", "critical"),)),
        Route("rest", ("chat",)),
    )
    expectation = expected(MaxAge(HOUR))
    looks = replayed((), expectation, 1, before=came(NOON - HOUR + 1))
    found = told(looks, expectation, 1, policy=Policy(routes, "chat"))
    assert {each.group.receiver for each in found.notifications} == {"chat"}
