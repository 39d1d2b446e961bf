"""Who is affected by a change: all that lies downstream, by distance, with who owns it and how fresh it is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from collector.questions.scope import Scope
from collector.storage.column_graph import SqlColumns
from collector.storage.column_names import resolve_column
from collector.storage.dataset_reads import Update
from collector.storage.node_facts import (
    Owner,
    all_names,
    newest_runs,
    newest_updates,
    owners,
    told_columns,
    tools,
)
from collector.storage.runs import RunRow
from lineage.columns import Column, column_lineage
from lineage.impact import Affected, Known, Verdict, verdicts
from lineage.model import DatasetRef, JobRef
from lineage.topology import digraph
from lineage.traverse import Level, Node, Way, text, traverse

BEYOND = Verdict(Affected.UNKNOWN, "It lies beyond the part of the graph that was looked at.")


@dataclass(frozen=True, slots=True)
class Consumer:
    """A job or dataset downstream. ``last_update`` is a dataset's, ``last_run`` and ``tool`` a job's."""

    node: Node
    owners: list[Owner]
    tool: str | None
    last_update: Update | None
    last_run: RunRow | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Impact:
    """A page of consumers, the nearest first. ``truncated``: more follow; ``next`` is how many to skip to get them."""

    start: str
    consumers: list[Consumer]
    truncated: bool
    next: int | None


def impact(scope: Scope, node: str, *, depth: int, level: Level, limit: int, skip: int = 0) -> Impact:
    """Give what lies downstream of ``dataset:…``, ``job:…``, or of ``column:…`` with whether each is affected."""
    column: Column | None = None
    if node.startswith("column:"):
        column = resolve_column(scope.conn, node, scope.visible)
        named = scope.names([("dataset", column.dataset_id)])["dataset", column.dataset_id]
        start: JobRef | DatasetRef = DatasetRef(named.namespace, named.name)
    else:
        start = scope.find(node)
    found = traverse(scope.graph(), start, Way.DOWNSTREAM, depth, level, limit, skip)
    judged = None if column is None else _judged(scope, start, column, depth)
    nodes = [each for each in found.nodes if each.depth]
    keys = scope.keys(nodes)
    jobs = [id_ for kind, id_ in keys.values() if kind == "job"]
    datasets = [id_ for kind, id_ in keys.values() if kind == "dataset"]
    names = all_names(scope.conn, datasets)
    owned = owners(scope.conn, [*jobs, *(name_id for ids in names.values() for name_id in ids)])
    tool_of = tools(scope.conn, jobs)
    updates = newest_updates(scope.conn, datasets, scope.visible)
    runs = newest_runs(scope.conn, jobs, scope.visible)
    consumers = []
    for each in nodes:
        kind, id_ = keys.get(each.id, (each.type, 0))
        ids = [id_] if kind == "job" else names.get(id_, [id_])
        consumers.append(
            Consumer(
                each,
                list(dict.fromkeys(owner for name_id in ids for owner in owned.get(name_id, ()))),
                tool_of.get(id_),
                updates.get(id_),
                runs.get(id_),
                None if judged is None else judged.get(each.id, BEYOND),
            )
        )
    return Impact(node if column is not None else scope.shown(start), consumers, found.truncated, found.next)


def _judged(scope: Scope, start: JobRef | DatasetRef, column: Column, depth: int) -> dict[str, Verdict]:
    """Tell of all that lies downstream of a column whether it is affected."""
    whole = scope.walk(start, Way.DOWNSTREAM, depth)
    graph = digraph(whole.nodes, whole.links)
    columns = column_lineage(
        SqlColumns(scope.conn, fold=scope.fold, sees=scope.sees),
        [column],
        Way.DOWNSTREAM,
        depth,
        max_nodes=scope.max_nodes,
    )
    reached: dict[str, list[str]] = defaultdict(list)
    for node in columns.nodes:
        if node.depth:
            listed = reached[text("dataset", DatasetRef(node.namespace, node.name))]
            listed += [node.field] if node.field is not None else []
    by_key = {key: id_ for id_, key in scope.keys(whole.nodes).items()}
    jobs = {id_ for kind, id_ in by_key if kind == "job"}
    told = {
        (by_key["job", job_id], by_key["dataset", dataset_id])
        for job_id, dataset_id in told_columns(scope.conn, jobs, scope.fold)
        if ("job", job_id) in by_key and ("dataset", dataset_id) in by_key
    }
    through = {job for link in columns.links for job in link.via}
    return verdicts(graph, Known([text("dataset", start)], dict(reached), through, told))
