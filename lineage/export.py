"""A part of the graph in the formats of other programs. OpenLineage events are written by ``lineage.declarations``.

Names are text of strangers: each format quotes them in its own way, so that no name can end a text, begin another
statement, or be taken for markup or for a formula.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from lineage.traverse import Link, Subgraph

CSV_HEADER: Final = ("source", "target", "kind", "via")

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SPECIAL = re.compile(r"[^\w ./-]|(?<![^\W_])[ _./-]|[ _./-](?![^\W_])|(?<=www)\.")
"""What Mermaid may take for something else than itself: all but letters, digits, and a mark between two of them."""


def node_link(subgraph: Subgraph) -> str:
    """Write JSON as networkx's ``node_link_data`` does; ``node_link_graph(data, edges="edges")`` reads it back.

    A directed multigraph, keyed by the kind of the edge: data and control may join the same two nodes.
    """
    document: dict[str, Any] = {
        "directed": True,
        "multigraph": True,
        "graph": {"truncated": subgraph.truncated},
        "nodes": [
            {
                "type": node.type,
                "namespace": node.namespace,
                "name": node.name,
                "depth": node.depth,
                "names": list(node.names),
                "id": node.id,
            }
            for node in subgraph.nodes
        ],
        "edges": [
            {
                "kind": link.kind,
                "via": list(link.via),
                "source": link.source,
                "target": link.target,
                "key": link.kind,
            }
            for link in subgraph.links
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def dot(subgraph: Subgraph) -> str:
    """Write the DOT language of Graphviz: datasets as cylinders, jobs as boxes, control flow dashed."""
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for node in subgraph.nodes:
        shape = "cylinder" if node.type == "dataset" else "box"
        label = f'"{_dot_label(node.name)}\\n{_dot_label(node.namespace)}"'
        lines.append(f"  {_dot_id(node.id)} [shape={shape}, label={label}];")
    for link in subgraph.links:
        style = " [style=dashed]" if link.kind == "control" else ""
        lines.append(f"  {_dot_id(link.source)} -> {_dot_id(link.target)}{style};")
    return "\n".join([*lines, "}", ""])


def _dot_id(text: str) -> str:
    # Graphviz keeps a backslash in an ID as it is, but one before the closing quote would take the quote along.
    escaped = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _dot_label(text: str) -> str:
    # In a label a backslash begins an escape (\N is the node's name), an ampersand an HTML entity.
    return _dot_id(text)[1:-1].replace("&", "&amp;")


def mermaid(subgraph: Subgraph) -> str:
    """Write a Mermaid flowchart: datasets as cylinders, jobs as rounded boxes, control flow dotted."""
    known = {node.id: node for node in subgraph.nodes}
    ends = [end for link in subgraph.links for end in (link.source, link.target)]
    numbers = {id_: f"n{number}" for number, id_ in enumerate(dict.fromkeys([*known, *ends]))}
    lines = ["flowchart LR"]
    for id_, number in numbers.items():
        node = known.get(id_)
        kind, _, rest = id_.partition(":")
        label = f"{_mermaid(node.name)}<br/>{_mermaid(node.namespace)}" if node else _mermaid(rest)
        lines.append(f'  {number}[("{label}")]' if kind == "dataset" else f'  {number}(["{label}"])')
    for link in subgraph.links:
        arrow = "-.->" if link.kind == "control" else "-->"
        lines.append(f"  {numbers[link.source]} {arrow} {numbers[link.target]}")
    return "\n".join([*lines, ""])


def _mermaid(text: str) -> str:
    """Escape a text by Mermaid's entity codes, ``#35;`` for a number sign.

    They are put back after the labels have been read for quotes, comments, directives, Markdown and addresses.
    """
    plain = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", plain) or "#160;"


def csv_rows(links: Iterable[Link]) -> str:
    """Write edges as lines of CSV (RFC 4180), with ``via`` in lines of their own within one field.

    Every field begins with ``dataset:``, ``job:``, ``data`` or ``control``, or is empty: no spreadsheet takes one for
    a formula, whatever the name.
    """
    lines = _Lines()
    csv.writer(lines).writerows((*link[:3], "\n".join(link.via)) for link in links)
    return "".join(lines)


class _Lines(list[str]):
    """Where ``csv`` writes to."""

    def write(self, line: str) -> None:
        self.append(line)


def csv_document(subgraph: Subgraph) -> str:
    """Write the edges as CSV, with the heading ``CSV_HEADER``."""
    return ",".join(CSV_HEADER) + "\r\n" + csv_rows(subgraph.links)


FORMATS: Final[dict[str, Callable[[Subgraph], str]]] = {
    "node-link": node_link,
    "dot": dot,
    "mermaid": mermaid,
    "csv": csv_document,
}
"""What a part of the graph alone is enough for, by name."""
