"""Alerts, cause first."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import request, url_for
from werkzeug.wrappers import Response

from collector.api import alerts, causes
from collector.times import iso, now_us
from collector.web.asking import ask, do, parameters, tried, twin
from collector.web.entry import Page, done, inside, must_sign
from collector.web.rendering import page

blueprint = Page("alerts")

DAY_US: Final = 86_400_000_000
"""For how long causes that are over are shown below the open ones."""

PER_PAGE: Final = "50"
LATELY: Final = {"state": "ended", "limit": "20"}
FILTERS: Final = ("severity", "acknowledged", "node")


@blueprint.get("/alerts")
def index() -> tuple[str, HTTPStatus]:
    """List what is wrong, each with all that hangs on it; or what was (``state=ended``)."""
    asked = {"limit": PER_PAGE, **parameters(causes.list_causes)}
    nothing: dict[str, Any] = {"items": [], "counts": {"causes": None}, "next_cursor": None}
    found, wrong = tried(causes.list_causes, asked, nothing)
    filters = {name: value for name, value in asked.items() if name in FILTERS}
    is_open = asked.get("state", "open") == "open"
    lately: dict[str, Any] = {"items": []}
    if is_open and "cursor" not in asked and not wrong:
        lately = ask(causes.list_causes, {**LATELY, **filters, "since": iso(now_us() - DAY_US)})
    answer = page(
        "alerts.html",
        found=found,
        wrong=wrong,
        lately=lately["items"],
        is_open=is_open,
        filters=filters,
        twin=twin(causes.list_causes, asked),
    )
    return answer, wrong.status if wrong else HTTPStatus.OK


@blueprint.get("/alerts/<int:alert_id>")
def show(alert_id: int) -> str:
    """Show all about one alert."""
    found = ask(alerts.get_alert, alert_id=alert_id)
    return page(
        "alert.html",
        alert=found,
        timeline=_timeline(found),
        twin=twin(alerts.get_alert, alert_id=alert_id),
    )


@blueprint.post("/alerts/<int:alert_id>/acknowledge")
def acknowledge(alert_id: int) -> Response:
    """Say that somebody takes care of it."""
    body = {"note": request.form.get("note", "")}
    if must_sign():
        body["by"] = request.form.get("by", "").strip()
    found = do(alerts.acknowledge, body, alert_id=alert_id)
    return done(f"{found['acknowledged']['by']} takes care of it: {found['title']}", _back(alert_id))


@blueprint.post("/alerts/<int:alert_id>/unacknowledge")
def unacknowledge(alert_id: int) -> Response:
    """Say that nobody takes care of it any more."""
    found = do(alerts.unacknowledge, {}, alert_id=alert_id)
    return done(f"Nobody takes care of it any more: {found['title']}", _back(alert_id))


def _back(alert_id: int) -> str:
    return inside(request.form.get("next", ""), url_for("web.alerts.show", alert_id=alert_id))


def _timeline(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Put in order what happened, the newest last: (``at``, ``state``, ``text``)."""
    lines = [
        {"at": found["last_good_at"], "state": "fresh", "text": "All was well for the last time."},
        {"at": found["starts_at"], "state": "open", "text": found["text"]},
        {"at": found["ends_at"], "state": "resolved", "text": "It is over."},
    ]
    if found["acknowledged"]:
        word = found["acknowledged"]
        lines.append({"at": word["at"], "state": "running", "text": f"{word['by']}: {word['note']}"})
    lines += [
        {
            "at": each["at"],
            "state": each["delivery"]["state"] if each["delivery"] else "delivered",
            "text": f"To {each['receiver']}: {each['title'] or each['reason'].replace('_', ' ')}",
        }
        for each in found["notifications"]
    ]
    lines += [
        {"at": each["at"], "state": each["state"], "text": each["sentence"]} for each in found["decisions"]
    ]
    return sorted((line for line in lines if line["at"]), key=lambda line: str(line["at"]))
