"""The jobs connected with one, whichever way the data flow: the neighbourhood that Marquez's lineage shows.

Unlike ``traverse``, which follows data up or down, a step here goes from jobs over any dataset that they read or write
to all other jobs that do.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass, field
from typing import Protocol

MOST_JOBS = 50_000
"""No further step is taken from here on: the steps before are complete, and the answer has some 50 MB."""


Edge = tuple[int, int, int]
"""(job, dataset, ``Direction``)."""


class Connections(Protocol):
    """The store of edges. Dataset ids are canonical."""

    def of_jobs(self, job_ids: Collection[int]) -> Collection[Edge]:
        """Give what these jobs read and write."""

    def at_datasets(self, dataset_ids: Collection[int]) -> Set[int]:
        """Give the jobs that read or write any of these datasets."""


@dataclass(slots=True)
class Component:
    """What was met, by the ids of the store."""

    jobs: set[int] = field(default_factory=set)
    datasets: set[int] = field(default_factory=set)
    edges: list[Edge] = field(default_factory=list)


def component(
    store: Connections,
    start: Collection[int],
    depth: int,
    hidden: Set[int] = frozenset(),
    most_jobs: int = MOST_JOBS,
) -> Component:
    """Walk from the jobs ``start``, ``depth`` times on to other jobs; 0 gives them and their datasets.

    A job or dataset that is ``hidden`` is neither met nor walked through. Two questions to the store a step.
    """
    found = Component()
    frontier = set(start) - hidden
    for distance in range(depth + 1):
        found.jobs |= frontier
        edges = store.of_jobs(frontier)
        if hidden:
            edges = [edge for edge in edges if edge[1] not in hidden]
        found.edges += edges
        new = {dataset for _, dataset, _ in edges} - found.datasets
        found.datasets |= new
        if distance == depth or not new or len(found.jobs) >= most_jobs:
            break
        frontier = set(store.at_datasets(new)) - found.jobs - hidden
        if not frontier:
            break
    return found
