"""What is different between two instants."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lineage.differences import Change, Piece, change

INSTANTS = st.integers(0, 30)


@st.composite
def edges(draw: st.DrawFn) -> dict[str, list[Piece]]:
    """Draw some edges, each with intervals that follow each other; under its second name they may overlap."""
    drawn: dict[str, list[Piece]] = {}
    for key in draw(st.sets(st.sampled_from("abcdef"))):
        drawn[key] = []
        for _ in range(draw(st.integers(1, 2))):
            bounds = sorted(draw(st.sets(INSTANTS, min_size=2, max_size=8)))
            pieces = [Piece(start, end, start, end) for start, end in pairwise(bounds)]
            kept = [piece for piece in pieces if draw(st.booleans())]
            drawn[key] += [*kept, Piece(bounds[-1], None, bounds[-1])] if draw(st.booleans()) else kept
    return drawn


def differences(edges: dict[str, list[Piece]], start: int, end: int) -> dict[str, Change]:
    found = {key: change(pieces, start, end) for key, pieces in edges.items()}
    return {key: each for key, each in found.items() if each is not None}


def there(pieces: list[Piece], at: int) -> bool:
    return any(piece.valid_from <= at and (piece.valid_to is None or piece.valid_to > at) for piece in pieces)


@given(edges(), INSTANTS)
def test_nothing_differs_from_itself(edges: dict[str, list[Piece]], at: int) -> None:
    assert differences(edges, at, at) == {}


@given(edges(), st.lists(INSTANTS, min_size=3, max_size=3).map(sorted))
def test_two_differences_make_one(edges: dict[str, list[Piece]], instants: list[int]) -> None:
    first, middle, last = instants
    one, other = differences(edges, first, middle), differences(edges, middle, last)
    # What came and then went, or went and then came back, is as it was.
    composed = {key: (one | other)[key].came for key in one.keys() ^ other.keys()}
    assert composed == {key: found.came for key, found in differences(edges, first, last).items()}


@given(edges(), st.lists(INSTANTS, min_size=2, max_size=2).map(sorted))
def test_a_difference_leads_from_one_state_to_the_other(
    edges: dict[str, list[Piece]], instants: list[int]
) -> None:
    start, end = instants
    state = {key for key, pieces in edges.items() if there(pieces, start)}
    for key, found in differences(edges, start, end).items():
        assert start < found.at <= end
        assert (
            found.run_id == found.at
        )  # as drawn: the run that opened or closed has the number of its instant
        (state.add if found.came else state.remove)(key)
    assert state == {key for key, pieces in edges.items() if there(pieces, end)}


def test_an_edge_that_closed_and_opened_at_once_is_no_difference() -> None:
    pieces = [Piece(0, 5, 1, 2), Piece(5, None, 2)]
    assert change(pieces, 3, 9) is None
    assert change(pieces, -1, 9) == Change(True, 0, 1)


def test_of_several_changes_the_last_one_counts() -> None:
    pieces = [Piece(0, 5, 1, 2), Piece(7, 9, 3, 4), Piece(11, None, 5)]
    assert change(pieces, 3, 10) == Change(False, 9, 4)
    assert change(pieces, 6, 12) == Change(True, 11, 5)
    assert change(pieces, 3, 12) is None
