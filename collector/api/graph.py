"""Lineage: the part of the graph around a node."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api import cursors, lineages, log_shapes, parameters, question_shapes
from collector.api.access import principal, visible
from collector.api.lineages import Question
from collector.api.native import Native
from collector.api.node_states import with_states
from collector.api.parameters import bounded
from collector.api.services import reading, services
from collector.api.subgraphs import document
from collector.questions.difference import Around
from collector.questions.extent import extent, moments
from collector.questions.node_states import node_states
from collector.questions.scope import Scope
from collector.storage.hubs import hubs
from collector.times import now_us
from lineage.fold import Fold
from lineage.timeline import NOW, Moment
from lineage.traverse import Level, Way

blueprint = Native("lineage", "The graph of jobs and datasets, of columns, and of runs.")


@blueprint.get("/lineage", log_shapes.Lineage, query=parameters.LineageQuery, missing=True, written=True)
def get_lineage(query: dict[str, Any]) -> object:
    """Give the part of the graph around a node.

    Upstream is what it is made from, downstream what is made from it. Edges lead the way the data flows.
    """
    with reading() as conn:
        asked = question(conn, query)
        if not query["state"] or not asked.coarse:
            return lineages.answer(conn, asked)
        subgraph = lineages.walk(conn, asked)
        asker, level = scope(conn, asked.fold), Level(asked.level)
        beside = asker.graph(asked.moment, control=asked.control)
        states = node_states(asker, subgraph.nodes, level, beside)
    return with_states(document(subgraph), states)


@blueprint.get("/lineage/extent", question_shapes.Extent, query=parameters.ExtentQuery, missing=True)
def get_extent(query: dict[str, Any]) -> object:
    """Count what a node is made from and what is made from it, before looking at it."""
    with reading() as conn:
        return extent(
            scope(conn, Fold(query["fold"])),
            query["node"],
            Level(query["level"]),
            depth_of(query),
            moment_of(query),
            control=query["control"],
        )


@blueprint.get("/lineage/moments", question_shapes.Moments, query=parameters.MomentsQuery, missing=True)
def list_moments(query: dict[str, Any]) -> object:
    """List when the graph around a node, as it is now, has changed: the newest first.

    An interval of an edge that follows another at once is no change. A page may have fewer items although more
    follow.
    """
    limit = parameters.limit_of(query)
    with reading() as conn:
        asker = scope(conn, Fold(query["fold"]))
        around = Around(asker.find(query["node"]), Way(query["direction"]), depth_of(query))
        return moments(asker, around, control=query["control"], limit=limit)


@blueprint.get("/lineage/hubs", question_shapes.Hubs, query=parameters.Limited)
def list_hubs(query: dict[str, Any]) -> object:
    """List the datasets that most jobs read, under any of their names."""
    limit = parameters.limit_of(query)
    with reading() as conn:
        return {"items": hubs(conn, visible(conn), limit)}


def scope(conn: Connection, fold: Fold) -> Scope:
    """Give what the caller may see and get."""
    most = services().settings.max_nodes
    return Scope(conn, now_us(), most, principal().sees, visible(conn), fold)


def question(conn: Connection, query: dict[str, Any]) -> Question:
    """Give what ``parameters.LineageQuery`` asks for."""
    settings = services().settings
    skip = cursors.decode(query.get("cursor"), cursors.SKIP)
    return Question(
        query["node"],
        Way(query["direction"]),
        depth_of(query),
        query["level"],
        moment_of(query),
        Fold(query["fold"]),
        control=query["control"],
        indirect=query["indirect"],
        visible=visible(conn),
        max_nodes=bounded("max_nodes", query.get("max_nodes", settings.max_nodes), settings.max_nodes),
        skip=0 if skip is None else skip[0],
    )


def moment_of(query: dict[str, Any]) -> Moment:
    """Give the moment that ``parameters.MomentQuery`` asks for."""
    if "window" in query:
        return Moment(query.get("as_of", now_us()), query["window"])
    return Moment(query["as_of"]) if "as_of" in query else NOW


def depth_of(query: dict[str, Any]) -> int:
    """Give the depth of a walk."""
    most = services().settings.max_depth
    return bounded("depth", query.get("depth", min(parameters.DEFAULT_DEPTH, most)), most)
