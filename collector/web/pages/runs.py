"""Runs: the list, and the page of one."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("runs")


@blueprint.get("/runs")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Runs")


@blueprint.get("/run")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Run")
