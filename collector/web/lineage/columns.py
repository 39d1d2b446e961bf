"""Columns inside the boxes of their datasets: which of them are shown, and what leads from one to the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from collector.web.lineage.graph import Edge, Graph, Node, key_of

MOST_ROWS: Final = 12
"""Columns of one box; the rest are a number, for a table of forty columns is taller than the page."""

WHOLE: Final = "all columns"
"""What stands for every column of a dataset."""

Place = tuple[str, str | None]
"""A column: the id of its dataset, and its name; None: all of them."""


@dataclass(frozen=True, slots=True)
class Link:
    """From one column to another, through jobs (``via``, their ids)."""

    source: Place
    target: Place
    via: tuple[str, ...]
    indirect: bool


@dataclass
class Columns:
    """The columns of an answer at level ``column``, by dataset: those on the path first, in the order of the answer."""

    fields: dict[str, list[str | None]] = field(default_factory=lambda: defaultdict(list))
    links: list[Link] = field(default_factory=list)
    start: set[Place] = field(default_factory=set)
    """Where the walk began."""

    def rows(self, dataset: str) -> list[str | None]:
        """Give the columns that the box of a dataset shows."""
        known = self.fields.get(dataset, [])
        return known if len(known) <= MOST_ROWS else known[: MOST_ROWS - 1]

    def more(self, dataset: str) -> int:
        """Give how many columns of a dataset its box does not show."""
        return len(self.fields.get(dataset, ())) - len(self.rows(dataset))

    def add_schema(self, dataset: str, names: Sequence[str]) -> None:
        """Add the columns of a dataset that nothing is known of."""
        known = self.fields[dataset]
        before = set(known)
        known += [name for name in names if name not in before]


def read(document: Mapping[str, Any], only: Collection[str] | None = None) -> Columns:
    """Read an answer at level ``column``; ``only``: of these datasets."""
    found = Columns()
    places: dict[str, Place] = {}
    for node in document["nodes"]:
        place = dataset_id(node), node.get("field")
        if only is not None and place[0] not in only:
            continue
        places[node["id"]] = place
        if node["depth"] == 0:
            found.start.add(place)
    for edge in document["edges"]:
        if edge["from"] in places and edge["to"] in places:
            link = Link(places[edge["from"]], places[edge["to"]], tuple(edge["via"]), bool(edge["indirect"]))
            found.links.append(link)
    joined = {place for link in found.links for place in (link.source, link.target)}
    # What something leads from or to comes first: of the rest there may be dozens.
    for place in sorted(places.values(), key=lambda place: place not in joined):
        if place[1] is not None or place in joined:
            found.fields[place[0]].append(place[1])
    return found


def dataset_id(node: Mapping[str, Any]) -> str:
    """Give the id of the dataset of a column."""
    return f"dataset:{node['namespace']}:{node['name']}"


def graph_of(document: Mapping[str, Any], columns: Columns) -> Graph:
    """Give the datasets of an answer at level ``column`` as a graph of their own; the first node is the focus."""
    graph = Graph(dataset_id(document["nodes"][0]))
    for node in document["nodes"]:
        id_ = dataset_id(node)
        facts = {**node, "id": id_, "type": "dataset"}
        graph.nodes.setdefault(id_, Node(facts, key_of(id_)))
    through: dict[tuple[str, str], set[str]] = defaultdict(set)
    for link in columns.links:
        if link.source[0] != link.target[0]:
            through[link.source[0], link.target[0]].update(link.via)
    graph.edges = {ends: Edge(*ends, via=tuple(sorted(via))) for ends, via in through.items()}
    return graph
