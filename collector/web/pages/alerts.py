"""Alerts, cause first."""

from __future__ import annotations

from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("alerts")


@blueprint.get("/alerts")
def index() -> str:
    """Show it."""
    return page("soon.html", title="Alerts")


@blueprint.get("/alerts/<int:alert_id>")
def show(alert_id: int) -> str:
    """Show it."""
    return page("soon.html", title="Alert")
