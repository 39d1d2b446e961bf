"""Drawings as files of their own: with their style inside, in light colours, without links to anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from flask import render_template
from markupsafe import Markup

from collector.web.drawing.labels import shown
from collector.web.drawing.shapes import Drawing
from collector.web.drawing.views import EdgeView, NodeView
from collector.web.rendering import STATIC

SHEETS: Final = ("tokens.css", "graph.css")

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""The Content-Security-Policy to send such a file with: its style is in it, and nothing else may be loaded."""

_TOKEN = re.compile(r"(--[\w-]+):\s*([^;]+);")
_ROOT = re.compile(r":root[^{]*\{[^}]*\}")
_VAR = re.compile(r"var\((--[\w-]+)\)")
_LIGHT = re.compile(r"light-dark\(\s*([^,]+?)\s*,[^)]+\)")
_NOTE = re.compile(r"/\*.*?\*/", re.DOTALL)


@cache
def style() -> Markup:
    """Give the style sheets of drawings with every token replaced by its light value: few programs know ``var()``."""
    sheet = _NOTE.sub("", "\n".join((STATIC / name).read_text() for name in SHEETS))
    tokens = {name: _LIGHT.sub(r"\1", value) for name, value in _TOKEN.findall(sheet)}
    sheet = _ROOT.sub("", sheet)
    while _VAR.search(sheet):
        sheet = _VAR.sub(lambda found: tokens[found[1]], sheet)
    # It stands in XML, and is our own: neither character occurs but as a sign of a selector.
    return Markup(re.sub(r"\n\s*\n+", "\n", sheet).strip().replace("&", "&amp;").replace("<", "&lt;"))  # noqa: S704


def svg(
    drawing: Drawing,
    nodes: Mapping[str, NodeView],
    edges: Mapping[tuple[str, str], EdgeView],
    label: str,
) -> str:
    """Write a drawing as a document in SVG, well-formed whatever the names are; ``label`` is what it is of."""
    return render_template(
        "drawing/export.html", drawing=drawing, nodes=nodes, edges=edges, label=shown(label), style=style()
    )
