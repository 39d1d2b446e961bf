"""Namespaces, jobs, and search."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api import cursors, parameters, shapes
from collector.api.access import visible
from collector.api.encoding import stored
from collector.api.log_shapes import Found
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading
from collector.storage import catalog, runs
from collector.storage.edge_reads import job_edges
from collector.storage.facet_reads import current_facets
from collector.storage.pages import Page
from collector.storage.visibility import Visible
from lineage.model import Direction

blueprint = Native("names", "Namespaces, jobs, and the search over all names.")

MOST_EDGES = 1000
"""Datasets that the answer about one job names, and jobs that the answer about one dataset names."""


@blueprint.get("/namespaces", shapes.Namespaces, query=parameters.Paged)
def list_namespaces(query: dict[str, Any]) -> object:
    """List namespaces."""
    after = cursors.decode(query.get("cursor"), cursors.BY_NAMESPACE)
    limit = limit_of(query)
    with reading() as conn:
        return cursors.answer(catalog.list_namespaces(conn, visible=visible(conn), after=after, limit=limit))


def named_page(
    conn: Connection, kind: catalog.NodeType, query: dict[str, Any], seen: Visible
) -> Page[catalog.Named]:
    """Read the page of jobs or datasets that a ``NamesQuery`` asks for, of the namespaces that the caller sees."""
    return catalog.list_named(
        conn,
        kind,
        namespace_name=query.get("namespace"),
        q=query.get("q"),
        visible=seen,
        after=cursors.decode(query.get("cursor"), cursors.BY_NAME),
        limit=limit_of(query),
    )


@blueprint.get("/jobs", shapes.Jobs, query=parameters.NamesQuery)
def list_jobs(query: dict[str, Any]) -> object:
    """List jobs.

    Namespace by namespace, in each by name.
    """
    with reading() as conn:
        seen = visible(conn)
        page = named_page(conn, "job", query, seen)
        last = runs.last_run_ids(conn, [item.id for item in page.items])
        rows = runs.runs_by_id(conn, last.values(), seen)
    return cursors.answer(
        page.map(
            lambda item: {
                "namespace": item.namespace,
                "name": item.name,
                "last_run": rows.get(last[item.id]) if item.id in last else None,
            }
        )
    )


@blueprint.get("/job", shapes.JobDetail, query=parameters.NameQuery, missing=True)
def get_job(query: dict[str, Any]) -> object:
    """Give all about one job."""
    with reading() as conn:
        seen = visible(conn)
        found = catalog.find_named(conn, "job", query["namespace"], query["name"], visible=seen)
        last = runs.last_run_ids(conn, [found.id])
        now = job_edges(conn, found.id, visible=seen, limit=MOST_EDGES + 1, open_only=True)
        ever = job_edges(conn, found.id, visible=seen, limit=MOST_EDGES + 1, open_only=False)
        return {
            "namespace": found.namespace,
            "name": found.name,
            "last_run": next(iter(runs.runs_by_id(conn, last.values(), seen).values()), None),
            "facets": stored(current_facets(conn, found.id)),
            "inputs": [edge for edge in now[:MOST_EDGES] if edge.direction is Direction.INPUT],
            "outputs": [edge for edge in now[:MOST_EDGES] if edge.direction is Direction.OUTPUT],
            "versions": ever[:MOST_EDGES],
            "complete": len(now) <= MOST_EDGES and len(ever) <= MOST_EDGES,
        }


@blueprint.get("/search", Found, query=parameters.SearchQuery)
def search(query: dict[str, Any]) -> object:
    """Find jobs and datasets by name.

    Names that contain the text, letter case aside. First come those that are called so, then those whose last part
    is (`orders` of `shop.public.orders`), then those that begin so.
    """
    limit = limit_of(query)
    with reading() as conn:
        return {"items": catalog.search(conn, query["q"], visible=visible(conn), limit=limit)}
