"""Making a graph small enough to be read: what is alike is folded into one box, and says how many it stands for.

First leaves that hang on one node, then siblings with the same neighbours, then what lies further away by namespace,
then by tool. Never what matters: the focus, the way to a cause, what failed or is late or due, and what was opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from collector.web import states
from collector.web.lineage.graph import DOWNSTREAM, UPSTREAM, Edge, Graph, Node, key_of
from collector.web.lineage.wording import css_of

MOST_BOXES: Final = 150
MOST_EDGES: Final = 300
"""What a reader can take in; judged by eye."""

FEW: Final = 3
"""Fewer than so many are no group: a box for them would take as much room."""

PAGE: Final = 30
"""Members of a group that come out when it is opened, and when it is opened again."""

GROUPINGS: Final = ("auto", "none", "namespace", "parent", "tool")
"""``auto``: as much as must be; ``none``: nothing, whatever comes of it."""

STEPS: Final = (
    ("namespace", True, True),
    ("namespace", True, False),
    ("tool", True, False),
    ("namespace", False, False),
    ("tool", False, False),
)
"""By what nodes are folded, until they are few enough; whether only those that are as far away, so that data still flow
from the left to the right; and whether what is next to the focus stays."""

NEVER: Final = ("failed", "missed", "late", "due")
"""Looks that are not folded away by themselves."""


@dataclass(slots=True)
class Group:
    """A box that stands for several nodes. ``hangs_on``: leaves, drawn as a number beside the node they hang on."""

    key: str
    label: str
    kind: str
    members: list[Node]
    side: int = DOWNSTREAM
    hangs_on: str | None = None
    opened: int = 0
    """How often it was opened: so many pages of it are out."""

    @property
    def states(self) -> list[tuple[str, int]]:
        """How many members look how, the loudest first."""
        counted: dict[str, int] = defaultdict(int)
        loud: dict[str, int] = {}
        for node in self.members:
            css = css_of(node)
            counted[css] += 1
            loud[css] = node.look.loudness
        return sorted(counted.items(), key=lambda each: (-loud[each[0]], -each[1], each[0]))

    @property
    def state(self) -> str | None:
        """The worst."""
        return states.worst([node.state for node in self.members if node.state])


@dataclass
class Folded:
    """What is drawn: some nodes as they are, others in groups. ``edges`` lead between keys of both."""

    graph: Graph
    nodes: dict[str, Node]
    groups: list[Group] = field(default_factory=list)
    out: set[str] = field(default_factory=set)
    """Nodes of groups that were opened: no other group takes them in."""

    @property
    def leaves(self) -> Mapping[tuple[str, int], list[Group]]:
        """Groups of leaves by the node that they hang on, and the side."""
        found: dict[tuple[str, int], list[Group]] = defaultdict(list)
        for group in self.groups:
            if group.hangs_on is not None:
                found[group.hangs_on, group.side].append(group)
        return found

    @property
    def boxes(self) -> int:
        """How many boxes are drawn."""
        return len(self.nodes) + sum(group.hangs_on is None for group in self.groups)

    def home(self) -> dict[str, str]:
        """Give the key of the box in which each node is drawn; leaves of a node are in none."""
        found = {node.id: node.key for node in self.nodes.values()}
        for group in self.groups:
            if group.hangs_on is None:
                found.update((node.id, group.key) for node in group.members)
        return found

    def edges(self) -> dict[tuple[str, str], list[Edge]]:
        """Give the edges between boxes, each with those that it stands for; none within a group."""
        home = self.home()
        found: dict[tuple[str, str], list[Edge]] = defaultdict(list)
        for (source, target), edge in self.graph.edges.items():
            ends = home.get(source), home.get(target)
            if ends[0] is not None and ends[1] is not None and (ends[0] != ends[1] or source == target):
                found[ends[0], ends[1]].append(edge)
        return dict(found)

    def fits(self) -> bool:
        """Tell whether a reader can take it in."""
        return self.boxes <= MOST_BOXES and len(self.edges()) <= MOST_EDGES


def folded(
    graph: Graph, grouping: str, keep: Collection[str], opened: Mapping[str, int], tools: Mapping[str, str]
) -> Folded:
    """Fold a graph as ``grouping`` says.

    ``keep`` are nodes that are drawn in any case, ``opened`` says of groups, by key, how often they were opened,
    ``tools`` names the tools of nodes.
    """
    found = Folded(graph, dict(graph.nodes))
    if grouping == "none":
        return found
    fixed = {id_ for id_, node in graph.nodes.items() if id_ in keep or node.look.css in NEVER or node.change}
    named: dict[str, Callable[[Node], str]] = {
        "namespace": lambda node: node.namespace,
        "parent": parent_of,
        "tool": lambda node: tools.get(node.id) or origin_of(node),
    }
    if grouping != "auto":
        _gather(found, grouping, named[grouping], fixed, opened)
        return found
    if found.fits():
        return found
    _fold_leaves(found, fixed, opened)
    if not found.fits():
        _fold_siblings(found, fixed, opened)
    near = {id_ for id_, hops in graph.hops.items() if abs(hops) <= 1}
    for grouping, step, kept in STEPS:
        if found.fits():
            break
        _gather(found, grouping, named[grouping], fixed | (near if kept else set()), opened, step=step)
    return found


def parent_of(node: Node) -> str:
    """Give what a node is part of by its name: the schema of a table, the DAG of a task, the folder of a file."""
    for separator in (".", "/"):
        parent, found, _ = node.name.rpartition(separator)
        if found and parent:
            return parent
    return node.namespace


def origin_of(node: Node) -> str:
    """Give the kind of store that a dataset lies in, as its namespace names it (OpenLineage naming spec)."""
    return urlsplit(node.namespace).scheme or node.namespace if node.type != "job" else "other jobs"


def _side(graph: Graph, id_: str) -> int:
    return UPSTREAM if graph.hops[id_] < 0 else DOWNSTREAM


def _worst_first(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (-node.look.loudness, node.namespace, node.name))


def _group(
    found: Folded,
    key: str,
    label: str,
    kind: str,
    members: Sequence[Node],
    opened: Mapping[str, int],
    **more: object,
) -> None:
    """Put nodes into a box, but for those pages of them that were opened."""
    times = opened.get(key, 0)
    ordered = _worst_first(members)
    rest = ordered[PAGE * times :]
    if len(rest) < FEW and times:
        rest = []
    found.out.update(node.id for node in ordered[: len(ordered) - len(rest)])
    group = Group(key, label, kind, rest, opened=times, **more)  # type: ignore[arg-type]  # side and hangs_on
    if rest:
        for node in rest:
            del found.nodes[node.id]
        found.groups.append(group)


def _fold_leaves(found: Folded, fixed: Collection[str], opened: Mapping[str, int]) -> None:
    """Fold what hangs on one node only, and looks the same."""
    graph = found.graph
    alike: dict[tuple[str, int, str, str], list[Node]] = defaultdict(list)
    for id_, node in found.nodes.items():
        before, behind = set(graph.before.get(id_, ())), set(graph.behind.get(id_, ()))
        around = (before | behind) - {id_}
        if id_ in fixed or id_ in found.out or len(around) != 1 or (before and behind):
            continue
        (neighbour,) = around
        side = DOWNSTREAM if before else UPSTREAM
        alike[neighbour, side, node.type, node.look.css].append(node)
    for (neighbour, side, type_, css), members in alike.items():
        if len(members) >= FEW:
            key = _key(f"leaves {side} {type_} {css} {neighbour}")
            label = f"{len(members)} more"
            _group(found, key, label, "leaves", members, opened, side=side, hangs_on=neighbour)


def _fold_siblings(found: Folded, fixed: Collection[str], opened: Mapping[str, int]) -> None:
    """Fold what has the same neighbours on both sides."""
    graph = found.graph
    alike: dict[tuple[str, frozenset[str], frozenset[str]], list[Node]] = defaultdict(list)
    for id_, node in found.nodes.items():
        if id_ not in fixed and id_ not in found.out:
            ends = frozenset(graph.before.get(id_, ())), frozenset(graph.behind.get(id_, ()))
            alike[node.type, *ends].append(node)
    for (type_, before, behind), members in alike.items():
        if len(members) >= FEW:
            key = _key(f"siblings {type_} {sorted(before)} {sorted(behind)}")
            side = _side(graph, members[0].id)
            label = f"{type_}s like {_worst_first(members)[0].name}"
            _group(found, key, label, f"{type_}s", members, opened, side=side)


def _gather(
    found: Folded,
    grouping: str,
    name: Callable[[Node], str],
    fixed: Collection[str],
    opened: Mapping[str, int],
    *,
    step: bool = False,
) -> None:
    """Fold the nodes of one name on one side of the focus, or at one ``step`` from it, with the groups there are."""
    graph = found.graph
    where: Callable[[str], int] = graph.hops.__getitem__ if step else lambda id_: _side(graph, id_)
    alike: dict[tuple[str, int, str], list[Node]] = defaultdict(list)
    for id_, node in found.nodes.items():
        if id_ not in fixed and id_ not in found.out and id_ != graph.focus:
            alike[node.type, where(id_), name(node)].append(node)
    kept = []
    for group in found.groups:
        first = group.members[0]
        place = first.type, where(first.id), name(first)
        same = all((where(each.id), name(each)) == place[1:] for each in group.members)
        if group.hangs_on is None and same and not group.opened:
            alike[place] += group.members
            found.nodes.update((node.id, node) for node in group.members)
        else:
            kept.append(group)
    found.groups = kept
    for (type_, at, label), members in alike.items():
        if len(members) >= FEW:
            key = _key(f"{grouping} {type_} {at} {label}")
            _group(found, key, label, f"{type_}s", members, opened, side=_side(graph, members[0].id))


def _key(text: str) -> str:
    return "g" + key_of(text)[1:]
