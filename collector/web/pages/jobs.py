"""Jobs: the list, and the page of one."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("jobs")


@blueprint.get("/jobs")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Jobs")


@blueprint.get("/job")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Job")
