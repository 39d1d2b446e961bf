"""The freshness board, what is expected of datasets, and why they stand as they do."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("freshness")


@blueprint.get("/freshness")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Freshness")


@blueprint.get("/expectations")
def expectations() -> str:
    """Show it."""
    return page("soon.html", title="Expectations")


@blueprint.get("/expectations/<expectation_id>")
def expectation(expectation_id: str) -> str:
    """Show it."""
    return page("soon.html", title="Expectation")


@blueprint.get("/why")
def why() -> str:
    """Show it."""
    return page("soon.html", title="Why")
