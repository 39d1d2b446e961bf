"""Search across everything."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("search")


@blueprint.get("/search")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Search")
