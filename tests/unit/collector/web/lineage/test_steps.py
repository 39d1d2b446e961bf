"""Stepping through the changes of a graph, and what boxes say."""

from __future__ import annotations

from collector.web.lineage.graph import Graph, Node, key_of
from collector.web.lineage.timeline import timeline
from collector.web.lineage.wording import line_of, sentence_of
from tests.catalog import NOON

MOMENTS = {
    "items": [{"at": f"2026-11-{day}T00:00:00Z", "came": 1, "went": 0} for day in (20, 10, "05")],
    "truncated": False,
}


def test_steps_lead_from_change_to_change() -> None:
    now = timeline(MOMENTS, None)
    assert (now.earlier, now.has_later, now.before) == ("2026-11-10T00:00:00Z", False, False)
    between = timeline(MOMENTS, "2026-11-12T00:00:00Z")
    assert (between.earlier, between.has_later, between.later) == ("2026-11-05T00:00:00Z", True, None)
    first = timeline(MOMENTS, "2026-11-05T00:00:00Z")
    assert (first.earlier, first.later) == (None, "2026-11-10T00:00:00Z")
    assert timeline(MOMENTS, "2026-11-01T00:00:00Z").before
    assert not timeline(MOMENTS | {"truncated": True}, "2026-11-01T00:00:00Z").before


def test_the_second_line_is_a_time_or_what_is_wrong() -> None:
    def line(type_: str = "dataset", **facts: object) -> str:
        node = Node({"id": "x", "type": type_, "namespace": "s", "name": "x", **facts}, "n")
        return line_of(node, NOON)[0]

    due, last = "2026-11-22T07:00:00Z", "2026-11-22T06:05:00Z"
    assert line() == ""
    assert line(last_update=last) == "updated 06:05"
    assert line(last_update="2026-11-20T06:05:00Z") == "updated 2026-11-20 06:05"
    assert line(state="fresh", deadline="2026-11-22T13:00:00Z", last_update=last) == "06:05 · due 13:00"
    assert line(state="fresh", deadline=due, last_update=last) == "updated 06:05"
    assert line(state="fresh", deadline=due, affected=True) == "will probably be late"
    assert line(state="late", deadline=due, late_by=720.0, violated=True) == "due 07:00 · 12 min late"
    assert line(state="late", deadline=due, affected=True, violated=True) == "due 07:00 · waits for upstream"
    assert line("job", state="COMPLETE", started_at=last) == ""
    assert line("job", state="FAIL", ended_at=last) == "failed 06:05"
    assert line("job", state="RUNNING", started_at=last) == "running since 06:05"


def test_a_sentence_says_all_of_a_node() -> None:
    facts = {"id": "x", "type": "dataset", "namespace": "s", "name": "x", "state": "late", "late_by": 60.0}
    node = Node(
        {**facts, "deadline": "2026-11-22T13:00:00Z", "upstream": 1, "downstream": 2}, "n", change="added"
    )
    words = "dataset x, in s, has come, late by 1 min, due 2026-11-22 13:00 UTC, 1 before it, 2 behind it"
    assert sentence_of(node, NOON) == words


def test_hops_count_from_the_focus_and_from_what_hangs_on_the_rest() -> None:
    found = Graph("b")
    for id_ in "abcdz":
        found.nodes[id_] = Node({"id": id_, "type": "dataset", "namespace": "s", "name": id_}, key_of(id_))
    pairs = [("a", "b"), ("b", "c"), ("a", "d")]
    found.add({"nodes": [], "edges": [{"from": x, "to": y, "kind": "data", "via": []} for x, y in pairs]})
    # d is made from what b is made from, too; z hangs on nothing.
    assert {id_: found.hops[id_] for id_ in "abcd"} == {"a": -1, "b": 0, "c": 1, "d": -2}
    assert found.hops["z"] >= len(found.nodes)
    assert found.between("a", "c") == found.between("c", "a") == {"a", "b", "c"}
    assert found.between("c", "d") == set()
