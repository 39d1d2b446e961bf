"""Walking the graph: what a dataset is made from, and what is made from it.

Level by level: all neighbours of one level are asked for at once, so the number of questions to the store grows with
the depth and not with the size of the answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

from lineage.model import DatasetRef, Direction, JobRef


class Way(StrEnum):
    """The direction of a walk, against or with the flow of data."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    BOTH = "both"


class Level(StrEnum):
    """What the nodes of the answer are: jobs and datasets, or datasets alone."""

    JOB = "job"
    DATASET = "dataset"


class Edge(NamedTuple):
    """A job reads or writes a dataset; ids as the store gives them."""

    job_id: int
    dataset_id: int
    direction: Direction
    derivation_id: int | None
    """Explicit sources of an output; None: every input of the job that is not implied."""
    implied: bool
    declared: bool
    """The job is not one: it stands for the unknown maker of a dataset whose sources were declared."""


class Graph(Protocol):
    """The store of edges, at one moment."""

    def edges_of_datasets(self, dataset_ids: Collection[int], direction: Direction) -> list[Edge]:
        """Give the edges of the jobs that read (INPUT) or write (OUTPUT) any of the datasets."""

    def edges_of_jobs(self, job_ids: Collection[int], direction: Direction) -> list[Edge]:
        """Give the edges to what the jobs read (INPUT) or write (OUTPUT)."""

    def sources(self, derivation_ids: Collection[int]) -> Mapping[int, Collection[int]]:
        """Give the ids of the source datasets of each derivation; one without sources may be missing."""

    def aliases(self, dataset_ids: Collection[int]) -> list[tuple[int, int, str]]:
        """Give the pairs of names of one dataset (id, id, reason) in which any of the datasets stands."""

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, JobRef]: ...

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, DatasetRef]: ...


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the answer; ``depth`` counts edges from the start, aliases not counted."""

    type: Literal["job", "dataset"]
    namespace: str
    name: str
    depth: int

    @property
    def id(self) -> str:
        return f"{self.type}:{self.namespace}:{self.name}"


class Link(NamedTuple):
    """An edge of the answer, in the direction in which data flow; ``via`` lists jobs that the level leaves out.

    ``kind`` is ``data``, or ``symlink`` or ``rename`` between two names of one dataset.
    """

    source: str
    target: str
    kind: str
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The answer. ``truncated``: there was more than ``max_nodes`` within the depth."""

    nodes: list[Node]
    links: list[Link]
    truncated: bool


Key = tuple[Literal["job", "dataset"], int]


def traverse(
    graph: Graph,
    node: JobRef | DatasetRef,
    way: Way,
    depth: int,
    level: Level = Level.JOB,
    max_nodes: int = 5000,
) -> Subgraph:
    """Walk from ``node`` along at most ``depth`` edges and give what was met.

    At level ``job`` an edge joins a job and a dataset; at level ``dataset``, two datasets. There explicit lineage and
    column lineage narrow an output to the sources that they name; a job is then no node, and its datasets are the
    start. BOTH is what lies upstream and what lies downstream, not the neighbours of neighbours in any direction.
    """
    walk = _Walk(graph, level, max_nodes)
    start: Key = ("job" if isinstance(node, JobRef) else "dataset", node.id)
    for direction in (Direction.INPUT, Direction.OUTPUT):
        if way in (Way.BOTH, Way.UPSTREAM if direction is Direction.INPUT else Way.DOWNSTREAM):
            walk.go(start, direction, depth)
    return walk.answer()


class _Walk:
    def __init__(self, graph: Graph, level: Level, max_nodes: int) -> None:
        self._graph = graph
        self._level = level
        self._max_nodes = max_nodes
        self._depths: dict[Key, int] = {}
        self._links: dict[tuple[Key, Key, str], set[int]] = defaultdict(set)
        self._truncated = False

    def go(self, start: Key, direction: Direction, depth: int) -> None:
        """Walk upstream (INPUT: to what is read) or downstream (OUTPUT: to what is written)."""
        seen: set[Key] = set()
        frontier = [start]
        if self._level is Level.DATASET and start[0] == "job":
            edges = self._graph.edges_of_jobs([start[1]], direction)
            frontier = [("dataset", edge.dataset_id) for edge in edges if not edge.implied]
        for distance in range(depth + 1):
            frontier = self._enter(frontier, seen, distance)
            if not frontier or distance == depth:
                break
            if self._level is Level.DATASET:
                found = self._datasets_beyond([id_ for _, id_ in frontier], direction)
            else:
                found = self._beyond(frontier, direction)
            frontier = self._link(found, direction)

    def _enter(self, keys: Iterable[Key], seen: set[Key], distance: int) -> list[Key]:
        """Take up the nodes that are new, and the other names of datasets, within the limit."""
        entered: list[Key] = []
        new = list(dict.fromkeys(key for key in keys if key not in seen))
        while new:
            for key in new:
                seen.add(key)
                if key not in self._depths and len(self._depths) >= self._max_nodes:
                    self._truncated = True
                    continue
                self._depths[key] = min(distance, self._depths.get(key, distance))
                entered.append(key)
            pairs = self._graph.aliases([id_ for kind, id_ in new if kind == "dataset"])
            for one, other, reason in pairs:
                self._links[("dataset", one), ("dataset", other), reason]
            names: list[Key] = [("dataset", id_) for one, other, _ in pairs for id_ in (one, other)]
            new = list(dict.fromkeys(key for key in names if key not in seen))
        return entered

    def _link(self, found: Iterable[tuple[Key, Key, int | None]], direction: Direction) -> list[Key]:
        """Record edges from the near to the far node; give the far nodes."""
        far_nodes = []
        for near, far, via in found:
            ends = (far, near) if direction is Direction.INPUT else (near, far)
            jobs = self._links[(*ends, "data")]
            if via is not None:
                jobs.add(via)
            far_nodes.append(far)
        return far_nodes

    def _beyond(self, frontier: Iterable[Key], direction: Direction) -> list[tuple[Key, Key, int | None]]:
        """Give the edges from these jobs and datasets; one declared without a job goes to its datasets at once."""
        datasets = [id_ for kind, id_ in frontier if kind == "dataset"]
        jobs = [id_ for kind, id_ in frontier if kind == "job"]
        found: list[tuple[Key, Key, int | None]] = [
            (("job", edge.job_id), ("dataset", edge.dataset_id), None)
            for edge in self._graph.edges_of_jobs(jobs, direction)
        ]
        # Upstream of a dataset is who writes it; downstream, who reads it.
        declared = []
        for edge in self._graph.edges_of_datasets(datasets, Direction(1 - direction)):
            if edge.declared:
                declared.append(edge)
            else:
                found.append((("dataset", edge.dataset_id), ("job", edge.job_id), None))
        for near, far in self._pairs(declared, direction):
            found.append((("dataset", near.dataset_id), ("dataset", far.dataset_id), None))
        return found

    def _datasets_beyond(
        self, dataset_ids: Collection[int], direction: Direction
    ) -> list[tuple[Key, Key, int | None]]:
        near_edges = self._graph.edges_of_datasets(dataset_ids, Direction(1 - direction))
        return [
            (
                ("dataset", near.dataset_id),
                ("dataset", far.dataset_id),
                None if near.declared else near.job_id,
            )
            for near, far in self._pairs(near_edges, direction)
        ]

    def _pairs(self, near_edges: Collection[Edge], direction: Direction) -> list[tuple[Edge, Edge]]:
        """Give the (near, far) edges of jobs between which data flow through the job."""
        if not near_edges:
            return []
        far_edges: dict[int, list[Edge]] = defaultdict(list)
        for edge in self._graph.edges_of_jobs({edge.job_id for edge in near_edges}, direction):
            far_edges[edge.job_id].append(edge)
        pairs = [(near, far) for near in near_edges for far in far_edges[near.job_id]]
        upstream = direction is Direction.INPUT
        derivations = {(near if upstream else far).derivation_id for near, far in pairs} - {None}
        sources = self._graph.sources([id_ for id_ in derivations if id_ is not None])

        def flows(read: Edge, written: Edge) -> bool:
            if written.derivation_id is None:
                return not read.implied
            return read.dataset_id in sources.get(written.derivation_id, ())

        return [(near, far) for near, far in pairs if (flows(far, near) if upstream else flows(near, far))]

    def answer(self) -> Subgraph:
        jobs = self._graph.jobs(
            {id_ for kind, id_ in self._depths if kind == "job"}.union(*self._links.values())
        )
        datasets = self._graph.datasets([id_ for kind, id_ in self._depths if kind == "dataset"])
        nodes: dict[Key, Node] = {}
        for key, depth in self._depths.items():
            ref = jobs.get(key[1]) if key[0] == "job" else datasets.get(key[1])
            if ref is not None:
                nodes[key] = Node(key[0], ref.namespace, ref.name, depth)
        links = [
            Link(
                nodes[source].id,
                nodes[target].id,
                kind,
                tuple(sorted(f"job:{jobs[id_].namespace}:{jobs[id_].name}" for id_ in via if id_ in jobs)),
            )
            for (source, target, kind), via in self._links.items()
            if source in nodes and target in nodes
        ]
        ordered = sorted(nodes.values(), key=lambda node: (node.depth, node.type, node.namespace, node.name))
        return Subgraph(ordered, sorted(links), self._truncated)
