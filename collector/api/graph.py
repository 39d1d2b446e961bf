"""Lineage: the part of the graph around a node."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import Connection

from collector.api import cursors, lineages, log_shapes, parameters
from collector.api.access import visible
from collector.api.lineages import Question
from collector.api.native import Native
from collector.api.parameters import bounded
from collector.api.services import reading, services
from collector.times import now_us
from lineage.fold import Fold
from lineage.timeline import NOW, Moment
from lineage.traverse import Way

blueprint = Native("lineage", "The graph of jobs and datasets, of columns, and of runs.")


@blueprint.get("/lineage", log_shapes.Lineage, query=parameters.LineageQuery, missing=True)
def get_lineage(query: dict[str, Any]) -> object:
    """Give the part of the graph around a node.

    Upstream is what it is made from, downstream what is made from it. Edges lead the way the data flows.
    """
    with reading() as conn:
        return current_app.json.response(lineages.answer(conn, question(conn, query)))


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
