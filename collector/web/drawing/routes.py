"""The ways of lines: curves in the gaps between the layers, straight runs through them, so that none crosses a box."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.web.drawing.layers import Proper
from collector.web.drawing.shapes import Box

ARROW = 5.0
"""How far before a box a line ends: its head is drawn on from there."""

PITCH = 8.0
"""Between two lines that arrive at a box, where it has room for that."""

NEARLY = 4.0
"""A last bend lower than this is drawn straight."""

APART = 4.0
"""Between lines that run through the same gap between two boxes."""

CLEAR = 6.0
"""Between such a line and the boxes."""

OUTSIDE = 20.0
"""How far such a line may lie above all boxes of its layer, or below."""

Run = tuple[float, float, float]
"""A level piece of a line: from which x to which, and its y."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where everything lies. Nodes and layers are numbers; the first nodes are ``boxes``, the others bends."""

    boxes: Sequence[Box]
    layer: Sequence[int]
    axis: Sequence[float]
    """The y of each node at which lines leave it."""
    left: Sequence[float]
    """The x of each layer's left end, where its boxes begin."""
    right: Sequence[float]
    taken: Sequence[Sequence[tuple[float, float]]]
    """For each layer, the heights that its boxes and what belongs to them take, from top to bottom."""
    used: Sequence[list[float]]
    """For each layer, the heights at which lines were led through it."""

    def edge(self, node: int) -> float:
        """Give the x of a box's right side."""
        return self.left[self.layer[node]] + self.boxes[node].width

    def top(self, node: int) -> float:
        """Give the y of a box's upper side."""
        return self.axis[node] - self.boxes[node].head / 2

    def _free(self, layer: int, want: float) -> tuple[float, float]:
        """Give the room between two boxes, from which y to which, that lies nearest to a height."""
        taken = self.taken[layer]
        at = bisect_left(taken, (want, want))
        best = (float("inf"), 0.0, 0.0)
        for ways in (range(at, len(taken) + 1), range(at - 1, -1, -1)):
            for gap in ways:
                # Above all boxes and below all there is the margin of the drawing.
                low = taken[gap - 1][1] + CLEAR if gap else taken[0][0] - OUTSIDE
                high = taken[gap][0] - CLEAR if gap < len(taken) else taken[-1][1] + OUTSIDE
                if low <= high:
                    best = min(best, (abs(min(max(want, low), high) - want), low, high))
                    break
        return best[1:]

    def through(self, layer: int, want: float, used: list[float]) -> Run:
        """Find a height, near to the wanted one, at which a line can pass a layer without crossing a box.

        It keeps away from the heights that are ``used``, if there is room, and is added to them.
        """
        low, high = self._free(layer, want)
        y = min(max(want, low), high)
        for step in range(int((high - low) / APART) + 1):
            tried = [each for each in (y + step * APART, y - step * APART) if low <= each <= high]
            clear = [each for each in tried if all(abs(each - other) >= APART for other in used)]
            if clear:
                y = clear[0]
                break
        used.append(y)
        return self.left[layer], self.right[layer], y

    def threaded(self, first: Run, last: Run, layers: Sequence[int], *, alone: bool = False) -> list[Run]:
        """Lead a line from one run to another through all these layers; ``alone``, other lines do not matter."""
        runs = [first]
        for place, layer in enumerate(layers):
            begin = runs[-1][2]
            want = begin + (last[2] - begin) / (len(layers) + 1 - place)
            runs.append(self.through(layer, want, [] if alone else self.used[layer]))
        return [*runs, last]


def number(value: float) -> str:
    """Write a length for a path: a tenth of a px is enough."""
    whole = int(value)
    return str(whole) if whole == value else format(round(value, 1), ".7g")


def path(runs: Sequence[Run]) -> str:
    """Write the ``d`` of runs that are joined by curves, level at both ends."""
    begin, at, height = runs[0]
    parts = [f"M{number(begin)} {number(height)}"]
    for start, end, y in runs[1:]:
        if abs(y - height) >= 0.1:
            if at != begin:
                parts.append(f"H{number(at)}")
            middle = number((at + start) / 2)
            parts.append(f"C{middle} {number(height)} {middle} {number(y)} {number(start)} {number(y)}")
            begin = start
        at, height = end, y
    if at != begin:
        parts.append(f"H{number(at)}")
    return "".join(parts)


def reversed_runs(runs: Sequence[Run]) -> list[Run]:
    """Give the same way from its other end."""
    return [(end, start, y) for start, end, y in reversed(runs)]


def ports(field: Field, proper: Proper) -> dict[tuple[int, int, bool], float]:
    """Give the y at which lines arrive at a box: for the box, the node before it, and whether the line runs back.

    The ports lie in the order in which the lines come from above, so that these do not cross before the box.
    """
    arrivals: dict[int, dict[tuple[int, bool], float]] = {}
    for edge, way in proper.ways.items():
        back = edge in proper.back
        arrivals.setdefault(way[-1], {})[way[-2], back] = leaves(field, way[-2], back)
    found = {}
    for node, ends in arrivals.items():
        head = field.boxes[node].head
        pitch = min(PITCH, max(head - 18, 0) / (len(ends) - 1)) if len(ends) > 1 else 0
        first = field.axis[node] - pitch * (len(ends) - 1) / 2
        for place, (key, y) in enumerate(sorted(ends.items(), key=lambda one: (one[1], one[0]))):
            at = first + place * pitch
            if len(ends) == 1 and abs(at - y) < min(NEARLY, head / 2):
                at = y
            found[node, *key] = at
    return found


def leaves(field: Field, node: int, back: bool) -> float:
    """Give the y at which lines leave a node: one for all, but for those that in truth arrive there from behind."""
    if not back or node >= len(field.boxes):
        return field.axis[node]
    return field.axis[node] + min(PITCH, field.boxes[node].head / 2 - 5)


def routed(field: Field, proper: Proper) -> Iterator[tuple[tuple[int, int], list[Run]]]:
    """Give the level pieces of each edge that has a way, from its source to its target."""
    arriving = ports(field, proper)
    for edge, way in proper.ways.items():
        back = edge in proper.back
        first, last = way[0], way[-1]
        edge_x = field.edge(first) + (ARROW + field.boxes[first].frame if back else 0)
        runs = [(edge_x, max(edge_x, field.right[field.layer[first]]), leaves(field, first, back))]
        runs += [
            (field.left[field.layer[bend]], field.right[field.layer[bend]], field.axis[bend])
            for bend in way[1:-1]
        ]
        end = field.left[field.layer[last]] - (0 if back else ARROW + field.boxes[last].frame)
        runs.append((end, end, arriving[last, way[-2], back]))
        yield edge, reversed_runs(runs) if back else runs


def far(field: Field, source: int, target: int) -> str:
    """Give the path of an edge that has no way of its own: from gap to gap between the boxes."""
    layers = range(field.layer[source] + 1, field.layer[target])
    begin = field.edge(source)
    end = field.left[field.layer[target]] - ARROW - field.boxes[target].frame
    first = (begin, field.right[field.layer[source]], field.axis[source])
    return path(field.threaded(first, (end, end, field.axis[target]), layers, alone=True))


def loop(field: Field, node: int) -> str:
    """Give the path of the line from a box to itself, at its right side."""
    x, y = field.edge(node), field.axis[node]
    far_x = number(x + 26)
    ends = f"{far_x} {number(y + 18)} {number(x + ARROW)} {number(y + 7)}"
    return f"M{number(x)} {number(y - 6)}C{far_x} {number(y - 18)} {ends}"
