"""The log: its events, those that were refused, and those that could not be read."""

from __future__ import annotations

from typing import Any

from collector.api import cursors, log_shapes, parameters
from collector.api.access import require_everything, require_operate, visible
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading, services
from collector.api.stored_events import as_items, named_in
from collector.errors import NotFound
from collector.ingest import hints
from collector.ingest.reprocess import reprocess
from collector.storage.event_reads import (
    EventFilter,
    count_parked,
    find_event,
    list_events,
    list_parked,
    parked_error,
)
from collector.storage.inbox import unpark
from collector.storage.pages import Page
from collector.storage.rejections import (
    Rejection,
    bodies_of,
    count_rejections,
    find_rejection,
    list_rejections,
)

blueprint = Native("events", "The log of events as they were sent, and what went wrong with some.")


@blueprint.get("/events", log_shapes.Events, query=parameters.EventsQuery)
def get_events(query: dict[str, Any]) -> object:
    """List events, the newest first."""
    by_id = query["by"] == "received"
    after = cursors.decode(query.get("cursor"), cursors.BY_ID if by_id else cursors.BY_TIME)
    wanted = EventFilter(
        kind=query.get("kind"),
        event_type=query.get("event_type"),
        run_id=query.get("run_id"),
        job=(query["job_namespace"], query["job_name"]) if "job_name" in query else None,
        dataset=(query["dataset_namespace"], query["dataset_name"]) if "dataset_name" in query else None,
        since=query.get("since"),
        until=query.get("until"),
        by=query["by"],
    )
    limit = limit_of(query)
    with reading() as conn:
        page = list_events(conn, wanted, visible=visible(conn), after=after, limit=limit, body=query["body"])
        return cursors.answer(Page(as_items(conn, page.items), page.next))


@blueprint.get("/event", log_shapes.EventDetail, query=parameters.EventQuery, missing=True)
def get_event(query: dict[str, Any]) -> object:
    """Give one event, and what it is about."""
    with reading() as conn:
        found = find_event(conn, query["id"], visible=visible(conn))
        if found is None:
            raise NotFound(f"There is no event {query['id']}.")
        (item,) = as_items(conn, [found])
        return item | named_in(found) | {"error": parked_error(conn, found.id)}


@blueprint.get("/parked", log_shapes.ParkedEvents, query=parameters.Paged)
def get_parked(query: dict[str, Any]) -> object:
    """List the events that are in the log but could not be read into the catalog, the newest first."""
    require_everything()
    after = cursors.decode(query.get("cursor"), cursors.BY_ID)
    limit = limit_of(query)
    with reading() as conn:
        return cursors.answer(list_parked(conn, after=after, limit=limit), total=count_parked(conn))


@blueprint.post("/parked/reprocess", log_shapes.Requeued, body=parameters.ReprocessBody)
def requeue_parked(body: dict[str, Any]) -> object:
    """Let the projector try parked events again."""
    require_operate()
    require_everything()
    database = services().database
    with database.write() as conn:
        count = unpark(conn, body.get("ids"))
        database.notify(conn)
    return {"requeued": count}


@blueprint.get("/rejected", log_shapes.Rejections, query=parameters.Paged)
def get_rejected(query: dict[str, Any]) -> object:
    """List what was sent as an event and refused, the newest first."""
    require_everything()
    after = cursors.decode(query.get("cursor"), cursors.BY_ID)
    limit = limit_of(query)
    with reading() as conn:
        page = list_rejections(conn, after=after, limit=limit)
        bodies = bodies_of(conn, page.items, hints.LARGEST_READ)
        total = count_rejections(conn)
    return cursors.answer(page.map(lambda item: _refused(item, bodies.get(item.id, b""))), total=total)


@blueprint.get("/rejection", log_shapes.RejectionDetail, query=parameters.EventQuery, missing=True)
def get_rejection(query: dict[str, Any]) -> object:
    """Give one refused body."""
    require_everything()
    with reading() as conn:
        found = find_rejection(conn, query["id"])
    if found is None:
        raise NotFound(f"There is no refused body {query['id']}.")
    body = found.body or b""
    return _refused(found, body) | {"body": body.decode("utf-8", "replace")}


@blueprint.post("/rejected/reprocess", log_shapes.Reprocessed, body=parameters.ReprocessBody, missing=True)
def reprocess_rejected(body: dict[str, Any]) -> object:
    """Try refused bodies again.

    What can be recorded now moves to the log; the rest stays.
    """
    require_operate()
    require_everything()
    result = reprocess(services().database, body.get("ids"))
    refused = [{"id": each, "errors": errors} for each, errors in result.refused]
    return {"accepted": result.accepted, "duplicates": result.duplicates, "refused": refused}


def _refused(found: Rejection, body: bytes) -> dict[str, object]:
    """Give a refused body as lists answer it: where it came from, and how to mend what is wrong with it."""
    origin, whole = hints.read(body)
    errors = [
        {"path": error.path, "reason": error.reason, "hint": whole or hints.hint(error)}
        for error in found.errors
    ]
    shown = {
        name: getattr(found, name) for name in ("id", "received_at", "last_received_at", "count", "size")
    }
    return shown | {"errors": errors, "origin": origin}
