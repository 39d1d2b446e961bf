"""``/search``: jobs and datasets by a part of their names."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask import request

from collector.api.access import principal, visible
from collector.api.marquez.node_ids import dataset_id, job_id
from collector.api.marquez.parameters import choice, page, required
from collector.api.marquez.refusals import invalid_query
from collector.api.marquez.routing import Routes
from collector.api.services import reading
from collector.storage.catalog import NodeType
from collector.storage.marquez.found import Found, Wanted, find
from collector.storage.marquez.job_names import full_names
from collector.times import EPOCH, iso

routes = Routes()

DEFAULT_LIMIT = 10

BOTH = "BOTH"
KINDS: dict[str, tuple[NodeType, ...]] = {
    "DATASET": ("dataset",),
    "JOB": ("job",),
    BOTH: ("job", "dataset"),
}


@routes.get("/search")
def search() -> object:
    """Find jobs and datasets, by name unless asked otherwise."""
    q = required("q")
    if not q.strip():
        raise invalid_query("query param q must not be blank")
    kind = choice("filter", ("DATASET", "JOB"), BOTH) if request.args.get("filter") else BOTH
    sort = choice("sort", ("NAME", "UPDATE_AT"), "NAME")
    wanted = Wanted(
        q.replace("\0", "\ufffd"),
        KINDS[kind],
        request.args.get("namespace") or None,
        _day("after"),
        _day("before"),
        newest_first=sort == "UPDATE_AT",
    )
    with reading() as conn:
        found = find(conn, wanted, visible=visible(conn), limit=page(DEFAULT_LIMIT).limit)
        names = full_names(conn, [each.id for each in found if each.kind == "job"], principal().sees)
    results = [_shown(each, names[each.id].full if each.kind == "job" else each.name) for each in found]
    return {"totalCount": len(results), "results": results}


def _shown(found: Found, name: str) -> dict[str, str]:
    written = job_id if found.kind == "job" else dataset_id
    return {
        "type": found.kind.upper(),
        "name": name,
        "updatedAt": iso(found.updated_at),
        "namespace": found.namespace,
        "nodeId": written(found.namespace, name),
    }


def _day(name: str) -> int | None:
    """Read ``YYYY-MM-DD`` as its first moment in UTC, in µs."""
    value = request.args.get(name)
    if not value:
        return None
    try:
        day = date.fromisoformat(value) if len(value) == len("2026-11-22") else None
    except ValueError:
        day = None
    if day is None:
        raise invalid_query(f"query param {name} must match YYYY-MM-DD")
    return (datetime.combine(day, time(), UTC) - EPOCH) // timedelta(microseconds=1)
