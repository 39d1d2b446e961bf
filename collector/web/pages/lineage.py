"""The lineage explorer."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("lineage")


@blueprint.get("/lineage")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Lineage")
