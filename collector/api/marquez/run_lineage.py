"""``/runlineage/upstream``: the runs that wrote what a run read, and what those read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api.access import principal, visible
from collector.api.marquez.parameters import required, uuid_of, whole
from collector.api.marquez.refusals import missing
from collector.api.marquez.routing import Routes
from collector.api.marquez.run_entities import Sees
from collector.api.services import reading
from collector.storage.marquez.identifiers import dataset_version_uuid, run_uuid
from collector.storage.marquez.job_names import full_names
from collector.storage.marquez.job_pages import state_word
from collector.storage.marquez.job_versions import histories
from collector.storage.marquez.run_data import UsedDataset, data_of, runs_with_id
from collector.storage.runs import RunRow, runs_by_id
from collector.storage.visibility import Visible
from collector.times import iso
from lineage.model import Direction

routes = Routes()

DEFAULT_DEPTH = 20

MOST_RUNS = 10_000
"""No further step is taken from here on: the steps before are complete."""

Inputs = dict[int, list[UsedDataset]]


@routes.get("/runlineage/upstream")
def upstream_runs() -> object:
    """Give a run and what it goes back to, step by step: who had written last what it read when it began."""
    run_id, depth = str(uuid_of(required("runId"))), whole("depth", DEFAULT_DEPTH, least=None)
    with reading() as conn:
        seen = visible(conn)
        start = runs_with_id(conn, run_id, seen)
        if not start:
            raise missing("Run", run_id)
        runs, inputs = _walk(conn, start, max(depth, 0), seen, principal().sees)
        # A writer that the caller may not see is none of the answer's.
        versions = _versions(conn, runs)
        return {"runs": [_shown(run, versions[run.id], inputs[run.id], runs) for run in runs.values()]}


def _walk(
    conn: Connection, start: list[RunRow], depth: int, seen: Visible, sees: Sees
) -> tuple[dict[int, RunRow], Inputs]:
    """Give the runs by the numbers of their rows, in the order in which they are met, and what each read."""
    runs: dict[int, RunRow] = {}
    inputs: Inputs = {}
    frontier = {run.id: run for run in start}
    for distance in range(depth + 1):
        runs.update(frontier)
        used = data_of(conn, frontier.keys())
        for row in frontier:
            inputs[row] = [
                use
                for use in used.get(row, ())
                if use.direction is Direction.INPUT and sees(use.dataset.namespace)
            ]
        writers = {use.version_of[1]: None for row in frontier for use in inputs[row]}
        new = [row for row in writers if row and row not in runs]
        if not new or distance == depth or len(runs) >= MOST_RUNS:
            break
        found = runs_by_id(conn, new, seen)
        frontier = {row: found[row] for row in new if row in found}
    return runs, inputs


def _versions(conn: Connection, runs: dict[int, RunRow]) -> dict[int, tuple[str, str]]:
    """Give of each run the full name of its job, and the job's version."""
    names = full_names(conn, {run.job.id for run in runs.values()}, principal().sees)
    known = histories(conn, names, {}, list(runs))
    return {
        row: (names[run.job.id].full, known[run.job.id].uuid_at(run.first_event_at or 0))
        for row, run in runs.items()
    }


def _shown(
    run: RunRow, job: tuple[str, str], inputs: list[UsedDataset], runs: dict[int, RunRow]
) -> dict[str, Any]:
    name, version = job
    return {
        "job": {"namespace": run.job.namespace, "name": name, "version": version},
        "run": {
            "id": run_uuid(run.run_id),
            "start": iso(run.started_at if run.started_at is not None else run.first_event_at),
            "end": iso(run.ended_at),
            "status": state_word(run.state),
        },
        "inputs": [
            {
                "namespace": use.dataset.namespace,
                "name": use.dataset.name,
                "version": dataset_version_uuid(*use.version_of),
                "producedByRunId": run_uuid(runs[use.version_of[1]].run_id)
                if use.version_of[1] in runs
                else None,
            }
            for use in inputs
        ],
    }
