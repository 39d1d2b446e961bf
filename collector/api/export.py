"""A part of the graph in the formats of other programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Response
from marshmallow import Schema, fields, validate

from collector.api import parameters
from collector.api.access import principal
from collector.api.fields import Text
from collector.api.graph import question
from collector.api.lineages import walk
from collector.api.native import Native
from collector.api.services import reading
from collector.api.shapes import said
from collector.exports import FORMAT_NAMES, render, suits
from lineage.fold import Fold

V = TypeVar("V", bound=Callable[..., object])

TYPES: Final = {
    "node-link": ("application/json", "json"),
    "dot": ("text/vnd.graphviz; charset=utf-8", "dot"),
    "mermaid": ("text/vnd.mermaid; charset=utf-8", "mmd"),
    "csv": ("text/csv; charset=utf-8; header=present", "csv"),
    "openlineage": ("application/x-ndjson", "jsonl"),
}
"""Content type and the ending of the file's name, by format."""

STRING: Final = {"type": "string"}

blueprint = Native("export", "The graph for other programs.")


class ExportQuery(parameters.WalkQuery):
    """Which part of the graph, and how to write it."""

    format = Text(
        required=True,
        validate=validate.OneOf(FORMAT_NAMES),
        metadata=said(
            "`node-link` (JSON of networkx), `dot` (Graphviz), `mermaid`, `csv`, or `openlineage`: events, one a line, "
            "of which any backend makes the same graph; they are about jobs as reported, whatever `fold`"
        ),
    )


class NodeLink(Schema):
    """A directed multigraph, as networkx's `node_link_graph` reads it; other formats are text."""

    directed = fields.Boolean(required=True)
    multigraph = fields.Boolean(required=True)
    graph = fields.Dict(required=True, metadata=said("`truncated`: there is more within the depth"))
    nodes = fields.List(fields.Dict(), required=True)
    edges = fields.List(fields.Dict(), required=True)


def _documented(view: V) -> V:
    """Declare the formats that are no JSON."""
    for content_type, _ in TYPES.values():
        kind = content_type.partition(";")[0]
        if kind != "application/json":
            view = blueprint.alt_response(200, schema=STRING, content_type=kind, success=True)(view)
    return view


@blueprint.get("/lineage/export", NodeLink, query=ExportQuery, missing=True)
@_documented
def get_export(query: dict[str, Any]) -> object:
    """Give the part of the graph around a node as a file.

    The header `Tidegate-Truncated` tells whether there is more within the depth.
    """
    form = query["format"]
    query["fold"] = suits(form, query["level"], Fold(query["fold"])).value
    with reading() as conn:
        asked = question(conn, query)
        subgraph = walk(conn, asked)
        body = render(conn, subgraph, form, asked.moment, principal().sees)
    content_type, ending = TYPES[form]
    response = Response(body, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="lineage.{ending}"'
    response.headers["Tidegate-Truncated"] = str(subgraph.truncated).lower()
    return response
