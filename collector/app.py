"""The Flask application: the native API, the one of Marquez, health, metrics, and the pages for people."""

from __future__ import annotations

from flask import Flask, Response

from collector.api import (
    about,
    alerts,
    aliases,
    causes,
    datasets,
    deliveries,
    events,
    export,
    freshness,
    graph,
    health,
    ingest,
    jobs,
    keys,
    marquez,
    names,
    problems,
    questions,
    rule_questions,
    rules,
    runs,
    search,
    silences,
    slo,
    status,
    stitch,
    triggers,
)
from collector.api.encoding import MsgspecProvider
from collector.api.native import NativeApi
from collector.api.recording import RECORDER, Recorder
from collector.api.services import EXTENSION, Services
from collector.ingest.log import LogWriter
from collector.telemetry import LogMetrics
from collector.web.register import register as register_pages

NATIVE = (
    status,
    names,
    search,
    datasets,
    jobs,
    runs,
    graph,
    questions,
    freshness,
    alerts,
    causes,
    silences,
    slo,
    triggers,
    deliveries,
    events,
    rules,
    rule_questions,
    aliases,
    stitch,
    export,
    keys,
    about,
)
"""The parts of the native API, in the order of its document."""

DOCUMENT = {
    "API_TITLE": "Tidegate",
    "API_VERSION": "v2",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/api",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "What OpenLineage events say about jobs, datasets and runs, and how data flows "
            "between them. "
            "Times are ISO 8601 in UTC. Lists are paged: send `next_cursor` as `cursor` for the next page. "
            "Errors are `application/problem+json`. An API key, where the server has any, goes into "
            "`Authorization: Bearer` or `X-API-Key`."
        },
        "security": [{}, {"bearer": []}, {"api_key": []}],
    },
}


def create_app(services: Services) -> Flask:
    """Make the application. It opens nothing and starts nothing; ``services`` are closed by whoever made
    them.
    """
    app = Flask("collector", static_folder=None)
    app.json = MsgspecProvider(app)
    app.config.update(DOCUMENT)
    # Names in paths hold slashes, several at once too: s3://bucket.
    app.url_map.merge_slashes = False
    app.extensions[EXTENSION] = services
    settings = services.settings
    api = NativeApi(
        {"limit": settings.max_page, "depth": settings.max_depth, "max_nodes": settings.max_nodes}
    )
    api.init_app(app)
    problems.register(app)
    for native in NATIVE:
        api.register_blueprint(native.blueprint)
    # Starts at the first event: a server whose front writes by itself has no use for its thread.
    log = LogWriter(services.database, queue_limit=settings.queue_limit, observer=LogMetrics())
    app.extensions[RECORDER] = Recorder(services, log)
    app.register_blueprint(ingest.make_blueprint(services, log))
    app.register_blueprint(health.blueprint)
    register_pages(app, api.document)
    marquez.register(app)
    app.after_request(_harden)
    return app


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load, and do: nothing but our own files, no script or style inside it."""


def _harden(response: Response) -> Response:
    # Events hold text of strangers: no browser shall take an answer for a page, or a page for a frame.
    response.headers["X-Content-Type-Options"] = "nosniff"
    # What one may see by his key, or by his session, no cache on the way shall give to another.
    response.headers.setdefault("Cache-Control", "no-cache, private")
    if response.mimetype in ("text/html", "image/svg+xml"):
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers["Referrer-Policy"] = "same-origin"
    return response
