"""The lineage explorer: the graph around a node, drawn or as a table, and where to begin."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from collector.api import export, freshness, graph, questions, search
from collector.errors import BadRequest, FieldError
from collector.times import iso, now_us
from collector.web import standalone
from collector.web.asking import ask, twin
from collector.web.drawing.labels import shown
from collector.web.entry import Page
from collector.web.lineage import asked as asking
from collector.web.lineage.asked import Asked
from collector.web.lineage.folding import Folded, folded
from collector.web.lineage.picture import Lit, Picture, picture, tools_of
from collector.web.lineage.table import sides
from collector.web.lineage.timeline import timeline
from collector.web.pages.lineage_answers import Answers, another, gather, panel
from collector.web.rendering import page

blueprint = Page("lineage")

FORMATS: Final = (
    ("dot", "DOT for Graphviz"),
    ("mermaid", "Mermaid"),
    ("csv", "CSV of the edges"),
    ("node-link", "JSON for networkx"),
    ("openlineage", "OpenLineage events"),
)
"""What a part of the graph can be taken away as, besides the drawing."""

FOUND: Final = 30
LISTED: Final = 8
HOUR: Final = 3_600_000_000
LOOK_BACK: Final = (HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR)
"""How far back to look for what changed last: a week of a large stack is more than a page can show."""
MOST_LOOKED_AT: Final = 200


@blueprint.get("/lineage")
def show() -> ResponseReturnValue:
    """Show the graph around a node; without one, where to begin."""
    if not request.args.get("node"):
        return _start(request.args.get("q", "").strip())
    asked = asking.read(url_for("web.lineage.show"), request.args.items(multi=True))
    if meant := another(asked):
        level = asked.given["level"]
        kept = None if level == meant.partition(":")[0] or level == "job" else level
        return redirect(asked.url(node=meant, level=kept, open=None, panel=None), HTTPStatus.SEE_OTHER)
    now = now_us()
    found = gather(asked)
    small = _folded(asked, found)
    listed = asked.choice("view") == "list"
    node = found.graph.nodes.get(asked.given.get("panel", ""))
    return page(
        "lineage/show.html",
        asked=asked,
        found=found,
        focus=found.graph.nodes[found.graph.focus],
        folded=small,
        picture=None if listed else _picture(asked, found, small, now),
        sides=sides(found.graph, now) if listed else (),
        timeline=timeline(found.moments, asked.given.get("as_of")) if found.moments else None,
        panel=node,
        panelled=panel(node.facts) if node and node.type in ("dataset", "job") else {},
        downloads=_downloads(asked),
        now=iso(now),
        twin=twin(graph.get_lineage, _twin(asked)),
    )


@blueprint.get("/lineage.svg")
def download() -> Response:
    """Give the drawing as a file: with its styles inside, in light colours."""
    if not request.args.get("node"):
        raise BadRequest("?node: Needed.", errors=(FieldError("?node", "Needed."),))
    asked = asking.read(url_for("web.lineage.show"), request.args.items(multi=True))
    now = now_us()
    found = gather(asked)
    drawn = _picture(asked, found, _folded(asked, found), now)
    focus = found.graph.nodes[found.graph.focus]
    label = f"Lineage of {focus.name}, as of {asked.given.get('as_of') or iso(now)}; times are UTC"
    if drawn.drawing is None:
        body = render_template(
            "lineage/marks.svg", overview=drawn.marks, label=shown(label), style=standalone.style()
        )
    else:
        body = standalone.svg(drawn.drawing, drawn.nodes, drawn.edges, label)
    response = Response(body, mimetype="image/svg+xml")
    response.headers["Content-Disposition"] = 'attachment; filename="lineage.svg"'
    response.headers["Content-Security-Policy"] = standalone.POLICY
    return response


def _folded(asked: Asked, found: Answers) -> Folded:
    keep = {found.graph.focus, *found.cause, *found.way, *found.opened}
    tools = tools_of(found.graph)
    return folded(found.graph, asked.choice("group"), keep, asked.opened, tools)


def _picture(asked: Asked, found: Answers, small: Folded, now: int) -> Picture:
    return picture(small, asked, Lit(found.cause, found.way), found.columns, now)


def _twin(asked: Asked) -> dict[str, str]:
    return asked.walk | ({"state": "true"} if asked.coarse else {})


def _downloads(asked: Asked) -> list[tuple[str, str]]:
    """Give the links to what the graph can be taken away as."""
    found = [("SVG", asked.url().replace(asked.path, url_for("web.lineage.download"), 1))]
    if asked.coarse:
        walk = {name: value for name, value in asked.walk.items() if name != "indirect"}
        found += [(label, twin(export.get_export, walk | {"format": form})) for form, label in FORMATS]
    return [*found, ("JSON", twin(graph.get_lineage, _twin(asked)))]


def _start(q: str) -> str:
    """Show where to begin: what was searched for, what most depends on, what is late, and what changed."""
    late = ask(freshness.list_freshness, {"violated": "true", "limit": str(LISTED)})
    return page(
        "lineage/start.html",
        q=q,
        found=ask(search.search, {"q": q, "limit": str(FOUND)})["items"] if q else None,
        hubs=ask(graph.list_hubs, {"limit": str(LISTED)})["items"],
        late=late["items"],
        changes=_changes(),
        twin=twin(graph.list_hubs, {"limit": str(LISTED)}),
    )


def _changes() -> list[dict[str, Any]]:
    """Give the edges that came or went last."""
    now = now_us()
    edges: list[dict[str, Any]] = []
    for back in LOOK_BACK:
        found = ask(questions.get_difference, {"from": iso(now - back), "limit": str(MOST_LOOKED_AT)})
        # Of a page that goes on, the newest are not on it: the shorter time before was enough then.
        edges = found["edges"] if edges == [] or found["next_cursor"] is None else edges
        if len(edges) >= LISTED or found["next_cursor"]:
            break
    return list(reversed(edges))[:LISTED]
