"""Cycles of datasets in the whole graph."""

from __future__ import annotations

from collections.abc import Collection

from lineage.circulation import Ring, Use, rings
from lineage.model import Direction

SOURCES = {7: {1}, 8: {3}}


def sources(derivation_ids: Collection[int]) -> dict[int, set[int]]:
    return {id_: SOURCES[id_] for id_ in derivation_ids}


def job(
    number: int, reads: Collection[int], writes: Collection[int], derivation: int | None = None
) -> list[Use]:
    return [
        *(Use(number, dataset, Direction.INPUT, None, False) for dataset in reads),
        *(Use(number, dataset, Direction.OUTPUT, derivation, False) for dataset in writes),
    ]


def test_datasets_that_are_made_of_each_other_are_found_with_a_way_round() -> None:
    uses = [*job(10, [1], [2]), *job(11, [2], [3]), *job(12, [3], [1]), *job(13, [3], [4])]
    assert rings(uses, sources) == [Ring({1, 2, 3}, [1, 2, 3, 1], [10, 11, 12])]


def test_a_dataset_made_of_itself_makes_none_and_two_of_one_job_do() -> None:
    assert rings(job(10, [1], [1]), sources) == []
    assert rings(job(10, [1, 2], [1, 2]), sources) == [Ring({1, 2}, [1, 2, 1], [10, 10])]


def test_explicit_sources_tell_what_an_output_is_made_of() -> None:
    # The job reads 1 and 3 and writes 2 from 1 alone; what writes 3 from 2 closes no circle.
    open_ = [*job(10, [1, 3], [2], 7), *job(11, [2], [3])]
    assert rings(open_, sources) == []
    closed = [*job(10, [1, 3], [2], 8), *job(11, [2], [3])]
    assert rings(closed, sources) == [Ring({2, 3}, [2, 3, 2], [11, 10])]


def test_implied_inputs_feed_only_what_names_them() -> None:
    uses = [*job(10, [1], [2]), *job(11, [], [1]), Use(11, 2, Direction.INPUT, None, True)]
    assert rings(uses, sources) == []


def test_the_largest_comes_first() -> None:
    small, large = (
        [*job(1, [1], [2]), *job(2, [2], [1])],
        [*job(3, [5], [6]), *job(4, [6], [7]), *job(5, [7], [5])],
    )
    assert [len(ring.datasets) for ring in rings([*small, *large], sources)] == [3, 2]
