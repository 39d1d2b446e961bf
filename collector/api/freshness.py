"""Freshness: how datasets stand to what is expected of them, and what was decided when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from collector.api import cursors, why_shapes
from collector.api import freshness_documents as documents
from collector.api import freshness_shapes as shapes
from collector.api.graph import depth_of
from collector.api.native import Native
from collector.api.parameters import Paged, limit_of
from collector.api.questions import asking
from collector.api.services import reading
from collector.questions.scope import Scope
from collector.questions.standings import Standing, Standings
from collector.questions.track_records import Key, TrackRecord, track_records
from collector.questions.traits import Trait
from collector.questions.why import why
from collector.storage.standing_reads import Sort, Wanted
from lineage.model import JobRef
from triggers.verdict import State

blueprint = Native("freshness", "How datasets stand to what is expected of them.")

CURSORS = {
    Sort.WORST: cursors.BY_STANDING,
    Sort.NEXT: cursors.BY_STANDING,
    Sort.NAME: cursors.BY_TEXTS_AND_ID,
    Sort.EXPECTATION: cursors.BY_TEXT_AND_ID,
}

ID = {"expectation_id": "the id of the expectation, as the rules have it"}


@blueprint.get("/freshness", shapes.Standings, query=shapes.FreshnessQuery)
def list_freshness(query: dict[str, Any]) -> object:
    """List how datasets stand to what is expected of them.

    The worst first, of these the one whose deadline comes or came first. A dataset of which several things are
    expected comes several times.
    """
    sort = Sort(query["sort"])
    after = cursors.decode(query.get("cursor"), CURSORS[sort])
    limit = limit_of(query)
    with reading() as conn:
        scope = asking(conn, query)
        standings = Standings(scope)
        page = standings.page(wanted_by(standings, query), after=after, limit=limit, sort=sort)
        return documents.standings(page, _records(scope, page.items, query))


@blueprint.get("/freshness/summary", shapes.StateCounts, query=shapes.SummaryQuery)
def get_summary(query: dict[str, Any]) -> object:
    """Count how datasets stand to what is expected of them, and by what they can be picked out."""
    with reading() as conn:
        standings = Standings(asking(conn, query))
        counted = standings.counts(replace(wanted_by(standings, query), states=None))
        chosen = {trait: _listed(query[trait]) for trait in Trait if trait in query}
        if "violated" in query:
            chosen[Trait.STATE] = [state.value for state in _states(query)]
        if not query["values"]:
            return documents.counts(counted)
        written = standings.picked(None, None, writer=_writer(query))
        named = Wanted(name=query.get("name"), dataset_ids=written)
        return documents.counts(counted, standings.values(chosen, named))


@blueprint.get("/expectations", shapes.Expectations, query=Paged)
def list_expectations(query: dict[str, Any]) -> object:
    """List what is expected, by id."""
    after = cursors.decode(query.get("cursor"), cursors.BY_TEXT)
    limit = limit_of(query)
    with reading() as conn:
        page = Standings(asking(conn, query)).expectations(after=after, limit=limit)
    return cursors.answer(page.map(documents.expectation))


@blueprint.get(
    "/expectations/<expectation_id>",
    shapes.ExpectationDetail,
    query=shapes.ExpectationQuery,
    missing=True,
    path=ID,
)
def get_expectation(query: dict[str, Any], expectation_id: str) -> object:
    """Give an expectation and how its datasets stand, the worst first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_STANDING)
    limit = limit_of(query)
    with reading() as conn:
        scope = asking(conn, query)
        standings = Standings(scope)
        found = standings.expectation(expectation_id)
        page = standings.page(Wanted(expectation=expectation_id), after=after, limit=limit)
        records = _records(scope, page.items, query)
    return documents.expectation(found) | documents.standings(page, records)


@blueprint.get(
    "/expectations/<expectation_id>/history",
    shapes.Decisions,
    query=shapes.HistoryQuery,
    missing=True,
    path=ID,
)
def list_decisions(query: dict[str, Any], expectation_id: str) -> object:
    """List what was decided of a dataset by an expectation, the newest first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_ID)
    limit = limit_of(query)
    with reading() as conn:
        standings = Standings(asking(conn, query))
        standings.expectation(expectation_id)
        dataset_id = standings.dataset_id(query["namespace"], query["name"])
        page = standings.history(expectation_id, dataset_id, after=after, limit=limit)
    return cursors.answer(page.map(documents.decision))


@blueprint.get("/why", why_shapes.Why, query=why_shapes.WhyQuery, missing=True)
def get_why(query: dict[str, Any]) -> object:
    """Tell why a dataset stands as it does: what explains it, who was told, and what comes next."""
    with reading() as conn:
        return documents.why(why(asking(conn, query), query["node"], depth=depth_of(query)))


def wanted_by(standings: Standings, query: dict[str, Any]) -> Wanted:
    """Give what ``shapes.Picked`` asks for."""
    return Wanted(
        states=_states(query) if query.keys() & {"state", "violated"} else None,
        expectation=query.get("expectation"),
        namespace=query.get("namespace"),
        name=query.get("name"),
        dataset_ids=standings.picked(
            query.get("owner"), query.get("tag"), tool=query.get("tool"), writer=_writer(query)
        ),
    )


def _states(query: dict[str, Any]) -> list[State]:
    return [
        state
        for state in map(State, query.get("state", State))
        if query.get("violated") in (None, state.violated)
    ]


def _writer(query: dict[str, Any]) -> JobRef | None:
    return JobRef(query["job_namespace"], query["job_name"]) if "job_name" in query else None


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def _records(scope: Scope, standings: Sequence[Standing], query: dict[str, Any]) -> dict[Key, TrackRecord]:
    return track_records(scope, standings, query["history"]) if "history" in query else {}
