"""What watches the server asks: is it alive, is it ready, and how is it doing."""

from __future__ import annotations

import time

from flask import Blueprint, jsonify
from flask.wrappers import Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Connection, text

from collector.api.gauges import Freshness, Queue, Triggers, seconds_since
from collector.api.services import reading, services
from collector.errors import TidegateError
from collector.storage.event_reads import oldest_waiting
from collector.storage.migrate import current_of, head
from collector.telemetry import exposition

blueprint = Blueprint("health", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """Answer while the process lives."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Say whether requests are worth sending here: 200, or 503 with what is wrong."""
    checks: dict[str, dict[str, object]] = {}
    started = time.monotonic()
    try:
        with reading() as conn:
            conn.execute(text("SELECT 1"))
            checks["database"] = {"ok": True, "seconds": round(time.monotonic() - started, 6)}
            checks["schema"] = _schema(conn)
            # Without the tables there is no queue to look at.
            if checks["schema"]["ok"]:
                checks["projector"] = _projector(conn)
    except TidegateError as error:
        checks["database"] = {"ok": False, "detail": error.detail}
    ready = all(check["ok"] for check in checks.values())
    return jsonify(status="ok" if ready else "not ready", checks=checks), 200 if ready else 503


def _schema(conn: Connection) -> dict[str, object]:
    found, needed = current_of(conn), head()
    if found == needed:
        return {"ok": True, "revision": found}
    return {"ok": False, "revision": found, "detail": f"needs {needed}: run tidegate db upgrade"}


def _projector(conn: Connection) -> dict[str, object]:
    seconds = seconds_since(oldest_waiting(conn))
    limit = services().settings.ready_max_lag
    if seconds <= limit:
        return {"ok": True, "lag_seconds": seconds}
    return {"ok": False, "lag_seconds": seconds, "detail": f"more than {limit:g} s behind"}


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give the metrics in the text format of Prometheus."""
    return Response(exposition([Queue(), Freshness(), Triggers()]), content_type=CONTENT_TYPE_LATEST)
