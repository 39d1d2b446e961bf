"""Firings: what triggers did."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("firings")


@blueprint.get("/firings")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Firings")


@blueprint.get("/firings/<firing_id>")
def show(firing_id: str) -> str:
    """Show it."""
    return page("soon.html", title="Firing")
