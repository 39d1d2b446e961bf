"""Keys, rules, targets, the database, and versions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from collector.api import about, keys, rules
from collector.api.documents import write_document
from collector.auth import ADMIN, SCOPES
from collector.errors import Unprocessable
from collector.web import entry
from collector.web.asking import View, ask, do, twin
from collector.web.entry import Page, done, may
from collector.web.rendering import page

blueprint = Page("settings")

STATE: Final = frozenset({"revision", "applied", "folder"})
"""What is told of the rules besides them."""

PARTS: Final = frozenset({"calendars", "targets", "expectations", "triggers", "windows", "alerting"})
"""What there is of rules, if there are any."""


@blueprint.get("/settings")
def show() -> ResponseReturnValue:
    """Show the settings in force and where each comes from."""
    return _drawn("settings.html", about.get_settings) if may(ADMIN, everywhere=True) else _closed()


@blueprint.get("/about")
def server() -> ResponseReturnValue:
    """Show what the server is made of, its database, and who works on it."""
    return _drawn("settings_about.html", about.get_about) if may(ADMIN, everywhere=True) else _closed()


@blueprint.get("/keys")
def list_keys() -> ResponseReturnValue:
    """List the keys, with the form for a new one."""
    return (
        _drawn("settings_keys.html", keys.list_keys, scopes=SCOPES, filled={})
        if may(ADMIN, everywhere=True)
        else _closed()
    )


@blueprint.post("/keys")
def create() -> ResponseReturnValue:
    """Make a key and show it, this once: the answer is kept nowhere."""
    form = request.form
    body = {
        "name": form.get("name", "").strip(),
        "scopes": form.getlist("scopes"),
        "namespaces": form.get("namespaces", "").split(),
    }
    try:
        made = do(keys.create_key, body)
    except Unprocessable as error:
        answer = _drawn("settings_keys.html", keys.list_keys, scopes=SCOPES, filled=body, wrong=error)
        return answer, int(error.status)
    if entry.must_sign():
        # The first key: from now on nobody gets in without one, not even who made it.
        entry.log_in(made["key"])
    answer = page("settings_key.html", made=made)
    return answer, HTTPStatus.OK, {"Cache-Control": "no-store"}


@blueprint.post("/keys/<prefix>/revoke")
def revoke(prefix: str) -> Response:
    """Revoke a key for good."""
    found = do(keys.revoke_key, {}, prefix=prefix)
    return done(f"The key {found['prefix']} ({found['name']}) is revoked.", url_for("web.settings.list_keys"))


@blueprint.get("/rules")
def in_force() -> str:
    """Show the rules in force as the document that puts them."""
    found = ask(rules.get_rules)
    # Empty parts say nothing, and are nothing that anybody wrote.
    document = {name: part for name, part in found.items() if part and name not in STATE}
    return page(
        "settings_rules.html",
        rules=found,
        text=write_document(document),
        empty=not document.keys() & PARTS,
        twin=twin(rules.get_rules),
    )


def _drawn(template: str, view: View, **more: Any) -> str:
    return page(template, found=ask(view), twin=twin(view), **more)


def _closed() -> ResponseReturnValue:
    """Tell somebody why he sees nothing here."""
    return page("settings_closed.html"), HTTPStatus.FORBIDDEN
