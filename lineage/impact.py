"""Whom a change of some columns reaches: which of the jobs and datasets downstream read them, and which others only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import networkx as nx


class Affected(StrEnum):
    """Whether the change of a column reaches a node."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Verdict(NamedTuple):
    """Whether a node is affected, and why it is thought so."""

    affected: Affected
    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of columns downstream of those that change; nodes by their ids."""

    changed: Collection[str]
    """The datasets whose columns change."""
    reached: dict[str, list[str]]
    """The datasets that columns are derived from the changed ones, each with these columns; none: all of it."""
    through: Set[str]
    """The jobs that derive them."""
    told: Set[tuple[str, str]]
    """(job, dataset it writes) where it is known which columns the dataset is made of."""


def verdicts(graph: nx.DiGraph[str], known: Known) -> dict[str, Verdict]:
    """Tell of each node of ``graph``, what lies downstream of the changed datasets, whether it is affected.

    A job is not affected if all it writes is known to be made of other columns; a dataset, if the jobs that write it
    are not, or are known to make it of other columns. What is not known stays unknown, and so does what follows it.
    """
    sure = {*known.changed, *known.reached, *known.through}
    doubts: dict[str, str] = {}
    waiting = list(known.changed) + [node for node in sure if node in graph]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node in seen or node not in graph:
            continue
        seen.add(node)
        for after in graph.successors(node):
            if after in sure or after in doubts:
                continue
            if node in doubts:
                doubts[after] = (
                    f"It is not known whether {_name(graph, node)} is affected, from which it follows."
                )
            elif why := _doubt(graph, node, after, known):
                doubts[after] = why
            else:
                continue
            waiting.append(after)
    return {node: _verdict(graph, node, known, doubts) for node in graph}


def _doubt(graph: nx.DiGraph[str], node: str, after: str, known: Known) -> str:
    """Say why it cannot be told that ``after``, which follows a node that is affected, is not."""
    if (node, after) in known.told:
        return ""
    if graph.nodes[after]["node"].type == "dataset":
        return f"{_name(graph, node)} does not say from which columns it makes this."
    untold = [written for written in graph.successors(after) if (after, written) not in known.told]
    if untold:
        return f"It does not say from which columns it makes {_name(graph, min(untold))}."
    if not graph.out_degree(after):
        return f"It writes nothing that would tell which columns of {_name(graph, node)} it reads."
    return ""


def _verdict(graph: nx.DiGraph[str], node: str, known: Known, doubts: dict[str, str]) -> Verdict:
    if node in known.reached:
        columns = known.reached[node]
        return Verdict(
            Affected.YES, f"Derived: {', '.join(columns)}." if columns else "All of it is derived."
        )
    if node in known.changed:
        return Verdict(Affected.YES, "It is what changes.")
    if node in known.through:
        return Verdict(Affected.YES, "What it writes is derived from what changes.")
    if node in doubts:
        return Verdict(Affected.UNKNOWN, doubts[node])
    return Verdict(Affected.NO, _reads_others(graph, node, [*known.changed, *known.reached]))


def _reads_others(graph: nx.DiGraph[str], node: str, affected: Iterable[str]) -> str:
    read = sorted(_name(graph, before) for before in set(affected).intersection(graph.predecessors(node)))
    if read:
        return f"It uses only other columns of {', '.join(read)}."
    return "Everything on the way to it uses only other columns."


def _name(graph: nx.DiGraph[str], node: str) -> str:
    return str(graph.nodes[node]["node"].name)
