"""The jobs connected with one, whichever way the data flow: the neighbourhood that Marquez's lineage shows.

Unlike ``traverse``, which follows data up or down, a step here goes from jobs over any dataset that they read or write
to all other jobs that do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from lineage.model import Direction
from lineage.traverse import Graph

BOTH = (Direction.INPUT, Direction.OUTPUT)

MOST_JOBS = 50_000
"""No further step is taken from here on: the steps before are complete, and the answer has some 50 MB."""


@dataclass(frozen=True, slots=True)
class Component:
    """What was met, by the ids of the store."""

    jobs: set[int] = field(default_factory=set)
    datasets: set[int] = field(default_factory=set)
    reads: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Of each job that reads any, the datasets."""
    writes: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))


def jobs_of(graph: Graph, dataset_ids: Collection[int]) -> set[int]:
    """Give the jobs that read or write any of the datasets."""
    return {step.far for direction in BOTH for step in graph.from_datasets(dataset_ids, direction)}


def component(
    graph: Graph,
    start: Collection[int],
    depth: int,
    shown: Callable[[int], bool] = lambda _: True,
    most_jobs: int = MOST_JOBS,
) -> Component:
    """Walk from the jobs ``start``, ``depth`` times on to other jobs; 0 gives them and their datasets.

    A job or dataset that is not ``shown`` is neither met nor walked through. Four questions to the store a step.
    """
    found = Component()
    frontier = {job for job in start if shown(job)}
    for distance in range(depth + 1):
        found.jobs.update(frontier)
        new: set[int] = set()
        for direction, ends in zip(BOTH, (found.reads, found.writes), strict=True):
            for step in graph.from_jobs(frontier, direction):
                ends[step.near].add(step.far)
                new.add(step.far)
        new = {dataset for dataset in new - found.datasets if shown(dataset)}
        found.datasets.update(new)
        if distance == depth or not new or len(found.jobs) >= most_jobs:
            break
        frontier = {job for job in jobs_of(graph, new) - found.jobs if shown(job)}
        if not frontier:
            break
    for ends in (found.reads, found.writes):
        for job, datasets in ends.items():
            ends[job] = datasets & found.datasets
    return found
