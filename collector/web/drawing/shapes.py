"""What a layered drawing is made of, before and after it is laid out. All lengths in px."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from collector.web.drawing.labels import cut, width_of


@dataclass(frozen=True, slots=True)
class Box:
    """A node to be placed.

    ``id`` is safe as an HTML id. Lines arrive and leave at the ``head``, the top part of the box; below it lie
    ``rows`` rows for columns, each ``ROW`` high. ``height`` is that of the whole box. ``before`` and ``after`` are room
    to keep free at its left and right, for what is attached there; ``frame`` is how far what is drawn around it
    reaches.
    """

    id: str
    width: float
    height: float
    head: float
    rows: int = 0
    before: float = 0
    after: float = 0
    frame: float = 0


ROW = 18.0
"""Height of the row of one column inside a box."""


@dataclass(frozen=True, slots=True)
class Line:
    """An edge to be routed, the way the data flows. ``hot`` ones lie on the path that matters: drawn whole, on top."""

    source: str
    target: str
    hot: bool = False


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """What leads from the row of one box to that of another, through the job ``via`` if that is drawn."""

    source: str
    source_row: int
    target: str
    target_row: int
    via: str | None = None
    indirect: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A box with its place: ``x`` and ``y`` of its top left corner, and the layer it lies in, from the left."""

    box: Box
    x: float
    y: float
    layer: int


@dataclass(frozen=True, slots=True)
class Stub:
    """One end of a line that is too long to be drawn whole: where the other end's name is written, below the box.

    ``x`` is where the text ends if the line leaves, and where it begins if it arrives; ``y`` its base line; ``room``
    how long it may be. It speaks for ``more`` lines besides its own, whose names found no room.
    """

    x: float
    y: float
    other: str
    leaving: bool
    room: float = 160
    more: int = 0

    def label(self, name: str) -> str:
        """Give the other end's name in the room that there is, at 11 px, with the way it lies."""
        more = f" +{self.more}" if self.more else ""
        text = cut(name, max(4, int(self.room / width_of(1, 11)) - len(more) - 2)) + more
        return f"{text} →" if self.leaving else f"← {text}"


@dataclass(frozen=True, slots=True)
class Route:
    """A line with its way: ``path`` is the ``d`` of an SVG path.

    ``back``: the line closes a cycle, and is drawn against the flow. ``far``: it is too long, the path is drawn only
    when it is pointed at, and has ``stubs`` at its ends. ``falls`` is how much lower than at its ends it runs next to
    its source, and next to its target; above 0 is lower.
    """

    line: Line
    path: str
    back: bool = False
    stubs: tuple[Stub, ...] = ()
    far: bool = False
    falls: tuple[float, float] = (0, 0)


@dataclass(frozen=True, slots=True)
class ColumnRoute:
    """A column line with its way."""

    line: ColumnLine
    path: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The block under a job through which column lines run; ``more`` of them found no room."""

    x: float
    y: float
    width: float
    height: float
    more: int = 0


LEANS = 8.0
"""Lines that rise or fall less than that are level, as for what hangs beside them."""

CLOSE = 60.0
"""Between the middles of two boxes: nearer, what hangs below one and above the other would meet."""


@dataclass(frozen=True)
class Drawing:
    """A graph laid out. Boxes are in the order in which the keyboard shall reach them."""

    width: float
    height: float
    boxes: tuple[Placed, ...]
    routes: tuple[Route, ...]
    columns: tuple[ColumnRoute, ...] = ()
    lanes: tuple[Lane, ...] = ()
    crossings: int = 0

    @cached_property
    def hangs(self) -> Mapping[tuple[str, int], int]:
        """For each box and each of its sides (-1 left, 1 right) at which lines are drawn: where these leave more room.

        1 is below them, -1 above. Two boxes that lie close do not both use the room between them.
        """
        leans: dict[tuple[str, int], int] = {}
        for route in self.routes:
            if not route.far:
                sides = (-1, 1) if route.back else (1, -1)
                for id_, side, fall in zip(
                    (route.line.source, route.line.target), sides, route.falls, strict=True
                ):
                    leans[id_, side] = leans.get((id_, side), 0) + (fall > LEANS) - (fall < -LEANS)
        found: dict[tuple[str, int], int] = {}
        for side in (-1, 1):
            last, end = 0, float("-inf")
            for placed in sorted(self.boxes, key=lambda placed: (placed.layer, placed.y)):
                axis = placed.y + placed.box.head / 2
                lean = leans.get((placed.box.id, side))
                if lean is not None:
                    close = last == 1 and 0 < axis - end < CLOSE
                    found[placed.box.id, side] = 1 if lean <= 0 or close else -1
                last, end = found.get((placed.box.id, side), 0), axis
        return found
