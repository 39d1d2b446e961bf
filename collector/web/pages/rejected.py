"""What was refused, and what could not be projected."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("rejected")


@blueprint.get("/rejected")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Rejected")


@blueprint.get("/rejection")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Rejection")


@blueprint.get("/parked")
def parked() -> str:
    """Show it."""
    return page("soon.html", title="Parked")
