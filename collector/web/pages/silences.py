"""Silences: what nobody need be told for a while."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from collector.api import alerts, silences
from collector.api.alert_shapes import LABELS
from collector.errors import Unprocessable
from collector.storage.silences import State
from collector.web import silencing
from collector.web.asking import ask, do, parameters, twin
from collector.web.entry import Page, done, must_sign
from collector.web.rendering import page

blueprint = Page("silences")

PER_PAGE: Final = "50"
STATES: Final = [state.value for state in (State.ACTIVE, State.PENDING, State.EXPIRED)]


@blueprint.get("/silences")
def index() -> str:
    """List silences of one state."""
    asked = {"limit": PER_PAGE, **parameters(silences.list_silences)}
    asked["state"] = [request.args.get("state") or State.ACTIVE.value]
    return page(
        "silences.html",
        found=ask(silences.list_silences, asked),
        states=STATES,
        state=asked["state"][0],
        sign=silencing.operator,
        words=silencing.WORDS,
        twin=twin(silences.list_silences, asked),
    )


@blueprint.get("/silences/new")
def new() -> str:
    """Ask what shall be silent: what an alert is about, or what a silence of before said, stands there already."""
    form: MultiDict[str, str] = MultiDict({"until": "1h"})
    found: list[dict[str, Any]] = []
    if alert_id := request.args.get("alert", type=int):
        alert = ask(alerts.get_alert, alert_id=alert_id)
        found = [_is("rule", alert["rule"]), _is("node", alert["node"])]
        form["reason"] = alert["title"]
    elif silence_id := request.args.get("id"):
        silence = ask(silences.get_silence, silence_id=silence_id)
        found = silence["matchers"]
        form = MultiDict({"reason": silence["reason"], "until": "at", "ends_at": silence["ends_at"][:16]})
        if silence["state"] == State.EXPIRED.value:
            form["until"] = "1h"
        else:
            form["id"], form["starts_at"] = silence_id, silence["starts_at"][:16]
    return _form(form, found)


@blueprint.post("/silences/preview")
def preview() -> str:
    """Show what would be silent, and keep what was written."""
    return _form(request.form, silencing.matchers(request.form))


@blueprint.post("/silences")
def put() -> Response | tuple[str, int]:
    """Make a silence, or change one."""
    try:
        body = silencing.body(request.form, datetime.now(UTC))
        if must_sign():
            body["author"] = request.form.get("by", "").strip()
        kept = do(silences.put_silence, body)
    except Unprocessable as error:
        return _form(request.form, silencing.matchers(request.form), error), int(error.status)
    return done(
        f"Silent until {kept['ends_at'][:16].replace('T', ' ')} UTC: {kept['reason']}",
        url_for("web.silences.index", state=kept["state"]),
    )


@blueprint.post("/silences/<silence_id>/expire")
def expire(silence_id: str) -> Response:
    """End a silence now."""
    kept = do(silences.expire, {}, silence_id=silence_id)
    return done(f"Over: {kept['reason']}", url_for("web.silences.index"))


def _form(form: MultiDict[str, str], found: list[dict[str, Any]], error: Unprocessable | None = None) -> str:
    shown = None
    if found:
        try:
            shown = do(silences.preview, {"matchers": found})
        except Unprocessable as wrong:
            error = error or wrong
    return page(
        "silence.html",
        form=form,
        rows=silencing.rows(found),
        preview=shown,
        error=error,
        labels=LABELS,
        words=silencing.WORDS,
        untils=silencing.UNTILS,
    )


def _is(label: str, value: str) -> dict[str, Any]:
    return {"label": label, "value": value, "regex": False, "negative": False}
