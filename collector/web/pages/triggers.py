"""Triggers: what they wait for, and what can be done about it."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("triggers")


@blueprint.get("/triggers")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Triggers")


@blueprint.get("/triggers/<trigger_id>")
def show(trigger_id: str) -> str:
    """Show it."""
    return page("soon.html", title="Trigger")
