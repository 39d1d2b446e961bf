"""The deprecated requests that announce a run and say how it goes."""

from __future__ import annotations

import uuid
from typing import Any

from flask import request
from sqlalchemy import Connection

from collector.api.access import principal, visible
from collector.api.marquez import jobs, runs
from collector.api.marquez.bodies import body_of
from collector.api.marquez.declarations import run_event
from collector.api.marquez.dispatch import created
from collector.api.marquez.parameters import uuid_of
from collector.api.marquez.refusals import invalid_query
from collector.api.marquez.routing import Routes
from collector.api.recording import recorder
from collector.api.services import reading, services
from collector.auth import INGEST
from collector.errors import BadRequest
from collector.storage import notes
from collector.storage.edge_reads import job_edges
from collector.storage.marquez.run_data import runs_with_id
from collector.times import iso, now_us
from lineage.instants import parse_instant
from lineage.model import Direction, run_key

routes = Routes()

MOST_DATASETS = 10_000


@routes.post("/namespaces/{namespace}/jobs/{job}/runs", INGEST)
def announce(namespace: str, job: str) -> object:
    """Announce a run: it is NEW until something else is said of it."""
    body = body_of()
    given, args = body.text("id"), body.map("args")
    nominal = body.instant("nominalStartTime"), body.instant("nominalEndTime")
    body.check()
    run_id = str(uuid.uuid4() if given is None else uuid_of(given))
    now = now_us()
    with services().database.write() as conn:
        found = jobs.find(conn, namespace, job, visible(conn))
        known = any(row.job.id == found.id for row in runs_with_id(conn, run_id, None))
        if known or not notes.note_run(conn, run_key(run_id), found.id, args, now):
            raise BadRequest(f"Run '{run_id}' already exists for '{job}' under namespace '{namespace}'.")
    event = run_event(now, (found.namespace, found.own), run_id, "OTHER", nominal=nominal)
    recorder().record([event], principal())
    return created(runs.get_run(run_id), f"/api/v1/jobs/runs/{run_id}")


@routes.post("/jobs/runs/{id}/start", INGEST)
def start(id: str) -> object:  # noqa: A002  # the name of the parameter in Marquez's paths
    """Say that a run has begun."""
    return _tell(id, "START")


@routes.post("/jobs/runs/{id}/complete", INGEST)
def complete(id: str) -> object:  # noqa: A002  # as above
    """Say that a run has ended well."""
    return _tell(id, "COMPLETE")


@routes.post("/jobs/runs/{id}/fail", INGEST)
def fail(id: str) -> object:  # noqa: A002  # as above
    """Say that a run has failed."""
    return _tell(id, "FAIL")


@routes.post("/jobs/runs/{id}/abort", INGEST)
def abort(id: str) -> object:  # noqa: A002  # as above
    """Say that a run was stopped."""
    return _tell(id, "ABORT")


def _tell(run_id: str, event_type: str) -> object:
    at = _instant()
    with reading() as conn:
        run = runs.find(conn, run_id, visible(conn))[0]
        data = _data_of(conn, run.job.id)
    job = (run.job.namespace, run.job.name)
    recorder().record([run_event(at, job, run.run_id, event_type, **data)], principal())
    return runs.get_run(run_id)


def _data_of(conn: Connection, job_id: int) -> dict[str, Any]:
    """Give what the job was declared to read and write: a run that has ended without would undo it."""
    edges = job_edges(conn, job_id, visible=None, limit=MOST_DATASETS, open_only=True)
    pairs = {
        direction: [(edge.other.namespace, edge.other.name) for edge in edges if edge.direction is direction]
        for direction in Direction
    }
    return {"inputs": pairs[Direction.INPUT], "outputs": [(pair, {}) for pair in pairs[Direction.OUTPUT]]}


def _instant() -> int:
    value = request.args.get("at")
    if not value:
        return now_us()
    try:
        # A plus that was not escaped has become a space on the way.
        return parse_instant(value.replace(" ", "+"))[0]
    except ValueError as error:
        raise invalid_query(f"query param at must be a time such as {iso(now_us())}") from error
