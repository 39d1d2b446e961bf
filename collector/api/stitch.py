"""Suggestions which names are one dataset, and what people decide about them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api import parameters, stitch_shapes
from collector.api.access import principal, require_everything, require_operate, visible
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading, services
from collector.errors import NotFound
from collector.storage import aliases, stitch
from collector.storage.catalog import find_named
from collector.times import now_us
from lineage.model import DatasetRef
from lineage.stitch import Facts, Suggestion

blueprint = Native("stitch", "Names that are probably one dataset.")

MOST_COLUMNS = 12
"""Columns of a name that an answer lists."""


@blueprint.get("/stitch/suggestions", stitch_shapes.Suggestions, query=parameters.Limited)
def list_suggestions(query: dict[str, Any]) -> object:
    """List pairs of names that are probably one dataset, the best first.

    Each comes with its evidence and the rule that would join the two, and mostly many others. Nothing is joined before
    somebody accepts it.
    """
    limit = limit_of(query)
    with reading() as conn:
        found = stitch.suggested(conn, visible=visible(conn))
        shown = found.items[:limit]
        facts = stitch.facts_of(conn, {ref for item in shown for ref in (item.one, item.other)})
    items = [
        as_item(rank, item) | {"facts": _side_by_side(facts[item.one], facts[item.other])}
        for rank, item in enumerate(shown, 1)
    ]
    return {"items": items, "total": len(found.items), "truncated": found.truncated}


@blueprint.post("/stitch/accept", stitch_shapes.Accepted, body=stitch_shapes.AcceptBody, missing=True)
def accept(body: dict[str, Any]) -> object:
    """Add the rule that a suggestion comes with.

    The catalog follows within a second or so.
    """
    require_operate()
    require_everything()
    one, other = _pair(body)
    with reading() as conn:
        found = stitch.suggested(conn, visible=None).find(one, other)
    if found is None:
        raise NotFound(f"There is no suggestion that {one.name!r} and {other.name!r} are one dataset.")
    database = services().database
    with database.write() as conn:
        rules, revision = stitch.accept(conn, found, now_us(), principal().name, exact=body["exact"])
        database.notify(conn)
        return {"rules": rules, "revision": revision, "applied": aliases.state(conn).applied >= revision}


@blueprint.post("/stitch/dismiss", stitch_shapes.Dismissed, body=stitch_shapes.PairBody, missing=True)
def dismiss(body: dict[str, Any]) -> object:
    """Say that two names are two datasets: the pair is not suggested again.

    Rules that would join it are not suggested either; what they account for besides is, pair by pair.
    """
    require_operate()
    require_everything()
    one, other = _pair(body)
    with services().database.write() as conn:
        for ref in (one, other):
            _exists(conn, ref)
        stitch.decide(conn, one, other, "dismissed", now_us(), principal().name)
    return {"one": one, "other": other}


def as_item(rank: int, found: Suggestion) -> dict[str, Any]:
    """Give a suggestion as it is answered."""
    return {
        "rank": rank,
        "one": found.one,
        "other": found.other,
        "confidence": found.confidence,
        "evidence": [piece._replace(weight=round(piece.weight, 2)) for piece in found.evidence],
        "rules": [stitch.body_of(rule) for rule in found.rules],
        "joins": found.joins,
    }


def _side_by_side(one: Facts, other: Facts) -> dict[str, object]:
    shared = one.columns & other.columns
    return {
        "one": _facts(one, shared),
        "other": _facts(other, shared),
        "shared": sorted(shared)[:MOST_COLUMNS],
        "shared_columns": len(shared),
    }


def _facts(known: Facts, shared: frozenset[str]) -> dict[str, object]:
    return {
        "columns": len(known.columns),
        "own": sorted(known.columns - shared)[:MOST_COLUMNS],
        "writers": len(known.writers),
        "readers": len(known.readers),
        "sources": sorted(known.sources),
    }


def _exists(conn: Connection, ref: DatasetRef) -> None:
    find_named(conn, "dataset", ref.namespace, ref.name, visible=None)


def _pair(body: dict[str, Any]) -> tuple[DatasetRef, DatasetRef]:
    return DatasetRef(**body["one"]), DatasetRef(**body["other"])
