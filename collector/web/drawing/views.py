"""What a drawing shows in its boxes and on its lines, and how large the boxes must be for that.

Names and texts are as they came; what is given out of here is ``shown`` and cut, but not escaped: templates do that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from typing import Literal

from collector.web.drawing.labels import cells, cut, cut_end, ninetieth, shown, width_of
from collector.web.drawing.layout import layers
from collector.web.drawing.shapes import ROW, Box, Line

Kind = Literal["dataset", "job", "run", "group", "column"]
Change = Literal["added", "removed", "changed"]

NARROWEST, WIDEST = 160, 280
TAB = 37
"""Where the text of a dataset begins, behind the icon; of a job, ``PILL``."""
PILL = 30
END = 8
"""Kept free behind a text. The round end of a job needs more: ``PILL_END``."""
PILL_END = 12

NAME_PX, SMALL_PX = 12.0, 11.0

TALL, LOW, MIDDLE = 44, 28, 40
"""The heights of a dataset, of anything of one line, and of a job of two."""

COUNT, COUNTS = 46, 4
"""The width of one figure of a group, and how many there are at most."""

UNBOUNDED = 100_000
"""A width at which nothing is cut."""

FOCUS_FRAME, ADDED_FRAME = 5, 4
"""How far the frame reaches that is drawn around what the drawing is about, and around what has come."""

LONGEST_TITLE = 512
LONGEST_TOOL = 10
LOUD = ("failed", "missed", "late", "due")
"""States that are shown of what is folded away."""


@dataclass(frozen=True, slots=True)
class Folded:
    """Neighbours that are not drawn: how many, the state of the worst (as in ``NodeView``), and what unfolds them."""

    count: int
    href: str
    state: str | None = None

    @property
    def loud(self) -> bool:
        """Tell whether the worst state has to be shown."""
        return self.state in LOUD

    @property
    def width(self) -> int:
        """The width of the pill that says so."""
        return ceil(18 + width_of(cells(f"+{self.count}"), SMALL_PX) + (15 if self.loud else 0))


def _room(width: float, px: float) -> int:
    """Count the cells that have room; a box is often as wide as just so many, and no hair wider."""
    return int(width / width_of(1, px) + 1e-6)


@dataclass(frozen=True, slots=True)
class RowView:
    """A column in a dataset's box, or what stands in its place: "21 more columns"."""

    name: str
    href: str
    lit: bool = False

    def label(self, width: float) -> str:
        """Give the name in the room that a box of that width has."""
        return cut(self.name, _room(width - TAB - END, SMALL_PX))


@dataclass(frozen=True, slots=True)
class NodeView:
    """What a box shows. ``id`` is that of its ``Box``.

    ``title`` says all in a sentence, for who hears the page and who points at the box. ``line`` is the second line: of
    a dataset a time, of a job what is not well, of a run when it ran; ``times`` are the instants (ISO 8601) whose clock
    times (UTC) stand in it, in their order, for a script to put into the viewer's zone. ``state`` is a word as it
    stands in the names of classes and icons. ``counts`` tell of a group how many members are in which state.
    ``brief``: one line is enough. ``shown``: all about it is told beside the drawing.
    """

    id: str
    kind: Kind
    href: str
    title: str
    name: str
    line: str = ""
    state: str = "unknown"
    tool: str = ""
    more_in: Folded | None = None
    more_out: Folded | None = None
    dimmed: bool = False
    focus: bool = False
    change: Change | None = None
    rows: tuple[RowView, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    brief: bool = False
    shown: bool = False
    times: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Tell one state of the box from another."""
        folded = [(each.count, each.state) for each in (self.more_in, self.more_out) if each]
        shown_ = (self.title, self.line, self.state, self.change, self.counts, self.dimmed, folded)
        return blake2b(repr(shown_).encode(errors="replace"), digest_size=6).hexdigest()

    @property
    def pill(self) -> bool:
        """Tell whether it is drawn round, as jobs and runs are."""
        return self.kind in ("job", "run")

    @property
    def head(self) -> int:
        """The height without rows."""
        if self.pill:
            return MIDDLE if self.line and not self.brief else LOW
        return LOW if self.brief else TALL

    @property
    def height(self) -> float:
        """The height of all."""
        return self.head + (len(self.rows) * ROW + 8 if self.rows else 0)

    @property
    def sentence(self) -> str:
        """The title, as it may be shown."""
        return shown(self.title[:LONGEST_TITLE])

    @property
    def tool_label(self) -> str:
        """The name of the tool, in the room that it gets at most."""
        return cut(self.tool, LONGEST_TOOL) if self.tool and self.pill else ""

    def _around(self) -> float:
        """Give what of the width is not there for the name."""
        if not self.pill:
            return TAB + END
        tool = self.tool_label
        return PILL + PILL_END + (width_of(cells(tool), SMALL_PX) + END if tool else 0)

    @property
    def frame(self) -> int:
        """Give how far what is drawn around the box reaches."""
        return FOCUS_FRAME if self.focus else ADDED_FRAME if self.change == "added" else 0

    def label(self, width: float) -> str:
        """Give the name in the room that a box of that width has."""
        return cut(self.name, _room(width - self._around(), NAME_PX))

    def small(self, width: float) -> str:
        """Give the second line in the room that a box of that width has. It is cut at its end, for it is a sentence."""
        if self.brief or self.counts:
            return ""
        return cut_end(self.line, _room(width - (PILL + PILL_END if self.pill else TAB + END), SMALL_PX))

    def takes(self, width: float = UNBOUNDED) -> float:
        """Give how much of a width is taken by what is shown of names and texts there."""
        name = self._around() + width_of(cells(self.label(width)), NAME_PX)
        small = (self.small(width), *(row.label(width) for row in self.rows))
        counts = TAB + COUNT * len(self.counts[:COUNTS])
        return max(name, counts, TAB + END + max(width_of(cells(each), SMALL_PX) for each in small))


@dataclass(frozen=True, slots=True)
class EdgeView:
    """What a line shows besides being ``hot``, which is its ``Line``'s to say.

    ``cause``: it lies on the way from a cause to what the drawing is about. ``control``: no data flows, one job merely
    starts the other.
    """

    cause: bool = False
    change: Change | None = None
    control: bool = False

    @property
    def css(self) -> str:
        """The classes of the line."""
        words = ("cause", self.cause), (self.change or "", True), ("control", self.control)
        return "".join(f" {word}" for word, so in words if word and so)


def _width(views: Sequence[NodeView]) -> int:
    """Give the width of a layer: nine names in ten need no more, and those that are cut leave nothing empty."""
    room = max(NARROWEST, min(WIDEST, ninetieth([view.takes() for view in views])))
    # Even, so that halves are whole px.
    return 2 * ceil(max(NARROWEST, *(view.takes(room) for view in views)) / 2)


def boxes(views: Iterable[NodeView], lines: Iterable[Line], *, focus: str | None = None) -> list[Box]:
    """Give the boxes to be laid out: in each layer as wide as what is in them needs, within ``NARROWEST, WIDEST``."""
    found = {view.id: view for view in views}
    layer = layers(found, lines, focus=focus)
    members: dict[int, list[NodeView]] = {}
    for each, number in layer.items():
        members.setdefault(number, []).append(found[each])
    widths = {number: _width(of) for number, of in members.items()}
    return [
        Box(
            view.id,
            widths[layer[view.id]],
            view.height,
            view.head,
            len(view.rows),
            view.more_in.width + 8 if view.more_in else 0,
            view.more_out.width + 8 if view.more_out else 0,
            view.frame,
        )
        for view in found.values()
    ]
