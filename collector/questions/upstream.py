"""What lies upstream of bad datasets, and which of its jobs may be the cause: they failed, or take too long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import networkx as nx
from sqlalchemy import Connection

from collector.storage.graph import SqlGraph
from collector.storage.node_facts import Owner, histories, newest_runs, owners
from collector.storage.run_streaks import Streak, streaks_of
from collector.storage.runs import RunRow
from lineage.causes import usual
from lineage.model import Direction
from lineage.runs import UNBOUNDED
from lineage.traverse import Key, Named, NodeType, text
from triggers.alerts import Alert, Severity
from triggers.conditions import NAMESPACE as TRIGGERS
from triggers.sentences import duration, moment, shortened

FAILED_RUN = "failed_run"
RUNNING_LATE = "running_late"

LONGEST_ERROR = 300
"""Characters of an error message that are quoted."""

MOST_NODES = 20_000
"""Nodes upstream of all that is bad together; what lies further is not taken for a cause."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The graph upstream of some datasets; edges lead the way data flow."""

    graph: nx.DiGraph[str] = field(default_factory=nx.DiGraph)
    names: Mapping[str, str] = field(default_factory=dict)
    """What people call the nodes; nothing for those that are nobody's."""
    jobs: Mapping[int, Named] = field(default_factory=dict)
    """Those that may be a cause; no triggers."""


def upstream_of(conn: Connection, dataset_ids: Collection[int], depth: int) -> Upstream:
    """Walk at most ``depth`` edges upstream of canonical datasets, all at once."""
    store = SqlGraph(conn, control=True)
    edges: set[tuple[Key, Key]] = set()
    seen: set[Key] = {("dataset", id_) for id_ in dataset_ids}
    kind: NodeType
    kind, level = "dataset", set(dataset_ids)
    for _ in range(depth):
        if not level or len(seen) > MOST_NODES:
            break
        asking = store.from_datasets if kind == "dataset" else store.from_jobs
        far: NodeType = "job" if kind == "dataset" else "dataset"
        found = {(step.near, step.far) for step in asking(level, Direction.INPUT)}
        edges |= {((far, there), (kind, here)) for here, there in found}
        level = {there for _, there in found if (far, there) not in seen}
        seen |= {(far, id_) for id_ in level}
        kind = far
    jobs = store.jobs({id_ for kind_, id_ in seen if kind_ == "job"})
    datasets = store.datasets({id_ for kind_, id_ in seen if kind_ == "dataset"})
    ids, names = dict[Key, str](), dict[str, str]()
    for key in seen:
        named = (jobs if key[0] == "job" else datasets).get(key[1])
        ids[key] = text(key[0], named) if named else f"{key[0]}:{key[1]}"
        if named and not named.hidden:
            names[ids[key]] = named.name
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(ids.values()))
    graph.add_edges_from(sorted((ids[one], ids[other]) for one, other in edges))
    # A firing fails when what it started does: that is the cause, and of the rest a trigger has alerts of its own.
    shown = {id_: each for id_, each in jobs.items() if not each.hidden and each.namespace != TRIGGERS}
    return Upstream(graph, names, shown)


def suspects(conn: Connection, upstream: Upstream, timezone: str, now: int) -> Iterator[Alert]:
    """Give the jobs upstream whose newest run failed, or runs for longer than usual, as alerts at causes only."""
    runs = newest_runs(conn, list(upstream.jobs), None)
    failed = {id_: run for id_, run in runs.items() if run.state in ("FAIL", "ABORT")}
    running = {id_: run for id_, run in runs.items() if _may_be_late(run)}
    owned = owners(conn, [*failed, *running])
    streaks = streaks_of(conn, [*failed, *running])
    for id_, run in failed.items():
        at = run.ended_at or run.last_event_at or now
        word = "failed" if run.state == "FAIL" else "was aborted"
        said = f": {error}" if (error := shortened(run.error or "", LONGEST_ERROR)) else ""
        words = f"The run of {run.job.name} {word} at {moment(at, timezone)}{said}"
        first = streaks[id_].failing_since
        starts = at if first is None else min(at, first)
        yield _alert(FAILED_RUN, run, streaks[id_], owned, starts, words if said else f"{words}.")
    for id_, history in histories(conn, running).items():
        run = running[id_]
        started = run.started_at or 0
        longest = usual(history.durations, now - started)
        if now - started > longest:
            words = (
                f"{run.job.name} runs since {moment(started, timezone)}; 95 of 100 of its runs take no longer "
                f"than {duration(longest)}."
            )
            yield _alert(RUNNING_LATE, run, streaks[id_], owned, started + longest, words)


def _may_be_late(run: RunRow) -> bool:
    return run.state == "RUNNING" and run.started_at is not None and run.processing_type not in UNBOUNDED


def _alert(
    rule: str, run: RunRow, streak: Streak, owned: Mapping[int, list[Owner]], starts: int, words: str
) -> Alert:
    mine = owned.get(run.job.id)
    return Alert(
        rule=rule,
        type="job",
        namespace=run.job.namespace,
        name=run.job.name,
        severity=Severity.INFO,
        starts=starts,
        last_good=streak.last_good,
        owner=mine[0].name if mine else None,
        text=words,
        only_as_cause=True,
    )
