"""The drawing of a folded graph: what each box and line shows, laid out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, cast

from collector.web import states
from collector.web.drawing.layout import layout
from collector.web.drawing.overview import Overview, overview
from collector.web.drawing.shapes import Box, ColumnLine, Drawing, Line
from collector.web.drawing.views import Change, EdgeView, Folded, Kind, NodeView, RowView, boxes
from collector.web.lineage.asked import Asked
from collector.web.lineage.columns import WHOLE, Columns, Place
from collector.web.lineage.folding import Folded as FoldedGraph
from collector.web.lineage.folding import Group
from collector.web.lineage.graph import DOWNSTREAM, UPSTREAM, Edge, Graph, Node
from collector.web.lineage.wording import css_of, line_of, sentence_of

TOO_MANY: Final = 500
"""Boxes from which on only marks are drawn: a browser takes some ten thousand elements, and nobody reads as many."""

KEPT: Final = 64
"""Drawings that are kept, for the same graph is asked for again whenever the page looks whether states have changed."""

MOST_COLUMN_LINES: Final = 300


@dataclass(frozen=True, slots=True)
class Lit:
    """What is to stand out: nodes on the way from a cause to the focus, and on a way that was asked for (ids)."""

    cause: tuple[str, ...] = ()
    way: Set[str] = frozenset()

    def hot(self, source: str, target: str) -> bool:
        """Tell whether an edge lies on one of the ways."""
        return self.caused(source, target) or (source in self.way and target in self.way)

    def caused(self, source: str, target: str) -> bool:
        """Tell whether an edge lies on the way from the cause."""
        return (source, target) in zip(self.cause, self.cause[1:], strict=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with what its parts show; ``marks`` in its place where there is too much for boxes."""

    drawing: Drawing | None
    nodes: Mapping[str, NodeView] = field(default_factory=dict)
    edges: Mapping[tuple[str, str], EdgeView] = field(default_factory=dict)
    marks: Overview | None = None


def picture(folded: FoldedGraph, asked: Asked, lit: Lit, columns: Columns | None, now: int) -> Picture:
    """Draw a graph; ``now`` is in µs UTC."""
    edges = folded.edges()
    lines = [
        Line(*ends, hot=any(lit.hot(each.source, each.target) for each in of)) for ends, of in edges.items()
    ]
    focus = folded.graph.nodes[folded.graph.focus]
    if folded.boxes > TOO_MANY:
        # A mark without a state is to be quiet.
        looks = {node.key: node.look.css for node in folded.nodes.values()}
        return Picture(None, marks=overview(looks, lines, focus=focus.key))
    beside = _beside(folded, asked)
    views = {
        node.key: _node(
            node, asked, now, node is focus, bool(lit.way) and node.id not in lit.way, columns, beside
        )
        for node in folded.nodes.values()
    }
    views |= {group.key: _group(group, asked) for group in folded.groups if group.hangs_on is None}
    drawn = _drawn(
        tuple(boxes(views.values(), lines, focus=focus.key)),
        tuple(lines),
        tuple(_column_lines(folded, columns)) if columns else (),
        focus.key,
    )
    return Picture(drawn, views, {ends: _edge(of, lit) for ends, of in edges.items()})


@lru_cache(maxsize=KEPT)
def _drawn(
    given: tuple[Box, ...], lines: tuple[Line, ...], columns: tuple[ColumnLine, ...], focus: str
) -> Drawing:
    return layout(given, lines, columns, focus=focus)


def _node(
    node: Node,
    asked: Asked,
    now: int,
    focus: bool,
    dimmed: bool,
    columns: Columns | None,
    beside: Mapping[tuple[str, int], Folded],
) -> NodeView:
    line, times = line_of(node, now)
    return NodeView(
        id=node.key,
        kind=cast(Kind, node.type),
        href=asked.url(panel=node.id),
        title=sentence_of(node, now),
        name=node.name,
        line=line,
        times=times,
        state=css_of(node),
        tool=str(node.facts.get("tool") or ""),
        more_in=beside.get((node.id, UPSTREAM)),
        more_out=beside.get((node.id, DOWNSTREAM)),
        dimmed=dimmed,
        focus=focus,
        change=cast(Change | None, node.change),
        brief=not line,
        shown=asked.given.get("panel") == node.id,
        rows=tuple(_rows(node, asked, columns)) if columns and node.type == "dataset" else (),
    )


def _rows(node: Node, asked: Asked, columns: Columns) -> Iterator[RowView]:
    for name in columns.rows(node.id):
        column = node.id if name is None else f"column{node.id.removeprefix('dataset')}:{name}"
        lit = (node.id, name) in columns.start and len(columns.start) == 1
        yield RowView(
            name or WHOLE, asked.url(node=column, level="column", columns=None, open=None, panel=None), lit
        )
    if more := columns.more(node.id):
        yield RowView(f"{more} more columns", asked.url(panel=node.id))


def _group(group: Group, asked: Asked) -> NodeView:
    states_ = tuple((css, number) for css, number in group.states)
    said = ", ".join(f"{number} {css}" for css, number in states_)
    worst = group.state
    return NodeView(
        id=group.key,
        kind="group",
        href=asked.opening(group.key),
        title=f"{len(group.members)} {group.kind} of {group.label}: {said}. Open the group.",
        name=f"{group.label} · {len(group.members)} {group.kind}",
        state=states.look(worst).css if worst else css_of(group.members[0]),
        counts=states_,
    )


def _beside(folded: FoldedGraph, asked: Asked) -> dict[tuple[str, int], Folded]:
    """Give what is not drawn next to nodes: leaves that were folded, and neighbours that were not asked for."""
    graph = folded.graph
    found: dict[tuple[str, int], Folded] = {}
    leaves = folded.leaves
    for node in folded.nodes.values():
        for side, name, ends in (
            (UPSTREAM, "upstream", graph.before),
            (DOWNSTREAM, "downstream", graph.behind),
        ):
            hanging = leaves.get((node.id, side), [])
            away = int(node.facts.get(name, 0)) - len(set(ends.get(node.id, ())))
            count = max(0, away) + sum(len(group.members) for group in hanging)
            if not count:
                continue
            worst = states.worst([group.state for group in hanging if group.state])
            href = f"{asked.opening(hanging[0].key if hanging else node.key)}#{node.key}"
            found[node.id, side] = Folded(count, href, states.look(worst).css if worst else None)
    return found


def _edge(of: Sequence[Edge], lit: Lit) -> EdgeView:
    changes = {edge.change for edge in of}
    return EdgeView(
        cause=any(lit.caused(edge.source, edge.target) for edge in of),
        change=cast(Change | None, changes.pop() if len(changes) == 1 else None),
        control=all(edge.kind == "control" for edge in of),
    )


def _column_lines(folded: FoldedGraph, columns: Columns) -> Iterator[ColumnLine]:
    rows: dict[Place, int] = {}
    keys = {node.id: node.key for node in folded.nodes.values()}
    for id_ in keys:
        rows.update(((id_, name), number) for number, name in enumerate(columns.rows(id_)))
    drawn: dict[tuple[Place, Place], ColumnLine] = {}
    for link in columns.links:
        if link.source in rows and link.target in rows and link.source != link.target:
            via = next((keys[job] for job in link.via if job in keys), None)
            drawn[link.source, link.target] = ColumnLine(
                keys[link.source[0]],
                rows[link.source],
                keys[link.target[0]],
                rows[link.target],
                via,
                link.indirect,
            )
    yield from list(drawn.values())[:MOST_COLUMN_LINES]


def tools_of(graph: Graph) -> dict[str, str]:
    """Name the tool of each node: of a job its own, of a dataset that of who writes it, or else of who reads it."""
    found = {node.id: str(node.facts["tool"]) for node in graph.nodes.values() if node.facts.get("tool")}
    said: dict[str, str] = dict(found)
    by_dataset: dict[str, list[str]] = defaultdict(list)
    for source, target in graph.edges:
        if source in found:
            by_dataset[target].insert(0, found[source])
        elif target in found:
            by_dataset[source].append(found[target])
    said.update((id_, tools[0]) for id_, tools in by_dataset.items() if id_ not in said)
    return said
