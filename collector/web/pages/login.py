"""Logging in and out, and the choice of colours: what works without a session."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from collector.errors import Unauthorized
from collector.web import entry
from collector.web.rendering import page

blueprint = entry.Page("login", public=True)


@blueprint.get("/login")
def show() -> ResponseReturnValue:
    """Ask for a key; whoever needs none, or has shown it, goes on."""
    to = _inside(request.args.get("next", ""))
    return redirect(to, HTTPStatus.SEE_OTHER) if g.principal else page("login.html", next=to)


@blueprint.post("/login")
def enter() -> ResponseReturnValue:
    """Begin a session."""
    to = _inside(request.form.get("next", ""))
    try:
        entry.log_in(request.form.get("key", "").strip())
    except Unauthorized as error:
        return page("login.html", next=to, wrong=error.detail), HTTPStatus.UNAUTHORIZED
    return redirect(to, HTTPStatus.SEE_OTHER)


@blueprint.post("/logout")
def leave() -> ResponseReturnValue:
    """End the session."""
    entry.log_out()
    return redirect(url_for("web.login.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/theme")
def change_theme() -> ResponseReturnValue:
    """Keep how pages shall look."""
    response = redirect(_inside(request.form.get("next", "")), HTTPStatus.SEE_OTHER)
    entry.set_theme(response, request.form.get("theme", ""))
    return response


def _inside(target: str) -> str:
    """Give an address of ours to go to; whatever leads elsewhere becomes the overview."""
    parts = urlsplit(target)
    # Browsers take a backslash for a slash, and two of them for the name of a host.
    inside = target.startswith("/") and not (parts.scheme or parts.netloc or target[1:2] in ("/", "\\"))
    return target if inside and target.isprintable() else url_for("web.overview.show")
