"""Walking the graph: what a dataset is made from, and what is made from it.

Level by level: all neighbours of one level are asked for at once, so the number of questions to the store grows with
the depth and not with the size of the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

from lineage.fold import LinkKind, without
from lineage.model import DatasetRef, Direction, JobRef


class Way(StrEnum):
    """The direction of a walk, against or with the flow of data."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    BOTH = "both"

    @property
    def directions(self) -> tuple[Direction, ...]:
        """INPUT, to what is read; OUTPUT, to what is written; or both."""
        upstream, downstream = (Direction.INPUT,), (Direction.OUTPUT,)
        return {"upstream": upstream, "downstream": downstream}.get(self, upstream + downstream)


class Level(StrEnum):
    """What the nodes of the answer are: jobs and datasets, or datasets alone."""

    JOB = "job"
    DATASET = "dataset"


NodeType = Literal["job", "dataset"]

Key = tuple[NodeType, int]
"""A node in the store: the id of a job that stands for itself or others, or of the canonical name of a dataset."""


class Step(NamedTuple):
    """An edge as it is walked, from the near node to the far one."""

    near: int
    far: int
    kind: LinkKind
    via: int | None
    """The job between two datasets."""


class Named(NamedTuple):
    """A node as the store knows it."""

    namespace: str
    name: str
    others: tuple[DatasetRef, ...] = ()
    """The other names of a dataset."""
    hidden: bool = False
    """Neither a job nor a dataset of anybody's; walked through, and left out of answers."""


class Graph(Protocol):
    """The store of edges, at one moment and folded in one way."""

    def start(self, node: JobRef | DatasetRef) -> Key:
        """Give the node that stands for a job or dataset."""

    def from_jobs(self, job_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        """Give the steps from jobs to what they read (INPUT) or write (OUTPUT)."""

    def from_datasets(self, dataset_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        """Give the steps from datasets to the jobs that write them (INPUT, upstream) or read them (OUTPUT)."""

    def between_datasets(self, dataset_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        """Give the steps from datasets to what they are made from (INPUT), or what is made from them (OUTPUT).

        An output with explicit sources (the ``lineage`` or ``columnLineage`` facet) is made from those, any other from
        all that its job reads.
        """

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, Named]: ...

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]: ...


class Node(NamedTuple):
    """A node of the answer; ``depth`` counts edges from the start."""

    type: NodeType
    namespace: str
    name: str
    depth: int
    names: tuple[str, ...] = ()
    """Ids of the other names of a dataset."""

    @property
    def id(self) -> str:
        return text(self.type, JobRef(self.namespace, self.name))


class Link(NamedTuple):
    """An edge of the answer, in the direction in which data flow; ``via`` lists jobs that the level leaves out."""

    source: str
    target: str
    kind: LinkKind
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The answer, nearest nodes first."""

    nodes: list[Node]
    links: list[Link]
    truncated: bool
    """There is more within the depth."""
    next: int | None = None
    """With ``truncated``: how many nodes to skip to go on from here."""


Links = dict[tuple[Key, Key, LinkKind], set[int]]


def traverse(
    graph: Graph,
    node: JobRef | DatasetRef,
    way: Way,
    depth: int,
    level: Level = Level.JOB,
    max_nodes: int = 5000,
    skip: int = 0,
) -> Subgraph:
    """Walk from ``node`` along at most ``depth`` edges and give what was met.

    At level ``job`` an edge joins a job and a dataset; at level ``dataset``, two datasets: a job is then no node, and
    its datasets are the start. BOTH is what lies upstream and what lies downstream, not the neighbours of neighbours
    in any direction. What is hidden counts as an edge on the way, and as a node in ``max_nodes`` and ``skip``.

    A walk has one order, so ``skip`` gives the part after what an earlier, truncated answer gave: each node and edge
    once, an edge with the later of its ends.
    """
    walk = _Walk(graph, level, skip, skip + max_nodes)
    start = graph.start(node)
    for direction in way.directions:
        walk.go(start, direction, depth)
    return walk.answer()


class _Walk:
    def __init__(self, graph: Graph, level: Level, skip: int, most: int) -> None:
        self._graph = graph
        self._level = level
        self._skip = skip
        self._most = most
        self._depths: dict[Key, int] = {}
        self._links: Links = {}
        self._given: Links | None = None
        """What an answer that ends before the skipped nodes' successor has given."""
        self._truncated = False

    def go(self, start: Key, direction: Direction, depth: int) -> None:
        """Walk upstream (INPUT: to what is read) or downstream (OUTPUT: to what is written)."""
        frontier = [start]
        if self._level is Level.DATASET and start[0] == "job":
            frontier = [("dataset", step.far) for step in self._graph.from_jobs([start[1]], direction)]
        seen: set[Key] = set()
        for distance in range(depth + 1):
            frontier = self._enter(frontier, seen, distance)
            if not frontier or self._truncated or distance == depth:
                break
            frontier = self._expand(frontier, direction)

    def _enter(self, keys: Iterable[Key], seen: set[Key], distance: int) -> list[Key]:
        """Take up the nodes that are new, within the limit; in order, so that the same walk comes again."""
        new = sorted(set(keys) - seen)
        seen.update(new)
        for key in new:
            if key not in self._depths:
                if len(self._depths) == self._skip and self._given is None:
                    self._given = self._inner()
                if len(self._depths) >= self._most:
                    self._truncated = True
                    break
                self._depths[key] = distance
            elif distance < self._depths[key]:
                self._depths[key] = distance
        return new

    def _expand(self, frontier: Collection[Key], direction: Direction) -> list[Key]:
        """Record the edges from these nodes on; give the far ends."""
        jobs = [id_ for kind, id_ in frontier if kind == "job"]
        datasets = [id_ for kind, id_ in frontier if kind == "dataset"]
        found: list[Key] = []
        if jobs:
            found += self._link("job", "dataset", self._graph.from_jobs(jobs, direction), direction)
        if datasets and self._level is Level.JOB:
            found += self._link("dataset", "job", self._graph.from_datasets(datasets, direction), direction)
        elif datasets:
            steps = self._graph.between_datasets(datasets, direction)
            found += self._link("dataset", "dataset", steps, direction)
        return found

    def _link(
        self, near: NodeType, far: NodeType, steps: Iterable[Step], direction: Direction
    ) -> Iterator[Key]:
        for step in steps:
            here, there = (near, step.near), (far, step.far)
            ends = (there, here) if direction is Direction.INPUT else (here, there)
            jobs = self._links.setdefault((*ends, step.kind), set())
            if step.via is not None:
                jobs.add(step.via)
            yield there

    def _inner(self) -> Links:
        """Give the links of which both ends are taken up."""
        depths = self._depths
        return {link: jobs for link, jobs in self._links.items() if link[0] in depths and link[1] in depths}

    def answer(self) -> Subgraph:
        shown = list(self._depths.items())[self._skip :]
        met = self._inner()
        named = names_of(
            self._graph, {key for link in met for key in link[:2]}.union(key for key, _ in shown)
        )
        hidden = sorted(key for key, found in named.items() if found.hidden)
        given = without(self._given or {}, hidden)
        links = without(met, hidden)
        jobs = names_of(self._graph, {("job", id_) for id_ in set[int]().union(*links.values())})
        texts = {key: text(key[0], found) for key, found in (named | jobs).items() if not found.hidden}
        nodes = [_node(key, named[key], depth) for key, depth in shown if key in texts]
        return Subgraph(
            sorted(nodes, key=lambda node: (node.depth, node.type, node.namespace, node.name)),
            sorted(
                Link(
                    texts[source],
                    texts[target],
                    kind,
                    tuple(sorted(texts["job", id_] for id_ in via if ("job", id_) in texts)),
                )
                for (source, target, kind), via in links.items()
                if source in texts and target in texts and (source, target, kind) not in given
            ),
            self._truncated,
            len(self._depths) if self._truncated else None,
        )


def names_of(graph: Graph, keys: Collection[Key]) -> dict[Key, Named]:
    """Give the nodes that the store has a name for, hidden ones too."""
    jobs = graph.jobs([id_ for kind, id_ in keys if kind == "job"])
    datasets = graph.datasets([id_ for kind, id_ in keys if kind == "dataset"])
    found: dict[Key, Named] = {("job", id_): named for id_, named in jobs.items()}
    found.update((("dataset", id_), named) for id_, named in datasets.items())
    return found


def text(type_: NodeType, named: Named | JobRef | DatasetRef) -> str:
    """Write a node as people do: ``dataset:NS:NAME`` or ``job:NS:NAME``."""
    return f"{type_}:{named.namespace}:{named.name}"


def _node(key: Key, named: Named, depth: int) -> Node:
    others = tuple(text("dataset", ref) for ref in sorted(named.others)) if named.others else ()
    return Node(key[0], named.namespace, named.name, depth, others)
