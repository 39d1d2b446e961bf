"""Silences: what nobody need be told for a while."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("silences")


@blueprint.get("/silences")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Silences")
