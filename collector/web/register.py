"""Puts the pages into the application."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from collector import errors
from collector.api import problems
from collector.web import entry, rendering
from collector.web.api_document import Document
from collector.web.demonstration import EXTENSION, Demonstration
from collector.web.pages import PAGES
from collector.web.pages.docs import DOCUMENT

SECTIONS = (
    ("web.overview.show", "Overview", {"web.overview"}),
    ("web.freshness.show", "Freshness", {"web.freshness"}),
    ("web.lineage.show", "Lineage", {"web.lineage"}),
    ("web.triggers.index", "Triggers", {"web.triggers", "web.firings"}),
    ("web.alerts.index", "Alerts", {"web.alerts", "web.silences"}),
    ("web.datasets.index", "Catalog", {"web.datasets", "web.jobs", "web.runs"}),
    ("web.events.index", "Events", {"web.events", "web.rejected"}),
    ("web.stitching.show", "Stitching", {"web.stitching"}),
    ("web.settings.show", "Settings", {"web.settings", "web.deliveries"}),
)
"""The way around: where each section begins, and which groups of pages belong to it."""

FOREVER = "public, max-age=31536000, immutable"


def register(app: Flask, document: Callable[[], Document]) -> None:
    """Add the pages, their files, and the page for addresses at which there is nothing.

    ``document`` gives the OpenAPI document of the API.
    """
    app.extensions[DOCUMENT] = document
    app.extensions[EXTENSION] = Demonstration()
    web = Blueprint(
        "web", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
    )
    web.after_request(_keep)
    for page in PAGES:
        web.register_blueprint(page)
    app.register_blueprint(web)
    rendering.register(app)
    app.context_processor(_about_viewer)
    app.register_error_handler(404, _nothing_here)


def _about_viewer() -> dict[str, object]:
    return {
        "csrf": entry.csrf,
        "sections": lambda: SECTIONS,
        "may": entry.may,
        "must_sign": entry.must_sign,
        "said": entry.said,
        "signature": entry.signature,
        "theme": entry.theme,
        "viewer": g.get("principal"),
    }


def _keep(response: Response) -> Response:
    # The address of a file changes with its content.
    if request.endpoint == "web.static" and "v" in request.args and response.status_code == 200:
        response.headers["Cache-Control"] = FOREVER
    return response


def _nothing_here(error: NotFound) -> ResponseReturnValue:
    if request.path.startswith("/api/") or not request.accept_mimetypes.accept_html:
        return problems.refused(error)
    entry.look_who_comes()
    return entry.failed(errors.NotFound("There is nothing at this address."))
