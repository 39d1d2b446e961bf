"""Names as text in a drawing, or anywhere on a page: what hides in them made visible, and cut to the room there is.

Widths are counted in cells of a monospaced font, for a server cannot measure text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

EM = 0.61
"""The width of a cell for each px of font size: Liberation Mono and Courier New have 0.600, DejaVu Sans Mono 0.602."""

SEPARATORS = "/.:\\"
"""Where the parts of names meet. A cut falls behind one of these if that does not cost too much."""

ELLIPSIS = "…"
REPLACEMENT = "\ufffd"

FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Marks and letters that are drawn as nothing, though Unicode does not class them as format characters."""

SUSPECT = re.compile("[^ -~]")


def _visible(found: re.Match[str]) -> str:
    char = found[0]
    category = unicodedata.category(char)
    if category in ("Cc", "Cs") or ord(char) & 0xFFFE == 0xFFFE:
        return REPLACEMENT
    if category in ("Cf", "Zl", "Zp") or char in FILLERS:
        return f"⟨U+{ord(char):04X}⟩"
    return char


def shown(name: str) -> str:
    """Give the name so that everything in it is seen, and may stand in XML.

    Controls, lone surrogates and what is no character at all become U+FFFD; marks that change the direction of text,
    and characters without width, are written out as ⟨U+202E⟩. What has been through here stays as it is.
    """
    if name.isascii() and name.isprintable():
        return name
    return SUSPECT.sub(_visible, name)


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cells(text: str) -> int:
    """Count the cells of a text: wide characters of East Asia have two, combining and format characters none."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def width_of(count: float, px: float = 12) -> float:
    """Give the px that so many cells need at most, in a font of that size."""
    return count * EM * px


def _tail(text: str, limit: int) -> str:
    """Give the longest end of the text that has room, not beginning with a mark that belongs to what is cut off."""
    start, room = len(text), limit
    for at in range(len(text) - 1, -1, -1):
        width = _width(text[at])
        if width > room:
            break
        room -= width
        if width:
            start = at
    return text[start:]


def cut(name: str, limit: int) -> str:
    """Give the name, as ``shown``, in at most that many cells: its end, from a separator on, after an ellipsis.

    It is cut within a part where the separator would cost more than half of the room.
    """
    # What is drawn in no cells is worth little: of a name made of such marks, only so much is looked at.
    recent = shown(name[-4 * limit - 4 :])
    if len(name) <= 4 * limit + 4 and cells(recent) <= limit:
        return recent
    tail = _tail(recent, limit - 1)
    if recent[: len(recent) - len(tail)].endswith(tuple(SEPARATORS)):
        return ELLIPSIS + tail
    first = re.search(f"[{re.escape(SEPARATORS)}]+", tail)
    if first is not None and cells(tail[first.end() :]) * 2 >= limit:
        tail = tail[first.end() :]
    return ELLIPSIS + tail


def cut_end(text: str, limit: int) -> str:
    """Give a text, as ``shown``, in at most that many cells: its beginning, as suits a sentence."""
    early = shown(text[: 4 * limit + 4])
    if len(text) <= 4 * limit + 4 and cells(early) <= limit:
        return early
    room = limit - 1
    for at, char in enumerate(early):
        room -= _width(char)
        if room < 0:
            return early[:at].rstrip() + ELLIPSIS
    return early + ELLIPSIS


def ninetieth(values: Sequence[float]) -> float:
    """Give the 90th percentile, 0 of nothing: the width for most, as the longest name of all would be too much."""
    return sorted(values)[-(-9 * len(values) // 10) - 1] if values else 0.0
