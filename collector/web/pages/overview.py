"""What is late, what will be, what failed, and whether events come in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.api import events, status, triggers
from collector.api.services import services
from collector.auth import is_loopback
from collector.errors import Conflict, Forbidden
from collector.times import now_us
from collector.web import moments, snippets
from collector.web.asking import ask, do, twin
from collector.web.demonstration import demonstration
from collector.web.drawing.labels import shown
from collector.web.entry import Page, done, must_sign
from collector.web.rendering import page
from lineage.instants import parse_instant

blueprint = Page("overview")

NEWEST: Final = {"limit": "10", "body": "false"}
OPEN_TRIGGERS: Final = {"limit": "6", "state": ["broken", "blocked", "held", "waiting"]}
FIRST_FOR: Final = 600
"""Seconds for which the first event of a server is news."""


@blueprint.get("/")
def show() -> str:
    """Show how everything stands; on a server that no event has reached, how to send it one."""
    found = ask(status.get_status)
    newest = ask(events.get_events, NEWEST)
    wanted = request.args.get("for", "")
    wanted = wanted if wanted in snippets.TOOLS else snippets.FIRST
    tool = snippets.TOOLS[wanted]
    return page(
        "overview.html",
        status=found,
        events=newest,
        triggers=ask(triggers.list_triggers, OPEN_TRIGGERS),
        heard=bool(newest["items"]),
        first=_first(found, newest["items"]),
        worst_state=_worst(found),
        wanted=wanted,
        tools_to_set=[(key, each.label) for key, each in snippets.TOOLS.items()],
        snippet=snippets.snippet(tool, request.host_url.rstrip("/"), key=not must_sign()),
        note=tool.note,
        demo=demonstration().standing,
        may_demo=_may_demo(),
        twin=twin(status.get_status),
    )


@blueprint.post("/test-event")
def send_test_event() -> Response:
    """Send this server an event."""
    job = do(status.send_test_event, {})["job"]
    said = f"Received: a run of {job['name']} in the namespace {job['namespace']}."
    return done(said, url_for("web.overview.show"))


@blueprint.post("/start-demo")
def start_demo() -> Response:
    """Start the demo, a server of its own beside this one; also if it runs already, there will be one."""
    _check_demo()
    if ask(events.get_events, NEWEST)["items"]:
        raise Conflict("Events have come here; for a demo beside them run: tidegate demo")
    demonstration().start()
    return redirect(url_for("web.overview.show", _anchor="demo"), HTTPStatus.SEE_OTHER)


@blueprint.post("/stop-demo")
def stop_demo() -> Response:
    """Stop the demo that was started here, and delete what it has made."""
    _check_demo()
    demonstration().stop()
    return done("The demo has ended; nothing of it is left.", url_for("web.overview.show"))


def _may_demo() -> bool:
    """Tell whether whoever asks sits at this machine, may do anything, and will meet the same process again."""
    at_home = is_loopback(request.remote_addr or "")
    return must_sign() and at_home and services().settings.http_workers == 1


def _check_demo() -> None:
    if not _may_demo():
        raise Forbidden(
            "The demo is started here only on a server without API keys, with one process for HTTP, "
            "from the machine that it runs on. Elsewhere run: tidegate demo"
        )


def _first(found: dict[str, Any], newest: list[dict[str, Any]]) -> Markup | None:
    """Tell of the first event, as long as that is news."""
    intake = found["intake"]
    at = intake and intake["first_received_at"]
    if not at or not newest or now_us() - parse_instant(at)[0] > FIRST_FOR * moments.SECOND:
        return None
    oldest = newest[-1]
    about = oldest.get("job") or oldest.get("dataset")
    tool = found["tools"][-1]["tool"] if found["tools"] else "unknown"
    kind = "job" if oldest.get("job") else "dataset"
    named = Markup(", {} <bdi class='data'>{}</bdi>").format(kind, shown(about["name"])) if about else ""
    return Markup("{}{}, {}").format(tool, named, moments.time(at, "clock"))


def _worst(found: dict[str, Any]) -> str | None:
    if found["causes"]:
        return "failed" if any(each["rule"] == "failed_run" for each in found["causes"]) else "late"
    if found["expectations"]["violated"]:
        return "late"
    if found["deadlines"] and found["deadlines"][0]["at_risk"]:
        return "due"
    return "fresh" if found["expectations"]["total"] else None
