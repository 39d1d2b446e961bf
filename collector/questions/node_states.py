"""How the jobs and datasets of an answer stand, in as many statements for one as for thousands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from collector.questions.scope import Scope
from collector.storage import alert_reads
from collector.storage.alert_reads import AlertRow
from collector.storage.dataset_reads import updated_at
from collector.storage.graph import SqlGraph
from collector.storage.graph_states import LastRun, last_runs, tools
from collector.storage.standing_reads import Kept, Seen, Wanted, definitions, list_standings
from lineage.model import Direction
from lineage.traverse import Level, Node
from triggers.documents import expectation_of
from triggers.evaluate import lateness
from triggers.verdict import State

PER_DATASET = 20
"""Expectations of a dataset, on average, of which the worst is looked for."""


@dataclass(frozen=True, slots=True)
class DatasetStands:
    """How a dataset stands; times and durations in µs (UTC). ``kept`` is the worst, None if nothing is expected."""

    kept: Kept | None
    late_by: int | None
    updated_at: int | None
    alert: AlertRow | None


@dataclass(frozen=True, slots=True)
class JobStands:
    """How the newest run of a job stands; ``tool`` is SPARK, DBT and so on."""

    run: LastRun | None
    tool: str | None


class Neighbours(NamedTuple):
    """How many nodes are one edge away from a node, on either side."""

    upstream: int = 0
    downstream: int = 0


class NodeStates(NamedTuple):
    """How nodes stand, by their ids in the answer."""

    datasets: Mapping[str, DatasetStands]
    jobs: Mapping[str, JobStands]
    neighbours: Mapping[str, Neighbours]


def node_states(scope: Scope, nodes: Sequence[Node], level: Level, graph: SqlGraph) -> NodeStates:
    """Tell how these nodes stand now, and what is next to them in a graph."""
    keys = scope.keys(nodes)
    jobs = {id_: each for each, (kind, id_) in keys.items() if kind == "job"}
    datasets = {id_: each for each, (kind, id_) in keys.items() if kind == "dataset"}
    runs = last_runs(scope.conn, jobs)
    tool_of = tools(scope.conn, jobs)
    updates = updated_at(scope.conn, datasets, scope.visible)
    worst = _worst(scope, datasets)
    alerts = _alerts(scope, worst.keys())
    late = _late(scope, worst.values())
    upstream, downstream = (
        graph.beside(keys.values(), level, direction, scope.visible)
        for direction in (Direction.INPUT, Direction.OUTPUT)
    )
    return NodeStates(
        {
            each: DatasetStands(
                kept := worst.get(id_),
                late.get(id_),
                updates.get(id_),
                alerts.get((kept.expectation_id, id_)) if kept else None,
            )
            for id_, each in datasets.items()
        },
        {each: JobStands(runs.get(id_), tool_of.get(id_)) for id_, each in jobs.items()},
        {id_: Neighbours(upstream.get(key, 0), downstream.get(key, 0)) for id_, key in keys.items()},
    )


def _worst(scope: Scope, dataset_ids: Collection[int]) -> dict[int, Kept]:
    """Give the worst standing of each dataset of which something is expected."""
    if not dataset_ids:
        return {}
    limit = PER_DATASET * len(dataset_ids)
    wanted = Wanted(dataset_ids=dataset_ids)
    page = list_standings(scope.conn, wanted, Seen(scope.visible), after=None, limit=limit)
    found: dict[int, Kept] = {}
    for kept in page.items:
        found.setdefault(kept.dataset_id, kept)
    return found


def _alerts(scope: Scope, dataset_ids: Collection[int]) -> dict[tuple[str, int], AlertRow]:
    """Give the alert of each expectation and dataset that has been open longest."""
    if not dataset_ids:
        return {}
    seen = alert_reads.seen_by(scope.conn, scope.visible, scope.sees)
    found = alert_reads.open_alerts(scope.conn, dataset_ids, seen)
    return {key: alerts[0] for key, alerts in found.items()}


def _late(scope: Scope, worst: Collection[Kept]) -> dict[int, int | None]:
    """Give by how much datasets are late now, in µs."""
    late = [kept for kept in worst if kept.state in (State.LATE, State.MISSED)]
    bodies = definitions(scope.conn, {kept.expectation_id for kept in late}) if late else {}
    found = {kept.dataset_id: kept.late_by for kept in worst}
    for kept in late:
        body, deadline = bodies.get(kept.expectation_id), kept.deadline
        if body is not None and deadline is not None and deadline <= scope.now:
            found[kept.dataset_id] = lateness(expectation_of(body), deadline, scope.now)
    return found
