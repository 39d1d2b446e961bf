"""Runs: the list, one in detail, and its events."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from sqlalchemy import Connection

from collector.api import cursors, detail_shapes, parameters, shapes
from collector.api.access import visible
from collector.api.addresses import addresses
from collector.api.log_shapes import Events
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading
from collector.api.stored_events import as_items, newest_facets
from collector.errors import FieldError, NotFound, Unprocessable
from collector.storage import run_origins, runs
from collector.storage.event_reads import EventFilter, EventRow, events_of_run, list_events
from collector.storage.pages import Page
from collector.storage.visibility import Visible
from lineage.facets import mapping
from lineage.model import Direction

blueprint = Native("runs", "Runs of jobs.")

MOST_DATASETS = 1000
MOST_CHILDREN = 1000
MOST_CANDIDATES = 20

NEWEST_EVENTS = 200
OLDEST_EVENTS = 50
"""Of a run with more events than both together (a streaming job has millions) facets are read from these only."""


@blueprint.get("/runs", shapes.Runs, query=parameters.RunsQuery)
def list_runs(query: dict[str, Any]) -> object:
    """List runs, the newest first.

    Those of one job by their first event, others by when they were first heard of.
    """
    one_job = "job_name" in query
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME_OR_ID if one_job else cursors.BY_ID)
    wanted = runs.RunFilter(**{name: query[name] for name in query.keys() - {"limit", "cursor"}})
    limit = limit_of(query)
    with reading() as conn:
        return cursors.answer(runs.list_runs(conn, wanted, visible=visible(conn), after=after, limit=limit))


@blueprint.get("/run", detail_shapes.RunDetail, query=parameters.RunQuery, missing=True)
def get_run(query: dict[str, Any]) -> object:
    """Give all about one run.

    Where several jobs share the run id, name the job too.
    """
    with reading() as conn:
        seen = visible(conn)
        run = _find(conn, query, seen)
        data = runs.run_data(conn, run.id, visible=seen, limit=MOST_DATASETS)
        children = runs.count_children(conn, run.run_id, visible=seen, limit=MOST_CHILDREN)
        ancestors = run_origins.ancestors(conn, run.id, seen)
        started_by = run_origins.started_by(conn, run, seen)
        events, complete = events_of_run(
            conn, run.run_id, run.job.id, newest=NEWEST_EVENTS, oldest=OLDEST_EVENTS
        )
    answer = {name: getattr(run, name) for name in shapes.Run().fields}
    facets = run_facets(events)
    return answer | {
        "inputs": [item for item in data[:MOST_DATASETS] if item.direction is Direction.INPUT],
        "outputs": [item for item in data[:MOST_DATASETS] if item.direction is Direction.OUTPUT],
        "datasets_complete": len(data) <= MOST_DATASETS,
        "children": {"count": children, "url": f"/api/v2/runs?{urlencode({'parent_run_id': run.run_id})}"},
        "ancestors": ancestors,
        "started_by": started_by,
        "facets": facets,
        "facets_complete": complete,
        "links": addresses(facets),
    }


@blueprint.get("/run/events", Events, query=parameters.RunEventsQuery, missing=True)
def list_run_events(query: dict[str, Any]) -> object:
    """List the events of a run, the last received first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_ID)
    limit = limit_of(query)
    with reading() as conn:
        seen = visible(conn)
        run = _find(conn, query, seen)
        wanted = EventFilter(run_id=run.run_id, job=(run.job.namespace, run.job.name))
        page = list_events(conn, wanted, visible=seen, after=after, limit=limit, body=query["body"])
        return cursors.answer(Page(as_items(conn, page.items), page.next))


def run_facets(events: list[EventRow]) -> dict[str, msgspec.Raw]:
    """Fold the run facets of events in the order of receipt."""
    found = newest_facets(events, lambda event: [("run", mapping(mapping(event.get("run")).get("facets")))])
    return found.get("run", {})


def _find(conn: Connection, query: dict[str, Any], seen: Visible) -> runs.RunRow:
    run_id = query["run_id"]
    job = (query["job_namespace"], query["job_name"]) if "job_name" in query else None
    found = runs.find_runs(conn, run_id, job, visible=seen, limit=MOST_CANDIDATES)
    if not found:
        raise NotFound(
            f"There is no run {run_id!r}{f' of job {job[1]!r} in namespace {job[0]!r}' if job else ''}."
        )
    if len(found) > 1:
        raise Unprocessable(
            f"Several jobs have a run {run_id!r}; name one with job_namespace and job_name.",
            errors=tuple(
                FieldError("?job_name", f"may be job {run.job.name!r} in namespace {run.job.namespace!r}")
                for run in found
            ),
        )
    return found[0]
