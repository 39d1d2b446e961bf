"""Deliveries: what is sent to targets, and what became of it."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("deliveries")


@blueprint.get("/deliveries")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Deliveries")
