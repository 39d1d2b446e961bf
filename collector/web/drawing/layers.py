"""Which layer, from the left, each box lies in; and the graph in which no edge spans more than one gap."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from collector.web.drawing.cycles import Edge, break_cycles


@dataclass(frozen=True, slots=True)
class Proper:
    """A graph whose edges all lead from a layer to the next: in longer ones, each layer between has a bend.

    Nodes below ``boxes`` are boxes, those from there on are bends. Long edges of one source share their bends, so that
    they run as one line until they must part.
    """

    boxes: int
    layer: list[int]
    """Of each node."""
    edges: list[Edge]
    ways: dict[Edge, list[int]]
    """For each edge that was asked for: its two boxes, the left one first, with the bends between them."""
    back: set[Edge]
    """Those asked for that run against the flow. Their ways lead from the left to the right like all others."""

    def columns(self) -> list[list[int]]:
        """Give the nodes of each layer."""
        found: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for node, layer in enumerate(self.layer):
            found[layer].append(node)
        return found


def assign(count: int, edges: Collection[Edge], order: Sequence[int]) -> list[int]:
    """Give the layer of each node; ``edges`` have no cycle, ``order`` is topological.

    Every node lies right behind the last of those that lead to it. A tree that hangs on one node alone is then pulled
    to it as a whole, for what feeds a late step belongs beside it, not at the far left.
    """
    before: list[list[int]] = [[] for _ in range(count)]
    behind: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        before[target].append(source)
        behind[source].append(target)
    layer = [0] * count
    hangs = [True] * count
    for node in order:
        if before[node]:
            layer[node] = 1 + max(layer[each] for each in before[node])
            hangs[node] = all(hangs[each] and len(behind[each]) == 1 for each in before[node])
    for node in reversed(order):
        if hangs[node] and behind[node]:
            layer[node] = min(layer[each] for each in behind[node]) - 1
    return layer


def make_proper(
    count: int, edges: Collection[Edge], focus: int | None, longest: int, keep: Collection[Edge]
) -> Proper:
    """Lay the nodes ``0 … count - 1`` into layers, and bend the edges. All of them are connected somehow.

    Edges over more than ``longest`` layers get no way, but for those to ``keep`` and those that run back.
    """
    asked = sorted(set(edges))
    back, order = break_cycles(count, asked, focus)
    layer = assign(count, [edge for edge in asked if edge not in back], order)
    bends: dict[tuple[int, int, int], int] = {}
    found: dict[Edge, None] = {}
    ways: dict[Edge, list[int]] = {}
    for edge in asked:
        turned = edge in back
        left, right = edge[::-1] if turned else edge
        if layer[right] - layer[left] > longest and not turned and edge not in keep:
            continue
        way = [left]
        for between in range(layer[left] + 1, layer[right]):
            # What runs back has bends of its own: one line cannot point both ways.
            key = (left, right if turned else -1, between)
            if key not in bends:
                bends[key] = len(layer)
                layer.append(between)
            way.append(bends[key])
        way.append(right)
        ways[edge] = way
        found.update(dict.fromkeys(pairwise(way)))
    return Proper(count, layer, list(found), ways, back)
