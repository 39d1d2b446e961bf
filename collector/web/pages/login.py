"""Logging in and out, and the choice of colours: what works without a session."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from collector.errors import Forbidden, Unauthorized
from collector.web import entry
from collector.web.rendering import page

blueprint = entry.Page("login", public=True)


@blueprint.get("/login")
def show() -> ResponseReturnValue:
    """Ask for a key; whoever needs none, or has shown it, goes on."""
    to = _next(request.args)
    return redirect(to, HTTPStatus.SEE_OTHER) if g.principal else page("login.html", next=to)


@blueprint.post("/login")
def enter() -> ResponseReturnValue:
    """Begin a session."""
    to = _next(request.form)
    try:
        entry.log_in(request.form.get("key", "").strip())
    except (Unauthorized, Forbidden) as error:
        return page("login.html", next=to, wrong=error.detail), error.status
    return redirect(to, HTTPStatus.SEE_OTHER)


@blueprint.post("/logout")
def leave() -> ResponseReturnValue:
    """End the session."""
    entry.log_out()
    return redirect(url_for("web.login.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/theme")
def change_theme() -> ResponseReturnValue:
    """Keep how pages shall look."""
    response = redirect(_next(request.form), HTTPStatus.SEE_OTHER)
    entry.set_theme(response, request.form.get("theme", ""))
    return response


def _next(given: Mapping[str, str]) -> str:
    return entry.inside(given.get("next", ""), url_for("web.overview.show"))
