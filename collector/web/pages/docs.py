"""The documentation of the API."""

from __future__ import annotations

from flask import current_app, request

from collector.web.api_document import Document, sections
from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("docs", public=True)

DOCUMENT = "tidegate_api_document"


@blueprint.get("/api/docs")
def show() -> str:
    """Show the documentation of the API."""
    document: Document = current_app.extensions[DOCUMENT]
    return page(
        "docs.html",
        info=document["info"],
        sections_=list(sections(document)),
        url=request.host_url.rstrip("/"),
        twin="/api/openapi.json",
    )
