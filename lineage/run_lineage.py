"""Lineage of runs: from which runs the data came that a run read, and which runs read what it brought.

A run reads of each dataset what the newest update before its start has brought, whatever name of the dataset either
uses. So of two runs that write a dataset one after the other, a reader depends on the later one alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

from lineage.bounds import Met
from lineage.model import JobRef
from lineage.traverse import Named, Way, text


class Read(NamedTuple):
    """A run read a dataset; ids as the store gives them, the dataset's canonical."""

    run_id: int
    dataset_id: int
    writer_id: int | None
    """The run whose update it read; None: no run is known to have written the dataset before."""
    version: str | None
    """Of the dataset, as the reader names it, else the writer."""


class RunKnown(NamedTuple):
    """A run as the store knows it; times in µs UTC."""

    run_id: str
    job: JobRef
    shared: bool
    """Runs of other jobs have the same run id."""
    state: str | None
    started_at: int | None
    """Its first START, else its first event."""
    ended_at: int | None


class RunGraph(Protocol):
    """The store of what runs read and wrote."""

    def reads_of(self, run_ids: Collection[int]) -> Iterable[Read]:
        """Give what these runs have read."""

    def readers_of(self, run_ids: Collection[int]) -> Iterable[Read]:
        """Give who has read what these runs have written."""

    def runs(self, run_ids: Collection[int]) -> Mapping[int, RunKnown]:
        """Give runs; one that is missing is left out of the answer."""

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]: ...


@dataclass(frozen=True, slots=True)
class RunInput:
    """A dataset that a run of the answer read. ``writer`` is the id of a node, or None."""

    namespace: str
    name: str
    version: str | None
    writer: str | None

    @property
    def id(self) -> str:
        return text("dataset", Named(self.namespace, self.name))


@dataclass(frozen=True, slots=True)
class RunNode:
    """A run of the answer; ``depth`` counts runs from the start."""

    run_id: str
    job: JobRef
    depth: int
    state: str | None
    started_at: int | None
    ended_at: int | None
    shared: bool = False
    inputs: tuple[RunInput, ...] | None = None
    """What it read, by name; None where the walk went no further, so that nobody has looked."""
    type: Literal["run"] = "run"

    @property
    def id(self) -> str:
        """``run:RUNID``, and where runs of several jobs share that id ``run:RUNID:job:NS:NAME``."""
        return f"run:{self.run_id}:{text('job', self.job)}" if self.shared else f"run:{self.run_id}"


class RunLink(NamedTuple):
    """A run read what another had written: the datasets, as ``dataset:NS:NAME``."""

    source: str
    target: str
    datasets: tuple[str, ...]
    kind: str = "data"


@dataclass(frozen=True, slots=True)
class RunSubgraph:
    """The answer, nearest runs first. ``truncated``: there is more within the depth; ``next`` is where it begins."""

    nodes: list[RunNode]
    links: list[RunLink]
    truncated: bool
    next: int | None


def run_lineage(
    graph: RunGraph, run_id: int, way: Way, depth: int, *, max_nodes: int = 5000, skip: int = 0
) -> RunSubgraph:
    """Walk from a run at most ``depth`` steps from reader to writer, or back, and give the runs that were met.

    A walk has one order, so ``skip`` gives the part after what an earlier, truncated answer gave: each run and link
    once, a link with the later of its ends.
    """
    walk = _Walk(graph, skip, max_nodes)
    if way is not Way.DOWNSTREAM:
        walk.go(run_id, upstream=True, depth=depth)
    if way is not Way.UPSTREAM:
        walk.go(run_id, upstream=False, depth=depth)
    return walk.answer()


class _Walk:
    def __init__(self, graph: RunGraph, skip: int, most: int) -> None:
        self._graph = graph
        self._links: dict[tuple[int, int], set[int]] = defaultdict(set)
        self._inputs: dict[int, set[Read]] = {}
        self._met = Met(self._links.keys(), skip, most)

    def go(self, start: int, *, upstream: bool, depth: int) -> None:
        seen: set[int] = set()
        frontier: Iterable[int] = [start]
        for distance in range(depth + 1):
            entered = self._met.enter(frontier, seen, distance)
            if not entered or distance == depth:
                break
            reads = self._graph.reads_of(entered) if upstream else self._graph.readers_of(entered)
            if upstream:
                self._inputs.update((run_id, set()) for run_id in entered)
            met = set()
            for read in reads:
                if upstream:
                    self._inputs[read.run_id].add(read)
                if read.writer_id is not None:
                    self._links[read.writer_id, read.run_id].add(read.dataset_id)
                    met.add(read.writer_id if upstream else read.run_id)
            frontier = sorted(met)

    def answer(self) -> RunSubgraph:
        met = self._met
        runs = self._graph.runs(met.depths)
        links = [ends for ends in met.inner() if ends[0] in runs and ends[1] in runs]
        shown = [id_ for place, id_ in enumerate(met.depths) if met.is_new(place) and id_ in runs]
        read = {each.dataset_id for id_ in shown for each in self._inputs.get(id_, ())}
        known = self._graph.datasets(read.union(*(self._links[ends] for ends in links)))
        names = {id_: named for id_, named in known.items() if not named.hidden}
        nodes = {id_: _node(run, met.depths[id_]) for id_, run in runs.items()}
        for id_ in shown:
            if id_ in self._inputs:
                inputs = [
                    RunInput(*names[each.dataset_id][:2], each.version, writer.id if writer else None)
                    for each in self._inputs[id_]
                    if each.dataset_id in names
                    for writer in (nodes.get(each.writer_id or -1),)
                ]
                nodes[id_] = replace(nodes[id_], inputs=tuple(sorted(inputs, key=lambda each: each.id)))
        return RunSubgraph(
            sorted((nodes[id_] for id_ in shown), key=lambda node: (node.depth, node.id)),
            sorted(
                RunLink(
                    nodes[source].id,
                    nodes[target].id,
                    tuple(sorted(text("dataset", names[id_]) for id_ in datasets if id_ in names)),
                )
                for (source, target), datasets in ((ends, self._links[ends]) for ends in links)
                if not met.given or (source, target) not in met.given
            ),
            met.truncated,
            met.next,
        )


def _node(run: RunKnown, depth: int) -> RunNode:
    return RunNode(run.run_id, run.job, depth, run.state, run.started_at, run.ended_at, run.shared)
