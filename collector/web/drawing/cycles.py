"""Graphs without cycles: which edges have to be turned round, and an order in which all others go forward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Edge = tuple[int, int]


def _visits(successors: Sequence[Sequence[int]], starts: Iterable[int]) -> Iterator[tuple[int, int | None]]:
    """Search depth first. Give each edge that closes a cycle, and each node, with None, when all below it is done."""
    open_, done = 1, 2
    state = [0] * len(successors)
    for start in starts:
        if state[start]:
            continue
        state[start] = open_
        stack = [(start, iter(successors[start]))]
        while stack:
            node, rest = stack[-1]
            for target in rest:
                if state[target] == open_:
                    yield node, target
                elif not state[target]:
                    state[target] = open_
                    stack.append((target, iter(successors[target])))
                    break
            else:
                state[node] = done
                stack.pop()
                yield node, None


def break_cycles(count: int, edges: Sequence[Edge], focus: int | None = None) -> tuple[set[Edge], list[int]]:
    """Give the edges to be turned round, and the nodes ``0 … count - 1`` in topological order without these.

    What closes a cycle is found from the focus on, so that what follows the focus is drawn behind it; then from the
    nodes nothing leads to, so that those lie in front. ``edges`` contain no node's edge to itself.
    """
    successors: list[list[int]] = [[] for _ in range(count)]
    fed = [False] * count
    for source, target in edges:
        successors[source].append(target)
        fed[target] = True
    starts = [] if focus is None else [focus]
    starts += sorted(range(count), key=lambda node: (fed[node], node))
    back: set[Edge] = set()
    order: list[int] = []
    for node, closed in _visits(successors, starts):
        if closed is None:
            order.append(node)
        else:
            back.add((node, closed))
    order.reverse()
    return back, order
