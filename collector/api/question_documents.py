"""Answers to questions to the graph as ``question_shapes`` writes them, for the API and for the terminal."""

from __future__ import annotations

from typing import Any

from collector.api import cursors
from collector.questions.changes import Changes
from collector.questions.difference import Difference
from collector.questions.impact import Impact
from collector.questions.orphans import Orphans
from collector.questions.routes import Bottlenecks


def _cursor(key: tuple[Any, ...] | None) -> str | None:
    return None if key is None else cursors.encode(key)


def difference(found: Difference, start: int, end: int) -> dict[str, Any]:
    """Give a difference as ``shapes.Difference`` writes it."""
    return {
        "from_": start,
        "to": end,
        "edges": found.edges,
        "nodes": found.nodes,
        "truncated": found.truncated,
        "next_cursor": _cursor(found.next),
    }


def impact(found: Impact) -> dict[str, Any]:
    """Give an impact as ``shapes.Impact`` writes it."""
    items = [
        {
            "id": each.node.id,
            **each.node._asdict(),
            "owners": each.owners,
            "tool": each.tool,
            "last_update": each.last_update,
            "last_run": each.last_run,
            "affected": each.verdict and each.verdict.affected.value,
            "why": each.verdict and each.verdict.why,
        }
        for each in found.consumers
    ]
    return {
        "node": found.start,
        "items": items,
        "truncated": found.truncated,
        "next_cursor": None if found.next is None else cursors.encode((found.next,)),
    }


def single_points(found: Bottlenecks) -> dict[str, Any]:
    """Give single points of failure as ``shapes.SinglePoints`` writes them."""
    items = [
        {
            "id": each.node.id,
            **each.node._asdict(),
            "cut_off": each.gate.cut_off,
            "everything": each.gate.everything,
        }
        for each in found.bottlenecks
    ]
    return {"node": found.node, "items": items, "reached": found.reached, "truncated": found.truncated}


def orphans(found: Orphans) -> dict[str, Any]:
    """Give orphans as ``shapes.Orphans`` writes them."""
    items = [{"id": node.id, **node._asdict()} for node in found.datasets]
    return {"items": items, "next_cursor": _cursor(found.next)}


def changes(found: Changes) -> dict[str, Any]:
    """Give changes as ``shapes.Changes`` writes them."""
    return {
        "node": found.node,
        "items": found.changes,
        "truncated": found.truncated,
        "next_cursor": _cursor(found.next),
    }
