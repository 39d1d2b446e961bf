"""The graph of the page: documents of ``/api/v2/lineage`` put together, and what lies where around the focus."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from collector.web import states

UPSTREAM, DOWNSTREAM = -1, 1

BAD = ("failed", "missed", "late")
"""Looks that are shown whatever is folded: see ``states.Look.css``."""


def key_of(id_: str) -> str:
    """Give the short name of a node for ids in HTML and for addresses: hostile names are in neither."""
    return "n" + hashlib.blake2b(id_.encode(errors="replace"), digest_size=5).hexdigest()


@dataclass(slots=True)
class Node:
    """A node as the API gives it (``facts``); ``change`` is what became of it since an earlier graph."""

    facts: Mapping[str, Any]
    key: str
    change: str | None = None
    producer: str | None = None
    """How the runs stand that write a dataset, where that is asked for."""

    @property
    def id(self) -> str:
        return str(self.facts["id"])

    @property
    def type(self) -> str:
        return str(self.facts["type"])

    @property
    def namespace(self) -> str:
        return str(self.facts["namespace"])

    @property
    def name(self) -> str:
        return str(self.facts["name"])

    @property
    def state(self) -> str | None:
        """The state as ``states.look`` knows it; None: nothing is known, or nothing expected."""
        if self.producer is not None:
            return self.producer
        state = self.facts.get("state")
        return "affected" if self.facts.get("affected") and self.facts.get("violated") else state

    @property
    def look(self) -> states.Look:
        """How its state is shown."""
        return states.look(self.state)

    @property
    def bad(self) -> bool:
        """Tell whether something is wrong with it, and not just because something else is."""
        return self.look.css in BAD


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge the way data flow, by ids of nodes."""

    source: str
    target: str
    kind: str = "data"
    via: tuple[str, ...] = ()
    change: str | None = None


@dataclass
class Graph:
    """Nodes by id, in the order in which they came, and edges by their ends."""

    focus: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)

    def add(self, document: Mapping[str, Any], only: Collection[str] | None = None) -> None:
        """Take in what is not there yet of an answer, or those nodes ``only``."""
        for each in document["nodes"]:
            if each["id"] not in self.nodes and (only is None or each["id"] in only):
                self.nodes[each["id"]] = Node(each, key_of(each["id"]))
        for each in document["edges"]:
            ends = each["from"], each["to"]
            there = ends[0] in self.nodes and ends[1] in self.nodes
            # Data are worth more than the order in which jobs run.
            if there and (ends not in self.edges or each["kind"] == "data"):
                self.edges[ends] = Edge(*ends, each["kind"], tuple(each["via"]))
        for known in ("before", "behind", "hops", "keyed"):
            self.__dict__.pop(known, None)

    def without(self, ids: Collection[str]) -> Graph:
        """Give the graph without some nodes."""
        nodes = {id_: node for id_, node in self.nodes.items() if id_ not in ids}
        edges = {ends: edge for ends, edge in self.edges.items() if ends[0] in nodes and ends[1] in nodes}
        return Graph(self.focus, nodes, edges)

    @cached_property
    def before(self) -> Mapping[str, list[str]]:
        """The nodes from which an edge leads to a node."""
        found: dict[str, list[str]] = defaultdict(list)
        for source, target in self.edges:
            found[target].append(source)
        return found

    @cached_property
    def behind(self) -> Mapping[str, list[str]]:
        """The nodes to which an edge leads from a node."""
        found: dict[str, list[str]] = defaultdict(list)
        for source, target in self.edges:
            found[source].append(target)
        return found

    @cached_property
    def keyed(self) -> Mapping[str, Node]:
        """The nodes by their short names."""
        return {node.key: node for node in self.nodes.values()}

    def reach(self, start: str, side: int) -> dict[str, int]:
        """Give the nodes on one side of another, with how many edges lie between; itself with none."""
        step = self.before if side == UPSTREAM else self.behind
        found = {start: 0}
        queue = deque([start])
        while queue:
            node = queue.popleft()
            for far in step.get(node, ()):
                if far not in found:
                    found[far] = found[node] + 1
                    queue.append(far)
        return found

    @cached_property
    def hops(self) -> Mapping[str, int]:
        """How far nodes lie from the focus: below 0 what it is made from, above what is made of it.

        What lies on both sides counts to the nearer; what hangs on a node that was opened, to the side of that.
        """
        found: dict[str, int] = {}
        up, down = self.reach(self.focus, UPSTREAM), self.reach(self.focus, DOWNSTREAM)
        for id_ in self.nodes:
            if id_ in up and (id_ not in down or up[id_] <= down[id_]):
                found[id_] = -up[id_]
            elif id_ in down:
                found[id_] = down[id_]
        loose = [id_ for id_ in self.nodes if id_ not in found]
        while loose:
            rest = []
            for id_ in loose:
                near = [
                    found[each]
                    for each in (*self.before.get(id_, ()), *self.behind.get(id_, ()))
                    if each in found
                ]
                if near:
                    at = min(near, key=abs)
                    found[id_] = at + (1 if at >= 0 else -1)
                else:
                    rest.append(id_)
            if len(rest) == len(loose):
                found.update(dict.fromkeys(rest, len(self.nodes)))
                break
            loose = rest
        return found

    def between(self, one: str, other: str) -> set[str]:
        """Give the nodes on the ways from one node to another, whichever way they lead; none if there is no way."""
        for source, target in ((one, other), (other, one)):
            forth = self.reach(source, DOWNSTREAM)
            if target in forth:
                return forth.keys() & self.reach(target, UPSTREAM).keys()
        return set()


def judged_by_runs(graph: Graph) -> None:
    """Show datasets by how the runs went that write them, and not by what is expected of them."""
    for id_, node in graph.nodes.items():
        if node.type == "dataset":
            writers = [
                graph.nodes[each] for each in graph.before.get(id_, ()) if graph.nodes[each].type == "job"
            ]
            node.producer = states.worst([each.state for each in writers if each.state]) or "idle"
