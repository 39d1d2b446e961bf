"""Why a dataset or job is bad: what went wrong, is late or did not happen upstream of it."""

from __future__ import annotations

from dataclasses import dataclass

from collector.questions.scope import Scope
from collector.storage.node_facts import dropped, failed_checks, histories, newest_runs, newest_updates
from lineage.causes import Cause, DatasetState, LastRun, State, behind, causes, explanation
from lineage.topology import digraph
from lineage.traverse import Way

NO_RUN = LastRun(None, None, None)


@dataclass(frozen=True, slots=True)
class RootCause:
    """What may be the cause, the likeliest first, and how much was looked at."""

    node: str
    explanation: str
    causes: list[Cause]
    jobs: int
    datasets: int
    truncated: bool


def root_cause(scope: Scope, node: str, *, depth: int, limit: int) -> RootCause:
    """Look for what may be the cause that ``node`` is bad, at most ``depth`` edges upstream of it."""
    start = scope.find(node)
    found = scope.walk(start, Way.UPSTREAM, depth)
    graph = digraph(found.nodes, found.links)
    keys = scope.keys(found.nodes)
    job_ids = {id_: each for each, (kind, id_) in keys.items() if kind == "job"}
    dataset_ids = {id_: each for each, (kind, id_) in keys.items() if kind == "dataset"}
    runs = newest_runs(scope.conn, list(job_ids), scope.visible)
    updates = newest_updates(scope.conn, dataset_ids, scope.visible)
    checks = failed_checks(scope.conn, dataset_ids)
    gone = dropped(scope.conn, dataset_ids, updates)
    jobs = {
        each: LastRun(
            run.state,
            run.first_event_at if run.started_at is None else run.started_at,
            run.ended_at,
            run.error,
            run.processing_type,
        )
        if (run := runs.get(id_))
        else NO_RUN
        for id_, each in job_ids.items()
    }
    datasets = {
        each: DatasetState(
            update.event_time if (update := updates.get(id_)) else None,
            update.rows if update else None,
            checks.get(id_, ()),
            gone.get(id_),
        )
        for id_, each in dataset_ids.items()
    }
    # What is usual is asked only of jobs that may be late.
    unread = behind(graph, jobs, datasets)
    waiting = {id_: each for id_, each in job_ids.items() if jobs[each].state == "RUNNING" or each in unread}
    usual = {waiting[id_]: history for id_, history in histories(scope.conn, waiting).items()}
    state = State(jobs, datasets, usual, scope.now)
    ranked = causes(graph, scope.shown(start), state)
    return RootCause(
        scope.shown(start),
        explanation(ranked, state),
        ranked[:limit],
        len(jobs),
        len(datasets),
        found.truncated or len(ranked) > limit,
    )
