"""Events as they come in, and each as it was sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from collector.api import events
from collector.web.asking import ask, parameters, tried, twin
from collector.web.entry import Page, may
from collector.web.rendering import page
from lineage.instants import parse_instant

blueprint = Page("events")

NOTHING: Final[dict[str, Any]] = {"items": [], "next_cursor": None}
"""What is listed while a filter cannot be read."""

SHOWN = 50
"""Events a page; the tail asks for them every two seconds."""

FILTERS = (
    "kind",
    "event_type",
    "job_namespace",
    "job_name",
    "dataset_namespace",
    "dataset_name",
    "run_id",
    "since",
    "until",
)


def counts() -> dict[str, int | None]:
    """Count what was refused and what is parked; None where the viewer may not know."""
    if not may("read", everywhere=True):
        return {"rejected": None, "parked": None}
    few = {"limit": "1"}
    return {
        "rejected": ask(events.get_rejected, few)["total"],
        "parked": ask(events.get_parked, few)["total"],
    }


@blueprint.get("/events")
def index() -> tuple[str, HTTPStatus]:
    """List events, the newest first; with script the list goes on by itself."""
    asked: dict[str, Any] = {"limit": str(SHOWN), "body": "false"} | parameters(events.get_events)
    found, wrong = tried(events.get_events, asked, NOTHING)
    answer = page(
        "events.html",
        events=found,
        wrong=wrong,
        twin=twin(events.get_events, asked),
        counts=counts(),
        filtered=[name for name in FILTERS if name in asked],
    )
    return answer, wrong.status if wrong else HTTPStatus.OK


@blueprint.get("/event")
def show() -> str:
    """Show an event: what it says, what it became, and what else was sent of its run."""
    asked = parameters(events.get_event)
    found = ask(events.get_event, asked)
    related = None
    if found["run_id"]:
        same = {"run_id": found["run_id"], "limit": "20", "body": "false"}
        if found["job"]:
            same |= {"job_namespace": found["job"]["namespace"], "job_name": found["job"]["name"]}
        related = ask(events.get_events, same)
    happened, received = (parse_instant(found[name])[0] for name in ("event_time", "received_at"))
    return page(
        "event.html",
        event=found,
        delay=(received - happened) / 1_000_000,
        related=related,
        twin=twin(events.get_event, asked),
    )
