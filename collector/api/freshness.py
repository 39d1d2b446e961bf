"""Freshness: how datasets stand to what is expected of them, and what was decided when."""

from __future__ import annotations

from typing import Any

from collector.api import cursors, why_shapes
from collector.api import freshness_documents as documents
from collector.api import freshness_shapes as shapes
from collector.api.alias_shapes import NoQuery
from collector.api.graph import depth_of
from collector.api.native import Native
from collector.api.parameters import Paged, limit_of
from collector.api.questions import asking
from collector.api.services import reading
from collector.questions.standings import Standings
from collector.questions.why import why
from collector.storage.standing_reads import Wanted
from lineage.model import JobRef
from triggers.verdict import State

blueprint = Native("freshness", "How datasets stand to what is expected of them.")

ID = {"expectation_id": "the id of the expectation, as the rules have it"}


@blueprint.get("/freshness", shapes.Standings, query=shapes.FreshnessQuery)
def list_freshness(query: dict[str, Any]) -> object:
    """List how datasets stand to what is expected of them.

    The worst first, of these the one whose deadline comes or came first. A dataset of which several things are
    expected comes several times.
    """
    after = cursors.decode(query.get("cursor"), cursors.BY_STANDING)
    limit = limit_of(query)
    with reading() as conn:
        standings = Standings(asking(conn, query))
        page = standings.page(wanted_by(standings, query), after=after, limit=limit)
    return documents.standings(page)


@blueprint.get("/freshness/summary", shapes.StateCounts, query=NoQuery)
def get_summary(query: dict[str, Any]) -> object:
    """Count how datasets stand to what is expected of them."""
    with reading() as conn:
        return documents.counts(Standings(asking(conn, query)).counts())


@blueprint.get("/expectations", shapes.Expectations, query=Paged)
def list_expectations(query: dict[str, Any]) -> object:
    """List what is expected, by id."""
    after = cursors.decode(query.get("cursor"), cursors.BY_TEXT)
    limit = limit_of(query)
    with reading() as conn:
        page = Standings(asking(conn, query)).expectations(after=after, limit=limit)
    return cursors.answer(page.map(documents.expectation))


@blueprint.get("/expectations/<expectation_id>", shapes.ExpectationDetail, query=Paged, missing=True, path=ID)
def get_expectation(query: dict[str, Any], expectation_id: str) -> object:
    """Give an expectation and how its datasets stand, the worst first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_STANDING)
    limit = limit_of(query)
    with reading() as conn:
        standings = Standings(asking(conn, query))
        found = standings.expectation(expectation_id)
        page = standings.page(Wanted(expectation=expectation_id), after=after, limit=limit)
    return documents.expectation(found) | documents.standings(page)


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
    """Give what ``shapes.FreshnessQuery`` asks for."""
    states = [
        state
        for state in map(State, query.get("state", State))
        if query.get("violated") in (None, state.violated)
    ]
    job = JobRef(query["job_namespace"], query["job_name"]) if "job_name" in query else None
    return Wanted(
        states=states if query.keys() & {"state", "violated"} else None,
        expectation=query.get("expectation"),
        namespace=query.get("namespace"),
        name=query.get("name"),
        dataset_ids=standings.picked(query.get("owner"), query.get("tag"), job),
    )
