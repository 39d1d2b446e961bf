"""The runs of all jobs upstream of a dataset, as forecasts learn from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx
from sqlalchemy import Connection, func, or_, select

from collector.storage.graph import SqlGraph
from collector.storage.tables import run
from collector.storage.upsert import among
from lineage.model import DatasetRef, JobRef
from lineage.runs import UNBOUNDED
from lineage.topology import digraph
from lineage.traverse import Way, text, traverse
from triggers.conditions import NAMESPACE as TRIGGERS
from triggers.cycles import FREQUENT, RunSeen
from triggers.habits import CYCLES

DEPTH = 60
"""Edges to walk upstream: thirty jobs one after the other."""

NODES = 1_000
"""What lies further away than these nodes is left out: it takes no time."""

MOST_RUNS = (CYCLES + 1) * FREQUENT
"""A job that has more runs in as many cycles as are looked at goes on all the time."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """What leads to a dataset."""

    dataset: str = ""
    """Its id in the graph; empty if no event has named it."""
    graph: nx.DiGraph[str] = field(default_factory=nx.DiGraph)
    """Edges lead the way data flow; what runs after something else comes after it too."""
    jobs: Mapping[str, int] = field(default_factory=dict)
    """Ids in the database by those in the graph; jobs that stand for their steps."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What people call the jobs."""


def upstream(conn: Connection, dataset_id: int) -> Upstream:
    """Walk upstream of a canonical dataset."""
    graph = SqlGraph(conn, control=True)
    named = graph.datasets([dataset_id]).get(dataset_id)
    if named is None:
        return Upstream()
    found = traverse(graph, DatasetRef(named.namespace, named.name), Way.UPSTREAM, DEPTH, max_nodes=NODES)
    # A firing goes on for as long as what it started: it takes no time of its own.
    jobs = [node for node in found.nodes if node.type == "job" and node.namespace != TRIGGERS]
    return Upstream(
        text("dataset", named),
        digraph(found.nodes, found.links),
        {node.id: JobRef(node.namespace, node.name).id for node in jobs},
        {node.id: node.name for node in jobs},
    )


def runs_of(conn: Connection, jobs: Mapping[str, int], since: int) -> dict[str, Sequence[RunSeen]]:
    """Give the runs of jobs that began since an instant (µs UTC), but of those that run all the time."""
    mine = (among(conn, run.c.job_id, jobs.values()), run.c.first_event_at >= since)
    counted = select(run.c.job_id, func.count().label("number")).where(*mine).group_by(run.c.job_id)
    seldom = {row.job_id for row in conn.execute(counted) if row.number <= MOST_RUNS}
    rows = conn.execute(
        select(
            run.c.job_id, func.coalesce(run.c.started_at, run.c.first_event_at), run.c.ended_at, run.c.state
        ).where(
            among(conn, run.c.job_id, seldom),
            run.c.first_event_at >= since,
            run.c.declared.is_(False),
            or_(run.c.processing_type.is_(None), run.c.processing_type.not_in(UNBOUNDED)),
        )
    )
    found: dict[int, list[RunSeen]] = defaultdict(list)
    for job_id, started_at, ended_at, state in rows:
        found[job_id].append(RunSeen(started_at, ended_at, state))
    return {node: found[id_] for node, id_ in jobs.items() if id_ in found}
