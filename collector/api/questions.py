"""Questions to the graph: what came and went, who is affected, what is the cause, and how things hang together."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from collector.api import cursors
from collector.api import question_parameters as parameters
from collector.api import question_shapes as shapes
from collector.api.access import principal, visible
from collector.api.graph import depth_of
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading, services
from collector.questions.changes import Changes, changes
from collector.questions.difference import Around, Difference, difference
from collector.questions.impact import Impact, impact
from collector.questions.orphans import Orphans, orphans
from collector.questions.root_cause import root_cause
from collector.questions.routes import Bottlenecks, all_cycles, bottlenecks, cycles_around, routes
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
    limit = limit_of(query)
    with reading() as conn:
        scope = asking(conn, query)
        around = None
        if "node" in query:
            around = Around(scope.find(query["node"]), Way(query["direction"]), depth_of(query))
        end = query.get("to", max(scope.now, query["from_"]))
        found = difference(
            scope, query["from_"], end, around=around, control=query["control"], after=after, limit=limit
        )
    return difference_document(found, query["from_"], end)


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
    return impact_document(found)


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
    return single_points_document(found)


@blueprint.get("/lineage/cycles", shapes.Cycles, query=parameters.CyclesQuery, missing=True)
def get_cycles(query: dict[str, Any]) -> object:
    """Give the sets of datasets that are made of each other, around a node or in the whole graph."""
    limit = limit_of(query)
    with reading() as conn:
        scope = asking(conn, query)
        if "node" in query:
            return cycles_around(scope, query["node"], depth=depth_of(query), limit=limit)
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
    return orphans_document(found)


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
    return changes_document(found)


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


def _cursor(key: tuple[Any, ...] | None) -> str | None:
    return None if key is None else cursors.encode(key)


def difference_document(found: Difference, start: int, end: int) -> dict[str, Any]:
    """Give a difference as ``shapes.Difference`` writes it."""
    return {
        "from_": start,
        "to": end,
        "edges": found.edges,
        "nodes": found.nodes,
        "truncated": found.truncated,
        "next_cursor": _cursor(found.next),
    }


def impact_document(found: Impact) -> dict[str, Any]:
    """Give an impact as ``shapes.Impact`` writes it."""
    items = [
        {
            "id": each.node.id,
            **asdict(each.node),
            "owners": each.owners,
            "tool": each.tool,
            "last_update": each.last_update,
            "last_run": each.last_run,
            "affected": each.verdict and each.verdict.affected.value,
            "why": each.verdict and each.verdict.why,
        }
        for each in found.consumers
    ]
    return {
        "node": found.start,
        "items": items,
        "truncated": found.truncated,
        "next_cursor": None if found.next is None else cursors.encode((found.next,)),
    }


def single_points_document(found: Bottlenecks) -> dict[str, Any]:
    """Give single points of failure as ``shapes.SinglePoints`` writes them."""
    items = [
        {
            "id": each.node.id,
            **asdict(each.node),
            "cut_off": each.gate.cut_off,
            "everything": each.gate.everything,
        }
        for each in found.bottlenecks
    ]
    return {"node": found.node, "items": items, "reached": found.reached, "truncated": found.truncated}


def orphans_document(found: Orphans) -> dict[str, Any]:
    """Give orphans as ``shapes.Orphans`` writes them."""
    items = [{"id": node.id, **asdict(node)} for node in found.datasets]
    return {"items": items, "next_cursor": _cursor(found.next)}


def changes_document(found: Changes) -> dict[str, Any]:
    """Give changes as ``shapes.Changes`` writes them."""
    return {
        "node": found.node,
        "items": found.changes,
        "truncated": found.truncated,
        "next_cursor": _cursor(found.next),
    }
