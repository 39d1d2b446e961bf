"""A lineage answer as a tree for the terminal."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from collector.commands.terminal import plain

STYLES: Final = {"dataset": "cyan", "job": "magenta"}

SHOWN_NAMES: Final = 3
"""Other names of a dataset that are written behind it."""

FLOW: Final = {"data": "", "control": " (runs before, no data)"}


def lineage_tree(answer: Mapping[str, Any], root: str, direction: str) -> Tree:
    """Draw ``{"nodes", "edges", "truncated"}`` as seen from its nearest nodes.

    ``direction`` is ``upstream``, ``downstream`` or ``both``. ``root`` is what was asked for; the nearest nodes stand
    below it if they are others, as a job's datasets are. A graph is no tree: a node reached in several ways is
    unfolded where it is nearest to the root, elsewhere it says so.
    """
    also = {str(node["id"]): node["names"] for node in answer["nodes"]}
    nearest = [str(node["id"]) for node in answer["nodes"] if node["depth"] == 0]
    root = nearest[0] if len(nearest) == 1 else root
    tree = Tree(node_label(root, also.get(root, ()), bold=True))
    branches = {
        way: tree.add(Text(way, style="dim")) if direction == "both" else tree
        for way in ("upstream", "downstream")
        if direction in (way, "both")
    }
    for way, branch in branches.items():
        near, far = ("to", "from") if way == "upstream" else ("from", "to")
        ends: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for edge in answer["edges"]:
            ends[str(edge[near])].add((str(edge[far]), FLOW[edge["kind"]]))
        if nearest not in ([], [root]):
            ends[root] = {(node, "") for node in nearest}
        _grow(branch, root, {node: sorted(others) for node, others in ends.items()}, also)
    if answer.get("truncated"):
        tree.add(Text("… there is more: ask for a greater depth, or from another node", style="yellow"))
    return tree


def _grow(
    trunk: Tree, root: str, ends: Mapping[str, list[tuple[str, str]]], also: Mapping[str, Sequence[str]]
) -> None:
    unfolded = {root}
    waiting = deque([(trunk, root)])
    while waiting:
        branch, node = waiting.popleft()
        for end, remark in ends.get(node, ()):
            text = node_label(end, also.get(end, ())).append(remark, style="dim")
            if end not in unfolded:
                unfolded.add(end)
                waiting.append((branch.add(text), end))
            elif ends.get(end):
                branch.add(text.append(" (unfolded elsewhere)", style="dim"))
            else:
                branch.add(text)


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
