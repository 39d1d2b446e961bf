"""Triggers: what they wait for, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import request, url_for
from flask.typing import ResponseReturnValue

from collector.api import rule_questions, triggers
from collector.errors import Unprocessable
from collector.web import trigger_views as views
from collector.web import trigger_words as words
from collector.web.asking import View, ask, do, parameters, twin
from collector.web.entry import Page, done, may
from collector.web.rendering import page

blueprint = Page("triggers")

STATES: Final = ("waiting", "held", "blocked", "broken", "paused", "idle", "new")
"""In the order in which people ask for them."""

KEYED: Final = ("partition", "epoch")
"""Modes in which joins have keys."""

VERBS: Final[Mapping[str, tuple[View, str]]] = {
    "fire": (triggers.fire, "Fired."),
    "pause": (triggers.pause, "Paused."),
    "resume": (triggers.resume, "Resumed."),
    "reset": (triggers.reset, "What had come is given up."),
}
"""What people may have done with a trigger, and what is said when it is."""

ROWS: Final = 20
"""Joins and requests that the page of a trigger shows; the rest is a link away."""

COLUMNS: Final = 12
"""Inputs that a table of joins has columns for."""

FIRST: Final = """\
version: 1
targets:
  prefect:
    kind: prefect
    url: http://127.0.0.1:4200/api
triggers:
  - id: build-mart
    when:
      all:
        - {id: orders, dataset: {namespace: shop, name: raw.orders}}
        - {id: payments, dataset: {namespace: shop, name: raw.payments}}
    join: {mode: latched, expire: 1d}
    do:
      - {start: prefect, deployment: mart/nightly}
"""
"""A trigger to begin with: copied into a rule file."""


@blueprint.get("/triggers")
def index() -> str:
    """List triggers, with how each of their inputs stands."""
    asked = parameters(triggers.list_triggers)
    found = ask(triggers.list_triggers, asked)
    return page(
        "triggers/list.html",
        triggers=found,
        chosen=asked.get("state", []),
        states=[state for state in STATES if found["counts"].get(state)],
        first=FIRST,
        expected=views.expected,
        twin=twin(triggers.list_triggers, asked),
    )


@blueprint.get("/triggers/<trigger_id>")
def show(trigger_id: str) -> str:
    """Show all about a trigger; ``key`` says which of its joins to look at."""
    found = ask(triggers.get_trigger, trigger_id=trigger_id)
    key = request.args.get("key")
    wanted = {"key": key} if key is not None else {}
    listed = ask(triggers.list_joins, {"limit": str(ROWS)}, trigger_id=trigger_id)
    looked = ask(triggers.list_joins, wanted, trigger_id=trigger_id)["items"] if wanted else listed["items"]
    join = looked[0] if wanted and looked else _foremost(found, listed["items"])
    standings = views.by_input(found)
    tree = (join and join["evaluation"]) or found["evaluation"]
    everywhere = may("read", everywhere=True)
    asked = ask(triggers.list_requests, {"limit": str(ROWS)}, trigger_id=trigger_id) if everywhere else None
    return page(
        "triggers/show.html",
        trigger=found,
        join=join,
        joins=listed,
        keyed=found["mode"] in KEYED,
        headline=words.headline(found, join),
        counting=words.counting(found, join["key"] if join else None),
        drawing=views.join_drawing(found, join),
        tree=views.evaluation_tree(tree, standings),
        requests=asked,
        terms=list(words.definition(found["definition"])) if found["definition"] else [],
        written=words.written(found["definition"]) if found["definition"] else None,
        twin=twin(triggers.get_trigger, trigger_id=trigger_id),
        **_table(found, listed["items"]),
    )


@blueprint.get("/triggers/<trigger_id>/joins")
def joins(trigger_id: str) -> str:
    """List the joins of a trigger, key by key."""
    found = ask(triggers.get_trigger, trigger_id=trigger_id)
    asked = parameters(triggers.list_joins)
    listed = ask(triggers.list_joins, asked, trigger_id=trigger_id)
    return page(
        "triggers/joins.html",
        trigger=found,
        joins=listed,
        chosen=asked.get("state", []),
        states=[state for state in ("waiting", "held", "blocked", "idle", "done") if state in found["joins"]],
        twin=twin(triggers.list_joins, asked, trigger_id=trigger_id),
        **_table(found, listed["items"]),
    )


@blueprint.get("/triggers/<trigger_id>/requests")
def requests(trigger_id: str) -> str:
    """List what people asked of a trigger."""
    asked = parameters(triggers.list_requests)
    return page(
        "triggers/requests.html",
        trigger_id=trigger_id,
        requests=ask(triggers.list_requests, asked, trigger_id=trigger_id),
        twin=twin(triggers.list_requests, asked, trigger_id=trigger_id),
    )


@blueprint.get("/triggers/<trigger_id>/why")
def why(trigger_id: str) -> str:
    """Show what goes on upstream of what a trigger waits for."""
    asked = parameters(triggers.get_why)
    return page(
        "triggers/why.html",
        why=ask(triggers.get_why, asked, trigger_id=trigger_id),
        twin=twin(triggers.get_why, asked, trigger_id=trigger_id),
    )


@blueprint.get("/triggers/<trigger_id>/replay")
def replay(trigger_id: str) -> str:
    """Show when a trigger would have fired, beside when it did."""
    view = rule_questions.replay_trigger
    asked = parameters(view)
    found = ask(triggers.get_trigger, trigger_id=trigger_id)
    replayed = ask(view, asked, trigger_id=trigger_id)
    pairs = views.compared(replayed)
    return page(
        "triggers/replay.html",
        trigger=found,
        replay=replayed,
        pairs=pairs,
        chart=views.replay_chart(found, replayed, pairs),
        causes=words.CAUSES,
        twin=twin(view, asked, trigger_id=trigger_id),
    )


def confirm(trigger_id: str, verb: str) -> str:
    """Ask whether something is to be done with a trigger, under which key, and why."""
    return _confirm(trigger_id, verb, request.args.get("key"))


def act(trigger_id: str, verb: str) -> ResponseReturnValue:
    """Have the engine do it; then show the firing, if that is what came of it."""
    view, said = VERBS[verb]
    body = {name: value for name in ("by", "reason", "key") if (value := request.form.get(name, "").strip())}
    try:
        asked = do(view, body, trigger_id=trigger_id)
    except Unprocessable as error:
        return _confirm(trigger_id, verb, body.get("key"), error), int(error.status)
    back = url_for("web.triggers.show", trigger_id=trigger_id)
    if not asked["done"]:
        return done("The engine will do it when it gets to it.", back)
    return done(said, url_for("web.firings.show", firing_id=asked["firing"]) if asked["firing"] else back)


for each in VERBS:
    path = f"/triggers/<trigger_id>/{each}"
    blueprint.add_url_rule(path, view_func=confirm, defaults={"verb": each})
    blueprint.add_url_rule(path, view_func=act, defaults={"verb": each}, methods=["POST"])


def _foremost(found: dict[str, Any], listed: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Give the join to look at: that which is open, or the one that there is where joins have no keys."""
    if found["join"] is not None:
        return dict(found["join"])
    return next((each for each in listed if not each["key"]), None)


def _table(found: dict[str, Any], listed: list[dict[str, Any]]) -> dict[str, Any]:
    standings = views.by_input(found)
    return {
        "inputs": [each["input"] for each in found["standings"]],
        "columns": COLUMNS,
        "open_rows": [(each, views.cells_of(each, standings)) for each in listed if each["begun_at"]],
        "closed_rows": [each for each in listed if not each["begun_at"]],
    }


def _confirm(trigger_id: str, verb: str, key: str | None, wrong: Unprocessable | None = None) -> str:
    found = ask(triggers.get_trigger, trigger_id=trigger_id)
    bodies = (found["definition"] or {}).get("do", [])
    return page(
        "triggers/confirm.html",
        verb=verb,
        trigger=found,
        key=key if key is not None else found["join"] and found["join"]["key"],
        keyed=found["mode"] in KEYED,
        actions=[" ".join(filter(None, words.action(each))) for each in bodies],
        headline=words.headline(found, found["join"]),
        wrong=wrong,
        twin=twin(triggers.get_trigger, trigger_id=trigger_id),
    )
