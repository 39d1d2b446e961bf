"""A lineage answer as a tree for the terminal."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from collector.commands.terminal import plain

DATA: Final = "data"
"""The kind of an edge along which data flow; the others join two names of one dataset."""

ALIAS: Final = " (another name)"

STYLES: Final = {"dataset": "cyan", "job": "magenta"}


def lineage_tree(answer: Mapping[str, Any], root: str, direction: str) -> Tree:
    """Draw ``{"nodes", "edges", "truncated"}`` as seen from the node ``root``: ``upstream``, ``downstream``
    or ``both``.

    A graph is no tree: a node reached in several ways is unfolded where it is nearest to the root, elsewhere
    it says so.
    """
    flow = [(str(edge["from"]), str(edge["to"])) for edge in answer["edges"] if edge["kind"] == DATA]
    names = [(str(edge["from"]), str(edge["to"])) for edge in answer["edges"] if edge["kind"] != DATA]
    # Two names of one dataset have no direction: whichever was met first shows the other.
    same = [*names, *((other, one) for one, other in names)]
    back = [(to, from_) for from_, to in flow]
    tree = Tree(_label(root, bold=True))
    if direction == "both":
        _grow(tree.add(Text("upstream", style="dim")), root, _ends(back), _ends(same))
        _grow(tree.add(Text("downstream", style="dim")), root, _ends(flow), _ends(same))
    else:
        _grow(tree, root, _ends(flow if direction == "downstream" else back), _ends(same))
    if answer.get("truncated"):
        tree.add(Text("… there is more: ask for a greater depth, or from another node", style="yellow"))
    return tree


def _ends(edges: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for near, far in edges:
        found[near].add(far)
    return {near: sorted(far) for near, far in found.items()}


def _grow(trunk: Tree, root: str, ends: Mapping[str, list[str]], same: Mapping[str, list[str]]) -> None:
    unfolded = {root}
    waiting = deque([(trunk, root)])
    while waiting:
        branch, node = waiting.popleft()
        others = [end for end in same.get(node, ()) if end not in unfolded]
        for end, label in [*((end, ALIAS) for end in others), *((end, "") for end in ends.get(node, ()))]:
            text = _label(end).append(label, style="dim")
            if end not in unfolded:
                unfolded.add(end)
                waiting.append((branch.add(text), end))
            elif ends.get(end):
                branch.add(text.append(" (unfolded elsewhere)", style="dim"))
            else:
                branch.add(text)


def _label(node: str, bold: bool = False) -> Text:
    kind, _, rest = node.partition(":")
    label = Text(f"{kind} ", style=STYLES.get(kind, ""))
    name: Text = plain(rest)
    if bold:
        name.stylize("bold")
    return label.append_text(name)
