"""Events as they come in, and each as it was sent."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("events")


@blueprint.get("/events")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Events")


@blueprint.get("/event")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Event")
