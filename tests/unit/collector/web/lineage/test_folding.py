"""What is folded of a graph that is too large, and in which order."""

from __future__ import annotations

from typing import Any

from collector.web.lineage.folding import MOST_BOXES, Folded, folded, origin_of, parent_of
from collector.web.lineage.graph import Graph, Node, key_of

FOCUS = "dataset:s:focus"


def graph(*edges: tuple[str, str], **states: str) -> Graph:
    """Make a graph of nodes like ``job:s:load``; states by their names."""
    found = Graph(FOCUS)
    for id_ in dict.fromkeys((FOCUS, *(end for edge in edges for end in edge))):
        type_, namespace, name = id_.split(":")
        facts: dict[str, Any] = {"id": id_, "type": type_, "namespace": namespace, "name": name, "depth": 1}
        found.nodes[id_] = Node({**facts, "state": states.get(name)}, key_of(id_))
    found.add({"nodes": [], "edges": [{"from": a, "to": b, "kind": "data", "via": []} for a, b in edges]})
    return found


def fold(given: Graph, grouping: str = "auto", opened: dict[str, int] | None = None, **more: Any) -> Folded:
    return folded(given, grouping, more.get("keep", {FOCUS}), opened or {}, more.get("tools", {}))


def readers(count: int, namespace: str = "s") -> list[tuple[str, str]]:
    return [(FOCUS, f"job:{namespace}:read{number}") for number in range(count)]


def test_what_a_reader_can_take_in_is_not_folded() -> None:
    found = fold(graph(*readers(MOST_BOXES - 1)))
    assert (found.groups, found.boxes) == ([], MOST_BOXES)
    assert fold(graph(*readers(999)), "none").boxes == 1000


def test_leaves_that_look_alike_become_a_number_beside_their_node() -> None:
    found = fold(graph(*readers(200), read3="FAIL", read4="RUNNING", read5="RUNNING", read6="RUNNING"))
    assert sorted((len(group.members), group.state) for group in found.groups) == [
        (3, "RUNNING"),
        (196, None),
    ]
    assert {node.name for node in found.nodes.values()} == {"focus", "read3"}
    assert found.leaves[FOCUS, 1] == found.groups
    assert [ends[1] for ends in found.edges()] == [key_of("job:s:read3")]


def test_what_was_opened_comes_out_page_by_page_the_worst_first() -> None:
    given = graph(*readers(200))
    (group,) = fold(given).groups
    once, twice = (fold(given, opened={group.key: times}) for times in (1, 2))
    assert (once.boxes, len(once.groups[0].members)) == (31, 170)
    assert (twice.boxes, len(twice.groups[0].members)) == (61, 140)
    assert fold(given, opened={group.key: 7}).groups == []


def test_siblings_become_one_box_with_the_edges_of_all() -> None:
    edges = [(FOCUS, f"job:s:copy{number}") for number in range(200)]
    edges += [(f"job:s:copy{number}", "dataset:s:all") for number in range(200)]
    found = fold(graph(*edges))
    (group,) = found.groups
    assert (len(group.members), group.hangs_on, found.boxes) == (200, None, 3)
    assert {ends: len(of) for ends, of in found.edges().items()} == {
        (key_of(FOCUS), group.key): 200,
        (group.key, key_of("dataset:s:all")): 200,
    }


def test_what_matters_is_never_folded() -> None:
    edges = [(f"dataset:t:{number}", f"job:s:{number}") for number in range(300)]
    edges += [(f"job:s:{number}", FOCUS) for number in range(300)]
    given = graph(*edges, **{"7": "late"})
    found = fold(given, keep={FOCUS, "job:s:9"})
    names = {node.id for node in found.nodes.values()}
    assert {FOCUS, "job:s:9", "dataset:t:7"} <= names
    assert found.fits()
    # Of both sides of a group something is drawn, and nothing is lost.
    assert sum(len(group.members) for group in found.groups) + len(found.nodes) == len(given.nodes)


def test_grouping_goes_by_namespace_parent_or_tool() -> None:
    given = graph(*readers(4, "a"), *readers(5, "b"))
    assert sorted(group.label for group in fold(given, "namespace").groups) == ["a", "b"]
    tools = {id_: "SPARK" for id_ in given.nodes if id_ != FOCUS}
    assert [(group.label, len(group.members)) for group in fold(given, "tool", tools=tools).groups] == [
        ("SPARK", 9)
    ]


def test_parents_and_origins_are_read_off_names() -> None:
    def node(type_: str, namespace: str, name: str) -> Node:
        return Node({"id": "", "type": type_, "namespace": namespace, "name": name}, "n")

    assert parent_of(node("dataset", "postgres://h", "shop.public.orders")) == "shop.public"
    assert parent_of(node("dataset", "s3://lake", "bronze/clicks")) == "bronze"
    assert parent_of(node("job", "airflow", "alone")) == "airflow"
    assert origin_of(node("dataset", "s3://lake", "x")) == "s3"
    assert origin_of(node("dataset", "bigquery", "x")) == "bigquery"
