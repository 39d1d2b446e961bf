"""Datasets: the list, and the page of one."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("datasets")


@blueprint.get("/datasets")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Datasets")


@blueprint.get("/dataset")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Dataset")
