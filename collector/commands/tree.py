"""A lineage answer as a tree for the terminal."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from collector.commands import remarks
from collector.commands.terminal import plain

STYLES: Final = {"dataset": "cyan", "column": "cyan", "job": "magenta", "run": "magenta"}

SHOWN_NAMES: Final = 3
"""Other names of a dataset that are written behind it."""


def lineage_tree(answer: Mapping[str, Any], root: str, direction: str) -> Tree:
    """Draw ``{"nodes", "edges", "truncated"}`` as seen from its nearest nodes.

    ``direction`` is ``upstream``, ``downstream`` or ``both``. ``root`` is what was asked for; the nearest nodes stand
    below it if they are others, as a job's datasets are. A graph is no tree: a node reached in several ways is
    unfolded where it is nearest to the root, elsewhere it says so.
    """
    known = {str(node["id"]): node for node in answer["nodes"]}
    nearest = [str(node["id"]) for node in answer["nodes"] if node["depth"] == 0]
    root = nearest[0] if len(nearest) == 1 else root
    tree = Tree(_known_label(root, known, bold=True))
    branches = {
        way: tree.add(Text(way, style="dim")) if direction == "both" else tree
        for way in ("upstream", "downstream")
        if direction in (way, "both")
    }
    for way, branch in branches.items():
        near, far = ("to", "from") if way == "upstream" else ("from", "to")
        ends: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for edge in answer["edges"]:
            ends[str(edge[near])].add((str(edge[far]), remarks.of_edge(edge)))
        if nearest not in ([], [root]):
            ends[root] = {(node, "") for node in nearest}
        _grow(branch, root, {node: sorted(others) for node, others in ends.items()}, known)
    if answer.get("truncated"):
        tree.add(Text("… there is more: ask for a greater depth, or from another node", style="yellow"))
    return tree


def _grow(
    trunk: Tree,
    root: str,
    ends: Mapping[str, Sequence[tuple[str, str]]],
    known: Mapping[str, Mapping[str, Any]],
) -> None:
    unfolded = {root}
    waiting = deque([(trunk, root)])
    while waiting:
        branch, node = waiting.popleft()
        for end, remark in ends.get(node, ()):
            # The other names of a dataset stand where it is met first.
            label = node_label(end) if end in unfolded else _known_label(end, known)
            if remark:
                label.append_text(plain(f" ({remark})"))
            if end not in unfolded:
                unfolded.add(end)
                waiting.append((branch.add(label), end))
            elif ends.get(end):
                branch.add(label.append(" (unfolded elsewhere)", style="dim"))
            else:
                branch.add(label)


def _known_label(node: str, known: Mapping[str, Mapping[str, Any]], bold: bool = False) -> Text:
    body = known.get(node, {})
    label = node_label(node, body.get("names", ()), bold)
    remark = remarks.of_node(body)
    return label.append_text(plain(f"  {remark}")) if remark else label


def node_label(node: str, also: Sequence[str] = (), bold: bool = False) -> Text:
    """Write a node, the word for its kind in colour, with other names of a dataset behind it."""
    kind, _, rest = node.partition(":")
    label = Text(f"{kind} ", style=STYLES.get(kind, ""))
    name: Text = plain(rest)
    if bold:
        name.stylize("bold")
    label.append_text(name)
    if also:
        others = ", ".join(other.partition(":")[2] for other in also[:SHOWN_NAMES])
        more = f" and {len(also) - SHOWN_NAMES} more" if len(also) > SHOWN_NAMES else ""
        label.append(" = ", style="dim").append_text(plain(others + more))
    return label
