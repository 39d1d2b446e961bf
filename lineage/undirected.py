"""A graph without regard to which way data flow: what has to do with a node, be it by a common source or consumer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from lineage.model import DatasetRef, Direction, JobRef
from lineage.traverse import Graph, Key, Named, NodeType, Step

Ask = Callable[[Collection[int], Direction], Iterable[Step]]


class Undirected:
    """A ``Graph`` whose every step leads both ways; it keeps in ``flows`` which way data flow along those walked."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.flows: set[tuple[Key, Key]] = set()

    def start(self, node: JobRef | DatasetRef) -> Key:
        return self._graph.start(node)

    def from_jobs(self, job_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        return self._both("job", self._graph.from_jobs, "dataset", job_ids)

    def from_datasets(self, dataset_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        return self._both("dataset", self._graph.from_datasets, "job", dataset_ids)

    def between_datasets(self, dataset_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        return self._both("dataset", self._graph.between_datasets, "dataset", dataset_ids)

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, Named]:
        return self._graph.jobs(job_ids)

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]:
        return self._graph.datasets(dataset_ids)

    def _both(self, near: NodeType, ask: Ask, far: NodeType, ids: Collection[int]) -> Iterator[Step]:
        for direction in (Direction.INPUT, Direction.OUTPUT):
            for step in ask(ids, direction):
                ends = (near, step.near), (far, step.far)
                self.flows.add((ends[1], ends[0]) if direction is Direction.INPUT else ends)
                yield step
