"""Which names may be one dataset, and the rules by which they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from collector.api import aliases, stitch
from collector.api.alias_shapes import AliasDocument
from collector.api.documents import read_document, write_document
from collector.errors import Unprocessable
from collector.web.asking import ask, do, parameters, twin
from collector.web.entry import Page, done, may
from collector.web.rendering import page

blueprint = Page("stitching")

SHOWN: Final = 12
"""Suggestions a page; the best first, and deciding on one changes the others."""

SOURCE: Final = "rules"
"""What errors call the document that somebody typed."""


@blueprint.get("/stitch")
def show() -> str:
    """Show pairs of names that are probably one dataset, with the evidence."""
    asked = {"limit": str(SHOWN)} | parameters(stitch.list_suggestions)
    found = ask(stitch.list_suggestions, asked)
    for item in found["items"]:
        item["written"] = write_document({"rules": item["rules"]}).removeprefix("rules:\n")
    return page(
        "stitching.html",
        suggestions=found,
        rules=_rules(),
        able=may("operate", everywhere=True),
        twin=twin(stitch.list_suggestions, asked),
    )


@blueprint.post("/stitch/accept")
def accept() -> Response:
    """Join two names, by the rules that were suggested or these two alone."""
    number = len(do(stitch.accept, _pair() | {"exact": bool(request.form.get("exact"))})["rules"])
    said = (
        f"{number} rule{'s' if number != 1 else ''} added; the catalog follows within a second. "
        "To undo it, take the rule out under Rules: the names part again."
    )
    return done(said, url_for("web.stitching.show"))


@blueprint.post("/stitch/dismiss")
def dismiss() -> Response:
    """Say that two names are two datasets."""
    do(stitch.dismiss, _pair())
    return done("These two are two datasets: the pair is not suggested again.", url_for("web.stitching.show"))


@blueprint.get("/aliases")
def rules() -> str:
    """Show the rules as a document, to be edited."""
    found = ask(aliases.get_rules)
    return _document(found, _written(found["rules"]))


@blueprint.post("/aliases/plan")
def plan() -> ResponseReturnValue:
    """Show what an edited document would change; nothing is written."""
    return _with_text(lambda body: {"plan": do(aliases.plan_rules, body)})


@blueprint.post("/aliases")
def apply() -> ResponseReturnValue:
    """Put an edited document in the place of the rules in force."""

    def put(body: dict[str, Any]) -> Response:
        do(aliases.put_rules, body)
        return done(
            "The rules are in force; the catalog follows within a second or so. "
            "To undo it, put the document as it was before.",
            url_for("web.stitching.rules"),
        )

    return _with_text(put)


def _with_text(use: Callable[[dict[str, Any]], dict[str, Any] | Response]) -> ResponseReturnValue:
    """Read the document that was typed, and use it; if it is wrong, give it back with what is wrong."""
    text = request.form.get("document", "").replace("\r\n", "\n")
    try:
        used = use(read_document(text, AliasDocument(), SOURCE))
    except Unprocessable as error:
        return _document(ask(aliases.get_rules), text, wrong=error), error.status
    return _document(ask(aliases.get_rules), text, **used) if isinstance(used, dict) else used


def _document(found: dict[str, Any], text: str, **more: Any) -> str:
    return page(
        "stitching_rules.html",
        rules=found,
        text=text,
        changed=text.strip() != _written(found["rules"]).strip(),
        able=may("operate", everywhere=True),
        twin=twin(aliases.get_rules),
        **more,
    )


def _rules() -> int | None:
    """Count the rules in force; None if the viewer may not know."""
    return len(ask(aliases.get_rules)["rules"]) if may("read", everywhere=True) else None


def _written(rules: list[dict[str, Any]]) -> str:
    return write_document({"version": 1, "rules": rules})


def _pair() -> dict[str, Any]:
    form = request.form
    return {
        side: {"namespace": form.get(f"{side}_namespace", ""), "name": form.get(f"{side}_name", "")}
        for side in ("one", "other")
    }
