"""Triggers that set themselves off: what they start writes, in the end, what they wait for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import networkx as nx
from sqlalchemy import Connection

from collector.questions.remarks import Remark
from collector.questions.trigger_starts import Start, starts_of
from collector.storage.effects import job_names
from collector.storage.graph import SqlGraph
from collector.storage.started_jobs import written_by
from lineage.model import Direction, JobRef
from lineage.topology import circles, round_trip
from lineage.traverse import Named
from triggers.conditions import NAMESPACE
from triggers.rules import RuleSet

MOST_REACHED: Final = 100_000
"""Datasets downstream of what triggers start that are looked at, the nearest first."""

Node = str | int
"""A trigger, by its id, or a dataset, by its canonical one."""

Waited = Mapping[tuple[str, str], Collection[int]]
"""The datasets that inputs of triggers wait for, by the ids of both."""


def loops(conn: Connection, rules: RuleSet, waited: Waited) -> Iterator[Remark]:
    """Find triggers that set themselves, or each other, off; and those of which nobody could tell.

    It is an error where one trigger's job writes what another one waits for, all the way round: that has no end. Where
    it takes jobs that no trigger starts, it is a warning: they may run by a schedule of their own.
    """
    starts = starts_of(conn, rules)
    written = written_by(conn, {id_ for start in starts for id_ in start.workers})
    for start in starts:
        yield from _unknown(conn, start, known=any(written.get(id_) for id_ in start.workers))
    near: nx.DiGraph[Node] = nx.DiGraph()
    for start in starts:
        for job_id in sorted(start.workers):
            near.add_edges_from(
                (start.trigger.id, dataset_id, {"start": start, "by": job_id})
                for dataset_id in written.get(job_id, ())
            )
    whole = near.copy()
    truncated = _flow_on(conn, whole)
    certain = list(_ways(near, waited))
    caught = {node for way in certain for node in way.nodes}
    possible = [way for way in _ways(whole, waited) if not any(node in caught for node in way.triggers)]
    words = _Words(conn, [*certain, *possible])
    for way in certain:
        yield Remark("error", f"trigger {way.nodes[0]}", f"it sets itself off: {words.of(way)}")
    for way in possible:
        text = "it sets itself off, if the jobs that no trigger starts run whenever their data come"
        yield Remark("warning", f"trigger {way.nodes[0]}", f"{text}: {words.of(way)}")
    if truncated:
        text = (
            f"what triggers start leads to more than {MOST_REACHED:,} datasets: not all loops were looked for"
        )
        yield Remark("note", "triggers", text)


def _unknown(conn: Connection, start: Start, *, known: bool) -> Iterator[Remark]:
    """Say where a loop would not be seen."""
    rule, action = f"trigger {start.trigger.id}", f"action {start.action.id} starts"
    jobs = " or ".join(sorted(_name(each) for each in start.jobs))
    if start.action.job is not None and not job_names(conn, [JobRef(*start.action.job).id]):
        yield Remark("warning", rule, f"no event has named job {jobs}, which {action}")
    elif not known:
        what = (
            f"nobody has seen job {jobs} write anything, which {action}"
            if jobs
            else f"it is not known which job {action}"
        )
        if start.trigger.guard.max_fires is None:
            text = f"{what}: a loop might never end; set guard.max_fires"
            yield Remark("warning", rule, text)
        else:
            yield Remark("note", rule, f"{what}: only guard.max_fires is sure to end a loop")


def _flow_on(conn: Connection, graph: nx.DiGraph[Node]) -> bool:
    """Add what is made of the datasets of a graph, and so on; tell whether there is more.

    Not what firings have told of their effects: these are those of the rules as they were then.
    """
    store = SqlGraph(conn)
    level = {node for node in graph if isinstance(node, int)}
    seen = set(level)
    while level:
        if len(seen) > MOST_REACHED:
            return True
        steps = list(store.between_datasets(level, Direction.OUTPUT))
        jobs = store.jobs({step.via for step in steps if step.via is not None})
        triggers = {id_ for id_, named in jobs.items() if named.namespace == NAMESPACE}
        steps = [step for step in steps if step.via not in triggers]
        graph.add_edges_from((step.near, step.far, {"by": step.via}) for step in steps)
        level = {step.far for step in steps} - seen
        seen |= level
    return False


# --- ways round ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Way:
    """A way from a trigger back to it; ``joined`` says what joins each node with the next one."""

    nodes: Sequence[Node]
    joined: Sequence[Mapping[str, Any]]

    @property
    def triggers(self) -> Iterable[str]:
        return (node for node in self.nodes if isinstance(node, str))


def _ways(flows: nx.DiGraph[Node], waited: Waited) -> Iterator[_Way]:
    """Find a shortest way round for each trigger that is on one, unless it is on another one's already."""
    graph = flows.copy()
    for (trigger_id, input_id), dataset_ids in sorted(waited.items()):
        graph.add_edges_from((id_, trigger_id, {"input": input_id}) for id_ in dataset_ids if id_ in flows)
    for circle in circles(graph):
        left = sorted(node for node in circle if isinstance(node, str))
        while left:
            nodes = round_trip(graph, circle, left[0])
            yield _Way(nodes, [graph.edges[ends] for ends in pairwise(nodes)])
            left = [node for node in left if node not in nodes]


class _Words:
    """Tells ways round to people."""

    def __init__(self, conn: Connection, ways: Collection[_Way]) -> None:
        ids = {node for way in ways for node in way.nodes if isinstance(node, int)}
        self._datasets: Mapping[int, Named] = SqlGraph(conn).datasets(ids)
        by = {joined["by"] for way in ways for joined in way.joined if joined.get("by") is not None}
        self._jobs = job_names(conn, by)

    def of(self, way: _Way) -> str:
        first = way.nodes[0]
        parts = [
            self._part(source, target, joined, first)
            for (source, target), joined in zip(pairwise(way.nodes), way.joined, strict=True)
        ]
        return "; ".join(filter(None, parts))

    def _part(self, source: Node, target: Node, joined: Mapping[str, Any], first: Node) -> str:
        if isinstance(target, str):
            whose = "" if target == first else f" of trigger {target}"
            return f"input {joined['input']}{whose} waits for it"
        found = self._datasets[target]
        job = self._jobs.get(joined["by"])
        if isinstance(source, int):
            # What is hidden stands between two jobs, or data are passed on in it: the next part tells.
            return "" if found.hidden or job is None else f"job {_name(job)} makes {found.name} of it"
        start: Start = joined["start"]
        whose = "" if source == first else f" of trigger {source}"
        jobs = " or ".join(sorted(_name(each) for each in start.jobs))
        who = "which" if job is None or job in start.jobs else f"of which job {_name(job)}"
        does = f"feeds {found.name}" if found.hidden else f"writes {found.name}"
        return f"action {start.action.id}{whose} starts job {jobs}, {who} {does}"


def _name(job: JobRef) -> str:
    return f"{job.namespace}:{job.name}"
