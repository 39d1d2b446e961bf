"""What was refused, and what could not be read into the catalog; both can be tried again."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response

from collector.api import events
from collector.errors import BadRequest
from collector.web.asking import ask, do, parameters, twin
from collector.web.entry import Page, done
from collector.web.pages.events import counts
from collector.web.rendering import page

blueprint = Page("rejected")


@blueprint.get("/rejected")
def index() -> str:
    """List what was refused, with what to do about it."""
    asked = parameters(events.get_rejected)
    found = ask(events.get_rejected, asked)
    return page("rejected.html", rejected=found, counts=counts(), twin=twin(events.get_rejected, asked))


@blueprint.get("/rejection")
def show() -> str:
    """Show one refused body."""
    asked = parameters(events.get_rejection)
    return page(
        "rejection.html", rejection=ask(events.get_rejection, asked), twin=twin(events.get_rejection, asked)
    )


@blueprint.post("/rejected/reprocess")
def reprocess() -> Response:
    """Try refused bodies again, and say what became of them."""
    found = do(events.reprocess_rejected, _which())
    parts = [
        f"{_counted(found['accepted'], 'event is', 'events are')} in the log now"
        if found["accepted"]
        else "",
        f"{found['duplicates']} had come in another way meanwhile" if found["duplicates"] else "",
        f"{len(found['refused'])} refused again" if found["refused"] else "",
    ]
    return done(_sentence(parts, "There was nothing to try again."), url_for("web.rejected.index"))


@blueprint.get("/parked")
def parked() -> str:
    """List the events that could not be read into the catalog."""
    asked = parameters(events.get_parked)
    found = ask(events.get_parked, asked)
    return page("parked.html", parked=found, counts=counts(), twin=twin(events.get_parked, asked))


@blueprint.post("/parked/reprocess")
def reprocess_parked() -> Response:
    """Let parked events be tried again."""
    number = do(events.requeue_parked, _which())["requeued"]
    said = f"{_counted(number, 'event is', 'events are')} being read again. What fails again comes back here."
    return done(said, url_for("web.rejected.parked"))


def _which() -> dict[str, Any]:
    """Give the body of the request to the API that the form asks for: some, or all."""
    if request.form.get("all"):
        return {"all": True}
    chosen = request.form.getlist("ids")
    if not chosen or not all(each.isdecimal() and len(each) < 20 for each in chosen):
        raise BadRequest("Choose what to try again.")
    return {"ids": [int(each) for each in chosen]}


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _sentence(parts: list[str], nothing: str) -> str:
    said = ", ".join(filter(None, parts))
    return f"{said}." if said else nothing
