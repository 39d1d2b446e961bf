"""Questions to the graph: what came and went, who is affected, what is the cause, and how things hang together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api import cursors
from collector.api import question_documents as documents
from collector.api import question_parameters as parameters
from collector.api import question_shapes as shapes
from collector.api.access import principal, visible
from collector.api.graph import depth_of
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading, services
from collector.questions.changes import changes
from collector.questions.difference import Around, difference
from collector.questions.impact import impact
from collector.questions.orphans import orphans
from collector.questions.root_cause import root_cause
from collector.questions.routes import all_cycles, bottlenecks, cycles_around, routes
from collector.questions.scope import Scope
from collector.times import now_us
from lineage.fold import Fold
from lineage.traverse import Level, Way

blueprint = Native("questions", "Questions to the graph.")


@blueprint.get("/lineage/diff", shapes.Difference, query=parameters.DiffQuery, missing=True)
def get_difference(query: dict[str, Any]) -> object:
    """Give the edges that came and went between two times, each with the run that did it.

    An edge that closed and opened again at once, or in between, did neither.
    """
    after = cursors.decode(query.get("cursor"), cursors.BY_PLACE)
    limit, depth = limit_of(query), depth_of(query)
    with reading() as conn:
        scope = asking(conn, query)
        around = None
        if "node" in query:
            around = Around(scope.find(query["node"]), Way(query["direction"]), depth)
        end = query.get("to", max(scope.now, query["from_"]))
        found = difference(
            scope, query["from_"], end, around=around, control=query["control"], after=after, limit=limit
        )
    return documents.difference(found, query["from_"], end)


@blueprint.get("/lineage/impact", shapes.Impact, query=parameters.ImpactQuery, missing=True)
def get_impact(query: dict[str, Any]) -> object:
    """Give all that is made from a node, the nearest first: who owns it, how fresh it is, and what makes it.

    Of a column also who is affected, and who reads only others.
    """
    skip = cursors.decode(query.get("cursor"), cursors.SKIP)
    limit = limit_of(query)
    with reading() as conn:
        scope, level = asking(conn, query), Level(query["level"])
        found = impact(
            scope,
            query["node"],
            depth=depth_of(query),
            level=level,
            limit=limit,
            skip=0 if skip is None else skip[0],
        )
    return documents.impact(found)


@blueprint.get("/lineage/root-cause", shapes.RootCause, query=parameters.RootCauseQuery, missing=True)
def get_root_cause(query: dict[str, Any]) -> object:
    """Give what may be the cause that a dataset or job is bad: what failed, is late or did not happen upstream.

    The newest run of each job counts. First comes what is surely wrong with nothing wrong before it, of that the
    furthest upstream.
    """
    limit = limit_of(query)
    with reading() as conn:
        return root_cause(asking(conn, query), query["node"], depth=depth_of(query), limit=limit)


@blueprint.get("/lineage/paths", shapes.Paths, query=parameters.PathsQuery, missing=True)
def get_paths(query: dict[str, Any]) -> object:
    """Give the ways in which data get from one node to another, the shortest first."""
    with reading() as conn:
        return routes(
            asking(conn, query),
            query["from_"],
            query["to"],
            depth=depth_of(query),
            level=Level(query["level"]),
            undirected=query["undirected"],
            limit=query["max_paths"],
        )


@blueprint.get("/lineage/spof", shapes.SinglePoints, query=parameters.SpofQuery, missing=True)
def get_single_points(query: dict[str, Any]) -> object:
    """Give the single points of failure: nodes without which others are cut off from this one.

    First come those that everything between the node and its sources, or its final consumers, passes.
    """
    limit = limit_of(query)
    with reading() as conn:
        found = bottlenecks(
            asking(conn, query),
            query["node"],
            Way(query["direction"]),
            depth=depth_of(query),
            level=Level(query["level"]),
            limit=limit,
        )
    return documents.single_points(found)


@blueprint.get("/lineage/cycles", shapes.Cycles, query=parameters.CyclesQuery, missing=True)
def get_cycles(query: dict[str, Any]) -> object:
    """Give the sets of datasets that are made of each other, around a node or in the whole graph."""
    limit, depth = limit_of(query), depth_of(query)
    with reading() as conn:
        scope = asking(conn, query)
        if "node" in query:
            return cycles_around(scope, query["node"], depth=depth, limit=limit)
        return all_cycles(scope, max_edges=query["max_edges"], limit=limit)


@blueprint.get("/lineage/orphans", shapes.Orphans, query=parameters.OrphansQuery)
def list_orphans(query: dict[str, Any]) -> object:
    """List datasets that are read but never written, or written but never read.

    Under any of their names; namespace by namespace, in each by name.
    """
    after = cursors.decode(query.get("cursor"), cursors.BY_NAME)
    limit = limit_of(query)
    with reading() as conn:
        found = orphans(asking(conn, query), query["lack"], query.get("namespace"), after=after, limit=limit)
    return documents.orphans(found)


@blueprint.get("/lineage/changes", shapes.Changes, query=parameters.ChangesQuery, missing=True)
def list_changes(query: dict[str, Any]) -> object:
    """List what has changed upstream of a node since a time: edges, schemas, code, and how runs ended."""
    after = cursors.decode(query.get("cursor"), cursors.BY_CHANGE)
    limit = limit_of(query)
    with reading() as conn:
        found = changes(
            asking(conn, query),
            query["node"],
            query["since"],
            depth=depth_of(query),
            after=after,
            limit=limit,
        )
    return documents.changes(found)


def asking(conn: Connection, query: dict[str, Any]) -> Scope:
    """Give what the caller may see and get."""
    return Scope(
        conn,
        now_us(),
        services().settings.max_nodes,
        principal().sees,
        visible(conn),
        Fold(query.get("fold", Fold.AUTO)),
    )
