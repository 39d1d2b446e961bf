"""The documentation of the API: what there is, and a page for each part."""

from __future__ import annotations

from typing import Any

from flask import current_app, request

from collector.errors import NotFound
from collector.web.api_document import Document, Section, sections
from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("docs", public=True)

DOCUMENT = "tidegate_api_document"


@blueprint.get("/api/docs")
def show() -> str:
    """Show what operations there are, or all about those of a ``section``."""
    document: Document = current_app.extensions[DOCUMENT]()
    every = list(sections(document))
    wanted = request.args.get("section")
    about: dict[str, Any] = {"info": document["info"], "sections_": every, "twin": "/api/openapi.json"}
    if wanted is None:
        return page("docs.html", **about)
    found = next((section for section in every if section.name == wanted), None)
    if found is None:
        raise NotFound("The API has no such part; /api/docs lists what there is.")
    return page("docs_section.html", section=found, **about, **_around(every, found))


def _around(every: list[Section], section: Section) -> dict[str, Section | None]:
    at = every.index(section)
    return {
        "before": every[at - 1] if at else None,
        "after": every[at + 1] if at + 1 < len(every) else None,
    }
