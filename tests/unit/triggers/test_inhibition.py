"""Which alerts something upstream explains."""

from __future__ import annotations

import random
import time

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.triggers.wrong import clock, flows, late, node
from triggers.alerts import Alert, unique
from triggers.inhibition import Affected, inhibit, path


def causes(
    graph: nx.DiGraph[str], *alerts: Alert, now: float = 60, depth: int = 10
) -> dict[str, tuple[str, int | None]]:
    """Give the affected, by name, with the cause and when that ended."""
    known = unique(alerts)
    found = inhibit(known, graph, clock(now), depth)
    return {
        known[fingerprint].name: (each.cause.rpartition(":")[2], each.gone_at)
        for fingerprint, each in found.items()
    }


@pytest.mark.parametrize(
    ("upstream", "downstream", "affected"),
    [
        pytest.param({"since": -30}, {"since": 0}, True, id="went bad before"),
        pytest.param({"since": 0}, {"since": 0}, True, id="same deadline"),
        pytest.param({"since": 30}, {"since": 0}, False, id="went bad after"),
        pytest.param({"since": -30}, {"since": 0, "last_good": clock(-10)}, False, id="good meanwhile"),
        pytest.param({"since": -30}, {"since": 0, "last_good": clock(-30)}, False, id="good at that moment"),
        pytest.param({"since": -30}, {"since": 0, "last_good": None}, True, id="never good"),
        pytest.param({"since": -30, "ends": clock(50)}, {"since": 0}, True, id="cause gone a while ago"),
        pytest.param({"since": -30, "ends": clock(45)}, {"since": 0}, False, id="cause gone for long"),
        pytest.param({"since": 90}, {"since": 0}, False, id="not bad yet"),
        pytest.param({"since": -30}, {"since": 0, "ends": clock(10)}, False, id="itself over"),
    ],
)
def test_what_explains_an_alert(upstream: dict[str, int], downstream: dict[str, int], affected: bool) -> None:
    found = causes(flows("a>b"), late("a", **upstream), late("b", **downstream))
    assert found == ({"b": ("a", upstream.get("ends"))} if affected else {})


def test_the_cause_is_the_most_upstream_and_the_path_leads_through_what_is_bad() -> None:
    known = unique([late("a"), late("c"), late("e")])
    found = inhibit(known, flows("a>b>c>d>e", "a>e"), clock(60))
    assert causes(flows("a>b>c>d>e"), *known.values()) == {"c": ("a", None), "e": ("a", None)}
    assert path(found, late("c").fingerprint) == (node("a"), node("b"), node("c"))
    assert path(found, late("e").fingerprint) == (node("a"), node("e")), "the nearest way"
    assert path(found, late("a").fingerprint) == ()


def test_a_path_leads_along_all_legs() -> None:
    known = unique(late(name) for name in "ace")
    found = inhibit(known, flows("a>b>c>d>e"), clock(60))
    assert path(found, late("e").fingerprint) == tuple(node(name) for name in "abcde")


def test_the_depth_counts_edges_between_two_bad_nodes() -> None:
    chain = flows("a>b>c>d>e")
    assert causes(chain, late("a"), late("d"), depth=2) == {}
    assert causes(chain, late("a"), late("d"), depth=3) == {"d": ("a", None)}
    assert causes(chain, late("a"), late("c"), late("e"), depth=2) == {"c": ("a", None), "e": ("a", None)}


def test_two_alerts_of_one_node_do_not_explain_each_other() -> None:
    stale = Alert("max_age", "dataset", "w", "a", late("a").severity, clock(-5), last_good=clock(-1440))
    assert causes(flows("a>b", "b>a"), late("a"), stale, late("b", 10)) == {"b": ("a", None)}


def test_one_of_a_circle_stays_the_cause() -> None:
    circle = flows("a>b>c>a", "c>d")
    assert causes(circle, late("a"), late("b"), late("c"), late("d")) == {
        "b": ("a", None),
        "c": ("a", None),
        "d": ("a", None),
    }
    assert causes(circle, late("a", 5), late("b", 5), late("c", 0)) == {"a": ("c", None), "b": ("c", None)}
    assert causes(flows("a>a"), late("a")) == {}


def test_an_open_cause_counts_before_one_that_is_gone() -> None:
    graph = flows("gone>b", "open>x>b")
    assert causes(graph, late("gone", ends=clock(50)), late("open"), late("b", 10)) == {"b": ("open", None)}


def test_what_follows_something_that_catches_up_has_the_same_cause() -> None:
    gone = late("a", ends=clock(50))
    assert causes(flows("a>b>c"), gone, late("b", 5), late("c", 10)) == {
        "b": ("a", clock(50)),
        "c": ("a", clock(50)),
    }


def test_a_node_outside_the_graph_stands_alone() -> None:
    assert causes(flows("a>b"), late("z", -50), late("b")) == {}


def test_paths_of_a_long_chain_are_cut() -> None:
    names = [f"n{number:04}" for number in range(5000)]
    known = unique(late(name) for name in names)
    found = inhibit(known, flows(">".join(names)), clock(60))
    assert len(found) == 4999
    way = path(found, late(names[-1]).fingerprint, longest=50)
    assert (way[0], way[-1], len(way)) == (node("n0000"), node("n4999"), 52)


NAMES = "abcdefgh"
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)
ALERTS = st.lists(
    st.builds(
        lambda name, since, good, ends: late(
            name, since, last_good=clock(good), ends=None if ends is None else clock(ends)
        ),
        st.sampled_from(NAMES),
        st.integers(-20, 20),
        st.integers(-30, 20),
        st.one_of(st.none(), st.integers(20, 60)),
    ),
    max_size=10,
)


@settings(max_examples=150, deadline=None)
@given(EDGES, ALERTS, st.integers(1, 4))
def test_it_is_what_the_rule_says(edges: list[tuple[str, str]], alerts: list[Alert], depth: int) -> None:
    graph = flows(*(f"{one}>{other}" for one, other in edges))
    known = unique(alerts)
    found = inhibit(known, graph, clock(60), depth)
    open_ = {key: alert for key, alert in known.items() if alert.open(clock(60))}
    for key, alert in open_.items():
        if alert.node not in graph:
            assert key not in found
            continue
        explaining = {
            other
            for other, cause in known.items()
            if cause.node in graph
            and cause.node != alert.node
            and (cause.ends is None or clock(60) < cause.ends + 15 * 60_000_000)
            and nx.has_path(graph, cause.node, alert.node)
            and nx.shortest_path_length(graph, cause.node, alert.node) <= depth
            and cause.starts <= alert.starts
            and (alert.last_good is None or alert.last_good < cause.starts)
            # In a circle, one of those that went bad at one moment comes first.
            and (
                cause.starts < alert.starts
                or not nx.has_path(graph, alert.node, cause.node)
                or cause.node < alert.node
            )
        }
        assert (key in found) == bool(explaining)
        if key in found:
            assert found[key].via in explaining
            assert found[key].root not in found or known[found[key].root].ends is not None
            way = path(found, key)
            assert way[0] == found[key].cause
            assert way[-1] == alert.node
            assert nx.is_path(graph, list(way))


@settings(max_examples=80, deadline=None)
@given(EDGES, ALERTS, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(
    edges: list[tuple[str, str]], alerts: list[Alert], chance: random.Random
) -> None:
    texts = [f"{one}>{other}" for one, other in edges]

    def found() -> dict[str, Affected]:
        return inhibit(unique(alerts), flows(*texts), clock(60))

    first = found()
    alerts += chance.sample(alerts, len(alerts) // 2)
    texts += texts[:3]
    chance.shuffle(alerts)
    chance.shuffle(texts)
    assert found() == first


def test_ten_thousand_alerts_on_twenty_thousand_edges_take_about_a_second() -> None:
    chance = random.Random(7)
    names = [f"n{number}" for number in range(10_000)]
    edges: set[tuple[str, str]] = set()
    while len(edges) < 20_000:
        far = chance.randrange(1, 10_000)
        edges.add((node(names[chance.randrange(max(0, far - 2000), far)]), node(names[far])))
    graph: nx.DiGraph[str] = nx.DiGraph(sorted(edges))
    known = unique(late(name, chance.randrange(60)) for name in names)
    started = time.process_time()
    found = inhibit(known, graph, clock(120))
    took = time.process_time() - started
    assert len(found) > 5000
    assert took < 4, "four times what it takes on two busy cores"
