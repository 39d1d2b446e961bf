"""What is late, what will be, what failed, and whether events come in."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("overview")


@blueprint.get("/")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Overview")
