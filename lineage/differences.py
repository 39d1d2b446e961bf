"""What is different between two instants: the edges that came and those that went, and the run that did it.

An edge is there while any of the intervals of its job and dataset covers the instant. Intervals that touch or overlap
(the job began to derive the dataset in another way, or named it otherwise) are one span: what closed and opened again
at once has neither come nor gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Piece(NamedTuple):
    """One stored interval of an edge: from (inclusive) to (exclusive; None: still), in µs UTC, with the runs' ids."""

    valid_from: int
    valid_to: int | None
    opened_by: int
    closed_by: int | None = None


class Change(NamedTuple):
    """An edge came or went at an instant (µs UTC), by a run (its id)."""

    came: bool
    at: int
    run_id: int | None


def change(pieces: Iterable[Piece], start: int, end: int) -> Change | None:
    """Tell how an edge at ``end`` differs from what it was at ``start``, not later than ``end``.

    Of several comings and goings in between, the last is the one that counts: it made the edge what it is at ``end``.
    None: it is there at both instants, or at neither.
    """
    spans = _spans(pieces)
    if _covered(spans, start) == _covered(spans, end):
        return None
    if _covered(spans, end):
        last = next(span for span in reversed(spans) if span.valid_from <= end)
        return Change(True, last.valid_from, last.opened_by)
    last = next(span for span in reversed(spans) if span.valid_to is not None and span.valid_to <= end)
    return Change(False, last.valid_to or 0, last.closed_by)


def _covered(spans: Iterable[Piece], at: int) -> bool:
    return any(span.valid_from <= at and (span.valid_to is None or at < span.valid_to) for span in spans)


def _spans(pieces: Iterable[Piece]) -> list[Piece]:
    """Join intervals that touch or overlap; give the spans in the order of time."""
    spans: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: (piece.valid_from, piece.opened_by)):
        before = spans[-1] if spans else None
        if before is None or (before.valid_to is not None and before.valid_to < piece.valid_from):
            spans.append(piece)
        elif before.valid_to is not None and (piece.valid_to is None or piece.valid_to > before.valid_to):
            spans[-1] = before._replace(valid_to=piece.valid_to, closed_by=piece.closed_by)
    return spans
