"""What a trigger waits for, as a drawing: inputs at the left, gates that join them, and what is done at the right.

Pure geometry, in px. Inputs stand in the order of the rule, one a row; a gate stands as high as the middle of its parts
and as far to the right as it is nested, so no line crosses another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from collector.web.drawing.labels import cells, cut, cut_end, width_of
from collector.web.drawing.routes import Run, path

MOST: Final = 24
"""Inputs that are drawn; of more, those of a gate that are there already are put together."""

KEPT: Final = 11
"""Inputs of one gate that stay apart then."""

NAME: Final = 32
NOTE: Final = 40
"""Cells of the two lines of text in a box, at most."""

HIGH: Final = 40.0
PITCH: Final = 52.0
GATE: Final = 92.0
GAP: Final = 56.0
PORT: Final = 11.0
MARGIN: Final = 12.0
INSET: Final = 34.0
"""Where the text of a box begins: its icon stands before it."""


@dataclass(frozen=True, slots=True)
class Box:
    """An input, something that holds the join back, or an action, with what is to be said of it."""

    name: str
    note: str = ""
    state: str | None = None
    """As ``collector.web.states`` knows it."""
    optional: bool = False
    href: str | None = None
    title: str = ""
    number: int = 1
    """How many inputs it stands for."""
    there: int | None = None
    """How many of these are there; None: its state tells."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Several parts of which so many must be there."""

    count: int
    parts: tuple[Box | Fork, ...]
    met: bool

    @property
    def required(self) -> int:
        """How many parts there are, but for those that are not waited for."""
        return sum(1 if isinstance(each, Fork) else each.number for each in self._waited_for)

    @property
    def there(self) -> int:
        """How many of these are there."""
        return sum(_there(each) for each in self._waited_for)

    @property
    def _waited_for(self) -> Iterator[Box | Fork]:
        return (each for each in self.parts if isinstance(each, Fork) or not each.optional)


@dataclass(frozen=True, slots=True)
class Placed:
    """A box with its place; ``name`` and ``note`` are cut to it."""

    box: Box
    name: str
    note: str
    x: float
    y: float
    width: float
    height: float = HIGH


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate with its place. ``outline`` is the ``d`` of its shape, from (0, 0); ``share`` of it is filled."""

    word: str
    fraction: str
    x: float
    y: float
    height: float
    outline: str
    share: float
    met: bool
    width: float = GATE


@dataclass(frozen=True, slots=True)
class Wire:
    """A line; ``done``: what it comes from is there."""

    path: str
    done: bool
    optional: bool = False


@dataclass(frozen=True, slots=True)
class JoinDrawing:
    """All of it."""

    width: float
    height: float
    inputs: tuple[Placed, ...]
    gates: tuple[Gate, ...]
    holds: tuple[Placed, ...]
    actions: tuple[Placed, ...]
    wires: tuple[Wire, ...]


def arrived(part: Box | Fork) -> bool:
    """Tell whether a part is there."""
    return part.met if isinstance(part, Fork) else part.state == "arrived"


def _there(part: Box | Fork) -> int:
    known = None if isinstance(part, Fork) else part.there
    return int(arrived(part)) if known is None else known


def drawn(condition: Fork, holds: Sequence[Box] = (), actions: Sequence[Box] = ()) -> JoinDrawing:
    """Draw a condition, what holds it back though it is met, and what is done when nothing does."""
    condition = folded(condition) if _size(condition) > MOST else condition
    run = _Rows(list(_boxes(condition)))
    out_x, out_y = run.place(condition)
    middle = out_y
    open_ = condition.met
    stopped: list[Placed] = []
    if holds:
        stopped = _column(holds, out_x + GAP, middle)
        for each in stopped:
            run.wire((out_x, out_x, out_y), (each.x, each.x, each.y + HIGH / 2), done=open_)
            edge = each.x + each.width
            run.wire((edge, edge, each.y + HIGH / 2), (edge + GAP / 2, edge + GAP / 2, middle), done=False)
        out_x, out_y, open_ = stopped[0].x + stopped[0].width + GAP / 2, middle, False
    done = _column(actions, out_x + GAP, middle)
    for each in done:
        run.wire((out_x, out_x, out_y), (each.x, each.x, each.y + HIGH / 2), done=open_)
    everything: tuple[Placed | Gate, ...] = (*run.inputs, *run.gates, *stopped, *done)
    top = min(each.y for each in everything)
    # Actions may stand taller than the inputs: the drawing begins where the topmost of all does.
    down = MARGIN - top
    return JoinDrawing(
        max(each.x + each.width for each in everything) + MARGIN,
        max(each.y + each.height for each in everything) + down + MARGIN,
        tuple(replace(each, y=each.y + down) for each in run.inputs),
        tuple(replace(each, y=each.y + down) for each in run.gates),
        tuple(replace(each, y=each.y + down) for each in stopped),
        tuple(replace(each, y=each.y + down) for each in done),
        tuple(each.moved(down) for each in run.wires),
    )


def folded(condition: Fork) -> Fork:
    """Put together, in each gate, inputs beyond the first ones: first those that are there already."""
    leaves = [each for each in condition.parts if isinstance(each, Box)]
    kept = {id(each) for each in sorted(leaves, key=arrived)[:KEPT]}
    parts: list[Box | Fork] = []
    rest = [each for each in leaves if id(each) not in kept]
    for each in condition.parts:
        if isinstance(each, Fork):
            parts.append(folded(each))
        elif id(each) in kept:
            parts.append(each)
    if len(rest) == 1:
        parts.append(rest[0])
    elif rest:
        waited_for = [each for each in rest if not each.optional]
        there, came = sum(map(arrived, waited_for)), sum(map(arrived, rest))
        note = f"{came} arrived" + (f", {len(rest) - came} not" if came < len(rest) else "")
        state = "arrived" if came == len(rest) else "waiting"
        more = Box(f"and {len(rest)} more", note, state, number=len(waited_for), there=there)
        parts.append(replace(more, optional=not waited_for))
    return replace(condition, parts=tuple(parts))


@dataclass(frozen=True, slots=True)
class _Way:
    """A line before it is known where the drawing begins."""

    begin: Run
    end: Run
    done: bool
    optional: bool

    def moved(self, down: float) -> Wire:
        (x, at, y), (start, end, level) = self.begin, self.end
        return Wire(path([(x, at, y + down), (start, end, level + down)]), self.done, self.optional)


class _Rows:
    """Places rows from top to bottom as the condition is walked."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self.inputs: list[Placed] = []
        self.gates: list[Gate] = []
        self.wires: list[_Way] = []
        self._width = _width_of(boxes)
        self._next = 0.0

    def place(self, part: Box | Fork) -> tuple[float, float]:
        """Place a part with all that is in it; give where its line leaves."""
        if isinstance(part, Box):
            y, self._next = self._next, self._next + PITCH
            self.inputs.append(_placed(part, MARGIN, y, self._width))
            return MARGIN + self._width, y + HIGH / 2
        ends = [self.place(each) for each in part.parts]
        x = MARGIN + self._width + GAP + (_level(part) - 1) * (GATE + GAP)
        height = max(48.0, (len(ends) - 1) * PORT + 24)
        middle = (ends[0][1] + ends[-1][1]) / 2
        y = middle - height / 2
        pitch = min(PORT, (height - 24) / (len(ends) - 1)) if len(ends) > 1 else 0
        first = middle - pitch * (len(ends) - 1) / 2
        for number, (each, (at, level)) in enumerate(zip(part.parts, ends, strict=True)):
            optional = isinstance(each, Box) and each.optional
            port = first + number * pitch
            # Straight to the last gap before the gate: between are rows of its own parts only.
            self.wire((at, x - GAP, level), (x + 6, x + 6, port), done=arrived(each), optional=optional)
        required, there = part.required, part.there
        whole = part.count == required
        word = "ALL" if whole else "ANY" if part.count == 1 else f"{part.count} OF {required}"
        self.gates.append(
            Gate(
                word,
                f"{there} of {required}",
                x,
                y,
                height,
                _outline(word, height),
                min(1.0, there / part.count),
                part.met,
            )
        )
        return x + GATE, middle

    def wire(self, begin: Run, end: Run, *, done: bool, optional: bool = False) -> None:
        self.wires.append(_Way(begin, end, done, optional))


def _outline(word: str, height: float) -> str:
    if word == "ALL":
        # A half round: the control points lie a third further out than the curve comes.
        return f"M0 0H{GATE - 30:g}C{GATE + 10:g} 0 {GATE + 10:g} {height:g} {GATE - 30:g} {height:g}H0Z"
    half = height / 2
    if word == "ANY":
        return (
            f"M0 0H{GATE - 54:g}Q{GATE - 16:g} 0 {GATE:g} {half:g}Q{GATE - 16:g} {height:g} {GATE - 54:g} "
            f"{height:g}H0Q12 {half:g} 0 0Z"
        )
    return f"M0 0H{GATE - 16:g}L{GATE:g} {half:g}L{GATE - 16:g} {height:g}H0Z"


def _column(boxes: Sequence[Box], x: float, middle: float) -> list[Placed]:
    width = _width_of(boxes)
    top = middle - ((len(boxes) - 1) * PITCH + HIGH) / 2
    return [_placed(each, x, top + number * PITCH, width) for number, each in enumerate(boxes)]


def _placed(box: Box, x: float, y: float, width: float) -> Placed:
    return Placed(box, cut(box.name, NAME), cut_end(box.note, NOTE), x, y, width)


def _width_of(boxes: Sequence[Box]) -> float:
    names = (width_of(min(cells(each.name), NAME)) for each in boxes)
    notes = (width_of(min(cells(each.note), NOTE), 11) for each in boxes)
    return round(max([120.0, *names, *notes]) + INSET + 10)


def _level(part: Box | Fork) -> int:
    return 0 if isinstance(part, Box) else 1 + max(map(_level, part.parts))


def _size(part: Box | Fork) -> int:
    return 1 if isinstance(part, Box) else sum(map(_size, part.parts))


def _boxes(part: Box | Fork) -> Iterator[Box]:
    if isinstance(part, Box):
        yield part
    else:
        for each in part.parts:
            yield from _boxes(each)
