"""Keys, rules, targets, the database, and versions."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("settings")


@blueprint.get("/settings")
def show() -> str:
    """Show it."""
    return page("soon.html", title="Settings")
