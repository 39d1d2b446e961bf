"""Firings: what triggers did, why, and what came of it."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from collector.api import triggers
from collector.storage.firing_reads import STATES
from collector.web import trigger_words as words
from collector.web.asking import ask, do, parameters, twin
from collector.web.entry import Page, done
from collector.web.rendering import page
from collector.web.trigger_views import evaluation_tree

blueprint = Page("firings")

GIVEN_UP = ("dead", "cancelled")


@blueprint.get("/firings")
def index() -> str:
    """List what was fired, the newest first."""
    asked = parameters(triggers.list_firings)
    return page(
        "triggers/firings.html",
        firings=ask(triggers.list_firings, asked),
        asked=asked,
        states=STATES,
        causes=words.CAUSES,
        twin=twin(triggers.list_firings, asked),
    )


@blueprint.get("/firings/<firing_id>")
def show(firing_id: str) -> str:
    """Show all about a firing."""
    found = ask(triggers.get_firing, firing_id=firing_id)
    sent = [each["delivery"] for each in found["actions"] if each["delivery"] is not None]
    return page(
        "triggers/firing.html",
        firing=found,
        why=words.CAUSES.get(found["cause"], found["cause"]),
        tree=evaluation_tree(found["evaluation"], {}) if found["evaluation"] else None,
        given_up=any(each["state"] in GIVEN_UP for each in sent),
        twin=twin(triggers.get_firing, firing_id=firing_id),
    )


@blueprint.post("/firings/<firing_id>/retry")
def retry(firing_id: str) -> Response:
    """Send again what could not be sent."""
    do(triggers.retry, {}, firing_id=firing_id)
    return done("It is sent again.", url_for("web.firings.show", firing_id=firing_id))
