"""Which names may be one dataset."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("stitching")


@blueprint.get("/stitch")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Stitching")
