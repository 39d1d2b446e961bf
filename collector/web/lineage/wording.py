"""What boxes and rows say of nodes, in words. Times are UTC; the page's script puts them into the viewer's zone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.times import iso
from collector.web.lineage.graph import Node
from collector.web.moments import span
from lineage.instants import parse_instant

PLAIN = {"dataset": "dataset", "column": "dataset", "job": "job", "run": "job"}
"""The icon of what has no state."""


def css_of(node: Node) -> str:
    """Give the word for the look of a node; without a state it is that of its kind."""
    if node.state is None or node.state == "idle":
        return PLAIN[node.type]
    return node.look.css


def clock(text: str, now: int) -> str:
    """Write an instant (ISO 8601): the time, and before it the day if it is not that of ``now`` (µs UTC)."""
    today = (iso(now) or "")[:10]
    return text[11:16] if text[:10] == today else f"{text[:10]} {text[11:16]}"


def due_of(node: Node, now: int) -> str | None:
    """Give the deadline of a dataset that is to come or was missed: one that was met says nothing any more."""
    due = node.facts.get("deadline")
    open_ = due and (node.facts.get("violated") or parse_instant(due)[0] > now)
    return str(due) if open_ else None


def line_of(node: Node, now: int) -> tuple[str, tuple[str, ...]]:
    """Give the second line of a box at an instant (µs UTC), and the instants that stand in it, in their order."""
    facts = node.facts
    parts = _of_dataset(facts, node, now) if node.type in ("dataset", "column") else _of_run(facts, node)
    words = [before + (clock(at, now) if at else "") for before, at in parts]
    times = tuple(at for _, at in parts if at)
    return " · ".join(words), times


def _of_dataset(facts: Mapping[str, Any], node: Node, now: int) -> list[tuple[str, str | None]]:
    due, last, late = due_of(node, now), facts.get("last_update"), facts.get("late_by")
    if node.state in ("late", "missed"):
        return [("due ", due), (f"{span(late)} late" if late else "not there yet", None)]
    if node.state == "affected":
        return [("due ", due), ("waits for upstream", None)]
    if facts.get("affected") and node.producer is None:
        # An alert about what is still fresh foretells.
        return [("will probably be late", None)]
    if node.producer is not None or due is None:
        return [("updated ", last)] if last else []
    return [("", last), ("due ", due)] if last else [("due ", due)]


def _of_run(facts: Mapping[str, Any], node: Node) -> list[tuple[str, str | None]]:
    began, ended = facts.get("started_at"), facts.get("ended_at")
    if node.state == "RUNNING":
        return [("running since ", began)]
    if node.state in ("FAIL", "ABORT"):
        return [(f"{node.look.word} ", ended or began)]
    return [("", began)] if node.type == "run" and began else []


def sentence_of(node: Node, now: int) -> str:
    """Say all about a node at an instant (µs UTC), for who hears the page or points at a box."""
    facts = node.facts
    parts = [f"{node.type} {node.name}"]
    if node.type == "run":
        parts = [f"run {facts['run_id']} of {node.name}"]
    parts.append(f"in {node.namespace}")
    if node.change:
        parts.append({"added": "has come", "removed": "has gone", "changed": "has changed"}[node.change])
    if node.state is not None and node.state != "idle":
        late = (
            f" by {span(facts['late_by'])}"
            if facts.get("late_by") and node.state in ("late", "missed")
            else ""
        )
        parts.append(node.look.word + late)
    if due := due_of(node, now):
        parts.append(f"due {due[:16].replace('T', ' ')} UTC")
    if facts.get("last_update"):
        parts.append(f"last updated {facts['last_update'][:16].replace('T', ' ')} UTC")
    if facts.get("tool"):
        parts.append(f"run by {facts['tool']}")
    if "upstream" in facts:
        parts.append(f"{facts['upstream']} before it")
        parts.append(f"{facts['downstream']} behind it")
    return ", ".join(parts)
