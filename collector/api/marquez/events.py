"""``/events/lineage``: the events of runs, as they were sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from collector.api.access import visible
from collector.api.marquez.parameters import choice, page
from collector.api.marquez.routing import Routes
from collector.api.services import reading
from collector.api.stored_events import value_of
from collector.errors import BadRequest
from collector.storage.event_reads import EventRow, run_events_between
from collector.times import iso
from lineage.instants import parse_instant

routes = Routes()

BEFORE = "2030-01-01T00:00:00+00:00"
AFTER = "1970-01-01T00:00:00+00:00"

KEYS = {"run": ("runId", "facets"), "job": ("namespace", "name", "facets")}
DATASETS = {"inputs": "inputFacets", "outputs": "outputFacets"}


@routes.get("/events/lineage")
def list_events() -> object:
    """List events between two times, the newest first unless asked otherwise."""
    before, after = _instant("before", BEFORE), _instant("after", AFTER)
    newest = choice("sortDirection", ("DESC", "ASC"), "DESC") == "DESC"
    part = page()
    with reading() as conn:
        found, total = run_events_between(
            conn,
            after,
            before,
            newest=newest,
            visible=visible(conn),
            limit=part.limit,
            offset=part.offset,
        )
    return {"events": [_shown(event) for event in found], "totalCount": total}


def _instant(name: str, default: str) -> int:
    # A plus that was not escaped has become a space on the way.
    value = (request.args.get(name) or default).replace(" ", "+")
    try:
        instant, naive = parse_instant(value)
    except ValueError as error:
        raise BadRequest(f"query param {name} is invalid: {value}") from error
    if naive:
        raise BadRequest(f"query param {name} is invalid: {value} has no time zone")
    return instant


def _shown(row: EventRow) -> dict[str, Any]:
    """Give an event with all the keys that Marquez knows, and its time in UTC."""
    value = value_of(row)
    event: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    shown: dict[str, Any] = {"eventType": event.get("eventType"), "eventTime": iso(row.event_time)}
    for key, known in KEYS.items():
        shown[key] = _complete(event.get(key), known)
    if isinstance(shown["run"], dict) and isinstance(shown["run"]["facets"], dict):
        shown["run"]["facets"] = _renamed(shown["run"]["facets"])
    for key, own in DATASETS.items():
        entries = event.get(key)
        known = ("namespace", "name", "facets", own)
        shown[key] = [_complete(each, known) for each in entries] if isinstance(entries, list) else None
    return {**shown, "producer": event.get("producer"), "schemaURL": event.get("schemaURL")} | {
        key: given for key, given in event.items() if key not in shown
    }


def _complete(entity: object, keys: tuple[str, ...]) -> object:
    return {**dict.fromkeys(keys), **entity} if isinstance(entity, dict) else entity


def _renamed(facets: Mapping[str, Any]) -> dict[str, Any]:
    """Give run facets with the parent under the name that it has today."""
    if "parentRun" not in facets or "parent" in facets:
        return dict(facets)
    return {"parent" if name == "parentRun" else name: facet for name, facet in facets.items()}
