"""Who is told what, and when, as alerts come and go."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.triggers.wrong import MINUTE, clock, flows, late, node
from triggers.alerts import Alert, Matcher, Severity
from triggers.notification_log import Reason
from triggers.pipeline import Notification, Outcome, State, step
from triggers.routing import OWNER, Policy, Route, Timing
from triggers.silences import Silence, Window

DAY = 1440


def at_nine(now: int) -> int:
    """Give the first nine o'clock after a moment."""
    return now + DAY * MINUTE - (now - clock(120)) % (DAY * MINUTE)


PAGE = Route("page", ("pager",))
DIGEST = Route("digest", (OWNER,), affected=True, digest=at_nine)
POLICY = Policy((PAGE, DIGEST), default="chat", owners={"team:shop": "shop-chat"})


@dataclass
class Life:
    """A pipeline that is stepped whenever it asks for it, and whenever something changes."""

    graph: nx.DiGraph[str]
    policy: Policy = POLICY
    state: State = field(default_factory=State)
    wake: int | None = None
    now: int = clock(-DAY)

    def step(self, minute: float, alerts: Sequence[Alert], **other: Any) -> Outcome:
        self.now = clock(minute)
        outcome = step(self.state, alerts, self.graph, self.policy, self.now, **other)
        self.state, self.wake = outcome.state, outcome.wake
        return outcome

    def until(self, minute: float, alerts: Sequence[Alert], **other: Any) -> list[Notification]:
        """Go on with the same alerts up to a minute after seven, and give what is told."""
        told = list(self.step(max((self.now - clock(0)) / MINUTE, 0), alerts, **other).notifications)
        while self.wake is not None and self.wake <= clock(minute):
            assert self.wake > self.now, "it would never sleep"
            told += self.step((self.wake - clock(0)) / MINUTE, alerts, **other).notifications
        self.now = clock(minute)
        return told


Told = tuple[float, str, str, str, str]


def lines(notifications: Sequence[Notification]) -> list[Told]:
    """Give minute, receiver, reason, and the names of what fires and what is resolved."""
    return [
        (
            (each.at - clock(0)) / MINUTE,
            each.group.receiver,
            each.reason.value,
            " ".join(standing.alert.name for standing in each.firing),
            " ".join(alert.name for alert in each.resolved),
        )
        for each in notifications
    ]


def silence(name: str, end: float) -> Silence:
    return Silence("s", (Matcher("name", name),), clock(0), clock(end), "anna", "known", clock(0))


# --- the cause --------------------------------------------------------------------------------------------------------


def star() -> tuple[nx.DiGraph[str], list[Alert]]:
    """Make a root with 20 branches of ten each."""
    names = [f"b{branch:02}.{number}" for branch in range(20) for number in range(10)]
    edges = [f"root>b{branch:02}.0" for branch in range(20)]
    edges += [f"b{branch:02}.{n}>b{branch:02}.{n + 1}" for branch in range(20) for n in range(9)]
    return flows(*edges), [
        late("root", owner="team:load"),
        *(late(name, owner="team:shop") for name in names),
    ]


def test_a_late_root_with_200_stale_descendants_is_one_page_and_one_digest() -> None:
    graph, alerts = star()
    told = Life(graph).until(180, alerts)
    assert [line[:3] for line in lines(told)] == [(1, "pager", "first"), (120, "shop-chat", "first")]
    page, digest = told
    assert [(standing.alert.name, standing.affects) for standing in page.firing] == [("root", 200)]
    assert len(digest.firing) == 200
    assert {standing.cause for standing in digest.firing} == {node("root")}
    assert digest.firing[0].path[0] == node("root")
    deepest = next(each for each in digest.firing if each.alert.name == "b07.9")
    assert deepest.path == (node("root"), *(node(f"b07.{number}") for number in range(10)))


def test_a_branch_that_stays_stale_after_the_root_is_fixed_alerts_by_itself() -> None:
    graph, alerts = star()
    life = Life(graph)
    life.until(60, alerts)
    branch = [alert for alert in alerts if alert.name.startswith("b07.") and alert.name != "b07.0"]
    told = life.until(180, branch)
    assert lines(told) == [
        (61, "pager", "all_resolved", "", "root"),
        (75, "pager", "first", "b07.1", ""),
        (120, "shop-chat", "first", "b07.2 b07.3 b07.4 b07.5 b07.6 b07.7 b07.8 b07.9", ""),
    ]
    assert told[1].firing[0].affects == 8
    assert {standing.cause for standing in told[2].firing} == {node("b07.1")}


def test_what_is_fixed_before_the_digest_is_never_told() -> None:
    graph, alerts = star()
    life = Life(graph)
    life.until(60, alerts)
    assert lines(life.until(2 * DAY, [])) == [(61, "pager", "all_resolved", "", "root")]


def test_a_digest_is_told_again_the_next_day_and_never_for_what_is_resolved() -> None:
    life = Life(flows("a>b", "a>c"), replace(POLICY, routes=(DIGEST,)))
    alerts = [late("a"), late("b"), late("c")]
    assert lines(life.until(130, alerts)) == [(120, "chat", "first", "b c", "")]
    assert lines(life.until(120 + DAY, alerts[:2])) == [(120 + DAY, "chat", "repeat", "b", "")]
    assert lines(life.until(120 + 3 * DAY, [])) == []


def test_the_failed_run_upstream_is_told_instead_of_what_it_makes_late_and_as_severe() -> None:
    graph = flows("a>b", "x>y")
    failed = replace(late("a", -30, owner="team:load"), rule="failed_run", only_as_cause=True)
    harmless = replace(late("x", -30), rule="failed_run", only_as_cause=True)
    policy = replace(POLICY, routes=(Route("r", (OWNER, "pager")), DIGEST), owners={"team:load": "loaders"})
    mart = late("b", severity=Severity.CRITICAL, owner="team:shop")
    life = Life(graph, policy)
    told = life.until(30, [failed, harmless, mart])
    assert lines(told) == [(0, "loaders", "first", "a", ""), (0, "pager", "first", "a", "")]
    assert told[0].firing[0].alert.severity is Severity.CRITICAL
    assert lines(life.until(60, [failed, harmless]))[0] == (35, "loaders", "all_resolved", "", "a")


def test_what_was_told_before_its_cause_was_known_is_resolved_once_and_not_told_twice() -> None:
    life = Life(flows("a>b"))
    b = late("b")
    assert lines(life.until(10, [b])) == [(1, "pager", "first", "b", "")]
    failed = late("a", -5)
    assert lines(life.until(60, [failed, b])) == [(10, "pager", "first", "a", "")]
    fixed = replace(failed, ends=clock(60))
    assert lines(life.until(180, [fixed, b])) == [(65, "pager", "all_resolved", "", "a")]
    assert lines(life.until(200, [])) == [(181, "pager", "all_resolved", "", "b")]


def test_a_circle_of_late_datasets_is_one_page() -> None:
    told = Life(flows("a>b>c>a")).until(60, [late("a"), late("b"), late("c")])
    assert lines(told) == [(1, "pager", "first", "a", "")]


# --- muting -----------------------------------------------------------------------------------------------------------


def test_what_is_resolved_while_silenced_and_never_told_is_not_told() -> None:
    life = Life(flows("a>b"))
    assert life.until(30, [late("a")], silences=[silence("a", 60)]) == []
    assert life.until(120, [], silences=[silence("a", 60)]) == []


def test_what_is_resolved_while_affected_and_never_told_is_not_told() -> None:
    life = Life(flows("a>b"), replace(POLICY, routes=(PAGE,)))
    assert lines(life.until(30, [late("a"), late("b")])) == [(1, "pager", "first", "a", "")]
    assert life.until(60, [late("a")]) == []


def test_a_silence_that_ends_lets_what_still_fires_through() -> None:
    told = Life(flows("a>b")).until(90, [late("a")], silences=[silence("a", 60)])
    assert lines(told) == [(61, "pager", "first", "a", "")]


def test_what_was_told_and_then_silenced_is_resolved_and_not_repeated() -> None:
    life = Life(flows("a>b"))
    life.until(10, [late("a")])
    assert life.until(2 * DAY, [late("a")], silences=[silence("a", 3 * DAY)]) == []
    assert lines(life.until(2 * DAY + 10, [], silences=[silence("a", 3 * DAY)])) == [
        (2 * DAY + 1, "pager", "all_resolved", "", "a")
    ]


def test_a_maintenance_window_mutes_and_says_so() -> None:
    window = Window("upgrade", (Matcher("namespace", "w"),), clock(0), clock(60), "anna", "upgrade")
    life = Life(flows("a>b"))
    assert life.until(30, [late("a")], windows=[window]) == []
    outcome = life.step(30, [late("a")], windows=[window])
    assert [standing.muted for standing in outcome.standings.values()] == [("window", "upgrade")]


# --- timing -----------------------------------------------------------------------------------------------------------


def same(**timing: int) -> Policy:
    """Give a policy with one group for everything; times in minutes."""
    given = {name: value * MINUTE for name, value in timing.items()}
    return Policy((PAGE,), default="chat", group_by=(), timing=replace(Timing(), **given))


def test_a_group_waits_before_its_first_message_and_between_two() -> None:
    life = Life(flows("a>z"), same(group_wait=2, group_interval=5))
    a, b, c = late("a"), late("b", 1), late("c", 3)
    told = life.until(1, [a]) + life.until(3, [a, b]) + life.until(20, [a, b, c])
    assert lines(told) == [(2, "pager", "first", "a b", ""), (7, "pager", "new_firing", "a b c", "")]


def test_what_is_over_before_the_wait_is_never_told() -> None:
    life = Life(flows("a>z"), same(group_wait=2))
    assert life.until(1, [late("a")]) + life.until(60, []) == []
    assert life.step(90, []).state == State()
    assert life.wake is None


def test_repeats_come_at_the_first_interval_after_they_are_due() -> None:
    told = Life(flows("a>z"), same(group_wait=1, group_interval=5, repeat_interval=12)).until(40, [late("a")])
    assert [line[:3] for line in lines(told)] == [
        (1, "pager", "first"),
        (16, "pager", "repeat"),
        (31, "pager", "repeat"),
    ]


def test_an_acknowledged_alert_is_not_repeated_but_resolved() -> None:
    life = Life(flows("a>z"), same(group_wait=1, group_interval=5, repeat_interval=12))
    known = frozenset([late("a").fingerprint])
    assert len(life.until(40, [late("a")], acknowledged=known)) == 1
    assert lines(life.until(60, [], acknowledged=known)) == [(41, "pager", "all_resolved", "", "a")]


def test_an_alert_that_is_old_when_first_seen_is_told_at_once() -> None:
    life = Life(flows("a>z"), same(group_wait=10))
    assert lines(list(life.step(0, [late("a", -10)]).notifications)) == [(0, "pager", "first", "a", "")]
    waiting = Life(flows("a>z"), same(group_wait=10))
    waiting.step(0, [late("a")])
    assert lines(list(waiting.step(3, [late("a"), late("b", -30)]).notifications)) == [
        (3, "pager", "first", "a b", "")
    ]


def test_a_late_step_does_not_make_two_of_one() -> None:
    life = Life(flows("a>z"), same(group_wait=1))
    life.step(0, [late("a")])
    assert len(life.step(300, [late("a")]).notifications) == 1
    assert life.step(300, [late("a")]).notifications == ()
    assert life.wake == clock(305)


def test_part_of_a_group_that_is_over_is_told_with_the_rest() -> None:
    life = Life(flows("a>z"), same())
    life.until(10, [late("a"), late("b")])
    assert lines(life.until(20, [late("b")])) == [(11, "pager", "new_resolved", "b", "a")]


# --- routing ----------------------------------------------------------------------------------------------------------


def test_the_first_route_that_matches_takes_an_alert() -> None:
    critical = Route("critical", ("pager", OWNER), (Matcher("severity", "critical"),))
    finance = Route("finance", (OWNER,), (Matcher("tag", "domain:finance"),))
    policy = Policy((critical, finance), default="chat", owners={"team:shop": "shop-chat"})
    alerts = [
        late("a", severity=Severity.CRITICAL, owner="team:shop", tags=frozenset({"domain:finance"})),
        late("b", tags=frozenset({"domain:finance", "x"}), owner="team:unknown"),
        late("c"),
    ]
    life = Life(flows("a>z"), policy)
    assert {line[1:] for line in lines(life.until(2, alerts))} == {
        ("pager", "first", "a", ""),
        ("shop-chat", "first", "a", ""),
        ("chat", "first", "b", ""),
    }
    standings = life.step(3, alerts).standings
    assert standings[late("c").fingerprint].groups == ()


def test_routes_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="called page"):
        Policy((PAGE, DIGEST, PAGE), default="chat")


def test_an_alert_that_becomes_worse_is_resolved_where_it_was_and_told_where_it_goes() -> None:
    routes = (Route("critical", ("pager",), (Matcher("severity", "critical"),)), Route("rest", ("chat",)))
    life = Life(flows("a>z"), replace(POLICY, routes=routes))
    life.until(10, [late("a")])
    told = life.until(20, [late("a", severity=Severity.CRITICAL)])
    assert lines(told) == [(10, "pager", "first", "a", ""), (11, "chat", "all_resolved", "", "a")]


def test_what_a_route_told_is_resolved_after_the_route_is_gone() -> None:
    life = Life(flows("a>z"))
    life.until(10, [late("a")])
    life.policy = Policy((Route("new", ("other",)),), default="chat")
    assert lines(life.until(20, [late("a")])) == [
        (10, "other", "first", "a", ""),
        (11, "pager", "all_resolved", "", "a"),
    ]


# --- the same for all -------------------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 120),
        st.lists(st.sampled_from("abcdef"), unique=True),
        st.sampled_from([None, "a", "c"]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda event: event[0],
)
GRAPH = flows("a>b>c>d", "a>e", "f>e", "d>b")


def run(events: list[tuple[int, list[str], str | None]], order: Callable[[list[Alert]], list[Alert]]) -> Any:
    """Live through changes of what is late and silenced; give all that is told, and what is kept."""
    life, told = Life(order_of(GRAPH, order)), list[Notification]()
    events = sorted(events)
    for (minute, names, muted), following in zip(
        events, [*(event[0] for event in events[1:]), 300], strict=True
    ):
        life.now = clock(minute)
        alerts = order([late(name, min(minute, ord(name) % 3)) for name in names])
        silences = [silence(muted, minute + 30)] if muted else []
        told += life.until(following - 0.001, alerts, silences=silences)
    return told, life.state


def order_of(graph: nx.DiGraph[str], order: Callable[[Any], Any]) -> nx.DiGraph[str]:
    return nx.DiGraph(order(list(graph.edges)))


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_alerts_change_nothing(
    events: list[tuple[int, list[str], str | None]], chance: random.Random
) -> None:
    def mixed(given: list[Any]) -> list[Any]:
        return chance.sample(given * 2, len(given) * 2)

    assert run(events, list) == run(events, mixed)


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_only_what_was_told_is_resolved_and_nothing_is_left_open(
    events: list[tuple[int, list[str], str | None]],
) -> None:
    told, state = run(events, list)
    life = Life(GRAPH, state=state, now=clock(300))
    told += life.until(5000, [])
    believed: dict[str, set[str]] = {}
    for each in told:
        if each.group.route == DIGEST.name:
            continue
        firing = believed.setdefault(each.group.id, set())
        over = {alert.fingerprint for alert in each.resolved}
        assert over <= firing
        firing |= {standing.alert.fingerprint for standing in each.firing}
        firing -= over
    assert not any(believed.values())
    assert len({each.id for each in told}) == len(told)
    assert life.step(5000, []).state == State()
    assert life.wake is None


def test_two_who_decide_from_the_same_state_say_the_same() -> None:
    state = step(State(), [late("a")], GRAPH, POLICY, clock(0)).state
    one, other = (step(state, [late("a")], GRAPH, POLICY, clock(minute)) for minute in (1, 1.5))
    assert [each.id for each in one.notifications] == [each.id for each in other.notifications]
    assert one.notifications[0].reason is Reason.FIRST
    assert len(one.notifications[0].group.id) <= 255


@pytest.mark.parametrize("reason", Reason)
def test_reasons_are_words(reason: Reason) -> None:
    assert reason.value == reason.name.lower()
