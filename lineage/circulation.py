"""Where data run in circles, in the whole graph: datasets each of which is made, in the end, of every other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import networkx as nx

from lineage.model import Direction
from lineage.topology import circles


class Use(NamedTuple):
    """A job reads or writes a dataset; ids as the store gives them."""

    job_id: int
    dataset_id: int
    direction: int
    derivation_id: int | None
    """Explicit sources of an output; None: every input of the job that is not implied."""
    implied: bool


class Ring(NamedTuple):
    """Datasets that are made of each other, and a shortest way round: datasets, and the jobs between each two."""

    datasets: set[int]
    way: list[int]
    jobs: list[int]


Stage = tuple[int, int | None] | int
"""A dataset's id, or (job, derivation): what the job does for the outputs that have the same sources."""


def rings(
    uses: Iterable[Use], sources: Callable[[Collection[int]], Mapping[int, Collection[int]]]
) -> list[Ring]:
    """Find the rings among these uses, the largest first.

    ``sources`` gives what derivations name; it is asked only about jobs that may be part of a ring. A dataset that is
    made of itself alone makes none.
    """
    by_job: dict[int, list[Use]] = defaultdict(list)
    for use in uses:
        by_job[use.job_id].append(use)
    found: list[Ring] = []
    coarse: nx.DiGraph[int] = nx.DiGraph(_behind_circles(by_job))
    for circle in circles(coarse):
        inside = [use for node in circle if node < 0 for use in by_job[~node] if use.dataset_id in circle]
        fine = _stages(
            inside, sources({use.derivation_id for use in inside if use.derivation_id is not None})
        )
        for ring in circles(fine):
            datasets = {stage for stage in ring if isinstance(stage, int)}
            if len(datasets) > 1:
                way = _way_round(fine, ring, min(datasets))
                found.append(
                    Ring(
                        datasets,
                        [stage for stage in way if isinstance(stage, int)],
                        [stage[0] for stage in way if isinstance(stage, tuple)],
                    )
                )
    return sorted(found, key=lambda ring: (-len(ring.datasets), min(ring.datasets)))


def _behind_circles(by_job: Mapping[int, list[Use]]) -> list[tuple[int, int]]:
    """Give the edges that remain when all is taken away, again and again, that nothing leads to: mostly none.

    A job is told from a dataset by the complement of its id, which is negative.
    """
    targets: dict[int, list[int]] = defaultdict(list)
    leading_to: Counter[int] = Counter()
    for job_id, uses in by_job.items():
        for use in uses:
            reads = use.direction == Direction.INPUT
            source, target = (use.dataset_id, ~job_id) if reads else (~job_id, use.dataset_id)
            targets[source].append(target)
            leading_to[target] += 1
    waiting = [node for node in targets if not leading_to[node]]
    while waiting:
        for target in targets.pop(waiting.pop(), ()):
            leading_to[target] -= 1
            if not leading_to[target]:
                waiting.append(target)
    return [(source, target) for source, ends in targets.items() for target in ends if target in targets]


def _way_round(graph: nx.DiGraph[Stage], ring: set[Stage], start: int) -> list[Stage]:
    """Give a shortest way from a dataset over another one back to it; it may pass the same job on both."""
    inside = graph.subgraph(ring)
    back = nx.single_target_shortest_path(inside, start)
    ways = [
        [start, stage, *back[other]]
        for stage in inside.successors(start)
        for other in inside.successors(stage)
        if other != start
    ]
    return min(ways, key=lambda way: (len(way), [str(each) for each in way]))


def _stages(uses: Collection[Use], sources: Mapping[int, Collection[int]]) -> nx.DiGraph[Stage]:
    graph: nx.DiGraph[Stage] = nx.DiGraph()
    reads: dict[int, list[int]] = {}
    for use in uses:
        if use.direction == Direction.INPUT and not use.implied:
            reads.setdefault(use.job_id, []).append(use.dataset_id)
    stages = {(use.job_id, use.derivation_id) for use in uses if use.direction == Direction.OUTPUT}
    for job_id, derivation_id in stages:
        read = reads.get(job_id, ()) if derivation_id is None else sources.get(derivation_id, ())
        graph.add_edges_from((dataset_id, (job_id, derivation_id)) for dataset_id in read)
    graph.add_edges_from(
        ((use.job_id, use.derivation_id), use.dataset_id) for use in uses if use.direction == Direction.OUTPUT
    )
    return graph
