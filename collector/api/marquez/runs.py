"""``/jobs/runs/{id}``: one run, and its facets."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from collector.api.access import principal, visible
from collector.api.marquez.parameters import one_of, required, uuid_of
from collector.api.marquez.refusals import missing
from collector.api.marquez.routing import Routes
from collector.api.marquez.run_entities import Entity, facets_in, new_run, run_entities
from collector.api.services import reading
from collector.api.stored_events import newest_facets
from collector.storage.marquez import run_data
from collector.storage.marquez.identifiers import run_uuid
from collector.storage.runs import RunRow
from collector.storage.visibility import Visible

routes = Routes()

FACET_TYPES = ("RUN", "JOB", "DATASET")

MOST_EVENTS = 200
"""Of a run with more events facets are read from the last of them, and some of the first."""


@routes.get("/jobs/runs/{id}")
def get_run(id: str) -> object:  # noqa: A002  # the name of the parameter in Marquez's paths
    """Give one run. Where several jobs share a run id, it is the one that began first."""
    with reading() as conn:
        return entity(conn, id, visible(conn))


@routes.get("/jobs/runs/{id}/facets")
def get_facets(id: str) -> object:  # noqa: A002  # as above
    """Give the facets of a run, or those of its job as the run's events had them. There are none of datasets."""
    wanted = one_of("type", FACET_TYPES, required("type")).lower()
    with reading() as conn:
        rows = find(conn, id, visible(conn))
        # The facets of a run are those that any of the jobs has told that share its id.
        some = rows if wanted == "run" else rows[:1]
        events = run_data.events_of(conn, some, newest=MOST_EVENTS, oldest=MOST_EVENTS // 4)
    told = sorted((event for each in events.values() for event in each), key=lambda event: event.id)
    return {"runId": run_uuid(id), "facets": newest_facets(told, facets_in).get((wanted,), {})}


def find(conn: Connection, run_id: str, seen: Visible) -> list[RunRow]:
    """Find the runs with an id, as sent or as a UUID. Raises ``NotFound``, and ``NoSuchPath`` for what is no UUID."""
    rows = run_data.runs_with_id(conn, run_id, seen)
    if not rows:
        raise missing("Run", uuid_of(run_id))
    return rows


def entity(conn: Connection, run_id: str, seen: Visible) -> Entity:
    """Give one run as answers have it. Raises ``NotFound``."""
    rows = run_data.runs_with_id(conn, run_id, seen)
    if not rows:
        note = run_data.announced_run(conn, run_id, seen)
        if note is None:
            raise missing("Run", uuid_of(run_id))
        return new_run(run_id, *note)
    row = rows[0]
    if row.first_event_at is None and (span := run_data.span_of_children(conn, run_id)):
        row = replace(row, first_event_at=span[0], last_event_at=span[1])
    return run_entities(conn, [row], principal().sees)[row.id]
