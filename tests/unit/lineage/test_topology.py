"""Paths, single points of failure and cycles."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.topology import Gate, circles, gates, paths, round_trip

NODES = st.sampled_from("abcdefgh")
GRAPHS = st.lists(st.tuples(NODES, NODES).filter(lambda ends: ends[0] != ends[1]), max_size=20)


def graph(*edges: str) -> nx.DiGraph[str]:
    """Make a graph of chains: ``abc`` is a -> b -> c."""
    made: nx.DiGraph[str] = nx.DiGraph()
    for chain in edges:
        made.add_edges_from(pairwise(chain))
    return made


def test_paths_are_given_the_shortest_first() -> None:
    diamond = graph("acz", "abyz", "bz")
    assert paths(diamond, "a", "z", 10, 10) == ([list("abz"), list("acz"), list("abyz")], False)
    assert paths(diamond, "a", "z", 2, 10) == ([list("abz"), list("acz")], True)
    assert paths(diamond, "a", "z", 10, 2) == ([list("abz"), list("acz")], True)
    assert paths(diamond, "z", "a", 10, 10) == ([], False)
    assert paths(diamond, "a", "unknown", 10, 10) == ([], False)


def test_the_path_from_a_node_to_itself_is_the_node() -> None:
    assert paths(graph("aba"), "a", "a", 10, 10) == ([["a"]], False)


def test_many_paths_are_not_all_looked_for() -> None:
    layers: nx.DiGraph[str] = nx.DiGraph()
    for layer in range(30):
        layers.add_edges_from(
            (f"{layer}.{one}", f"{layer + 1}.{other}") for one in range(20) for other in range(20)
        )
    found = paths(layers, "0.0", "30.0", 50, 100)
    assert (len(found.paths), found.truncated) == (50, True)
    assert {len(path) for path in found.paths} == {31}


def test_a_gate_is_what_everything_passes_or_some_is_cut_off_without() -> None:
    # Two sources through x, and one that comes by itself.
    fed = graph("axz", "bxz", "cz")
    assert gates(fed, "z", upstream=True) == [Gate("x", 2, False)]
    # All through y; two of them through x before.
    fed = graph("axyz", "bxyz", "cyz")
    assert gates(fed, "z", upstream=True) == [Gate("y", 4, True), Gate("x", 2, False)]
    assert gates(graph("azb"), "z", upstream=False) == [Gate("b", 0, True)]
    assert gates(graph("zab", "zcb"), "z", upstream=False) == [Gate("b", 0, True)]


def test_a_cycle_without_a_way_in_is_a_source() -> None:
    assert gates(graph("aba", "axz", "cz"), "z", upstream=True) == [Gate("x", 2, False), Gate("a", 1, False)]
    assert gates(graph("aba", "axz"), "z", upstream=True)[0] == Gate("x", 2, True)


def test_a_node_alone_has_no_gates() -> None:
    alone: nx.DiGraph[str] = nx.DiGraph()
    alone.add_node("a")
    assert gates(alone, "a", upstream=True) == []


@given(GRAPHS, st.booleans())
def test_without_a_gate_just_what_it_cuts_off_is_no_longer_reached(
    edges: list[tuple[str, str]], upstream: bool
) -> None:
    made: nx.DiGraph[str] = nx.DiGraph(edges)
    made.add_node("a")
    found = {gate.id: gate.cut_off for gate in gates(made, "a", upstream=upstream)}

    def reached(graph: nx.DiGraph[str]) -> set[str]:
        return nx.ancestors(graph, "a") if upstream else nx.descendants(graph, "a")

    whole = reached(made)
    for node in whole - {"a"}:
        without: nx.DiGraph[str] = nx.DiGraph(edge for edge in edges if node not in edge)
        without.add_node("a")
        assert found.get(node, 0) == len(whole - {node} - reached(without) - {"a"})


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (("abc",), []),
        (("aba",), [["a", "b", "a"]]),
        (("abca", "ab", "xyx"), [["a", "b", "c", "a"], ["x", "y", "x"]]),
        (("abcda", "ca"), [["a", "b", "c", "a"]]),
    ],
)
def test_cycles_are_found_with_a_way_round(edges: tuple[str, ...], expected: list[list[str]]) -> None:
    made = graph(*edges)
    assert [round_trip(made, circle, min(circle)) for circle in circles(made)] == expected


@given(GRAPHS)
def test_nodes_of_a_cycle_reach_each_other(edges: list[tuple[str, str]]) -> None:
    made: nx.DiGraph[str] = nx.DiGraph(edges)
    found = circles(made)
    for circle in found:
        way = round_trip(made, circle, min(circle))
        assert way[0] == way[-1]
        assert all(made.has_edge(*step) for step in pairwise(way))
        assert set(way) <= circle
    assert set[str]().union(*found) == {node for node in made if _returns(made, node)}


def _returns(made: nx.DiGraph[str], node: str) -> bool:
    return any(nx.has_path(made, other, node) for other in made[node])
