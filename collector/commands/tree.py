"""A lineage answer as a tree for the terminal."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from collector.commands.terminal import plain

STYLES: Final = {"dataset": "cyan", "job": "magenta"}


def lineage_tree(answer: Mapping[str, Any], root: str, direction: str) -> Tree:
    """Draw ``{"nodes", "edges", "truncated"}`` as seen from the node ``root``: ``upstream``, ``downstream``
    or ``both``.

    A graph is no tree: a node reached in several ways is unfolded where it is nearest to the root, elsewhere
    it says so.
    """
    edges = [(str(edge["from"]), str(edge["to"])) for edge in answer["edges"]]
    tree = Tree(_label(root, bold=True))
    if direction == "both":
        _grow(tree.add(Text("upstream", style="dim")), root, _ends((to, from_) for from_, to in edges))
        _grow(tree.add(Text("downstream", style="dim")), root, _ends(edges))
    else:
        _grow(tree, root, _ends(edges if direction == "downstream" else ((to, from_) for from_, to in edges)))
    if answer.get("truncated"):
        tree.add(Text("… there is more: ask for a greater depth, or from another node", style="yellow"))
    return tree


def _ends(edges: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for near, far in edges:
        found[near].add(far)
    return {near: sorted(far) for near, far in found.items()}


def _grow(trunk: Tree, root: str, ends: Mapping[str, list[str]]) -> None:
    unfolded = {root}
    waiting = deque([(trunk, root)])
    while waiting:
        branch, node = waiting.popleft()
        for end in ends.get(node, ()):
            if end not in unfolded:
                unfolded.add(end)
                waiting.append((branch.add(_label(end)), end))
            elif ends.get(end):
                branch.add(_label(end).append(" (unfolded elsewhere)", style="dim"))
            else:
                branch.add(_label(end))


def _label(node: str, bold: bool = False) -> Text:
    kind, _, rest = node.partition(":")
    label = Text(f"{kind} ", style=STYLES.get(kind, ""))
    name: Text = plain(rest)
    if bold:
        name.stylize("bold")
    return label.append_text(name)
