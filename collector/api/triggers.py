"""Triggers: what they wait for, what they fired, and what people ask of them."""

from __future__ import annotations

from typing import Any

from collector.api import cursors, firing_shapes, trigger_answers
from collector.api import trigger_shapes as shapes
from collector.api.access import require_everything, require_operate, signed
from collector.api.alert_shapes import NoBody
from collector.api.alias_shapes import NoQuery
from collector.api.graph import depth_of
from collector.api.native import Native
from collector.api.parameters import Paged, limit_of
from collector.api.questions import asking
from collector.api.services import reading, services
from collector.errors import Unprocessable
from collector.questions import trigger_requests
from collector.questions.trigger_requests import Asked
from collector.questions.trigger_why import trigger_why
from collector.questions.triggers import Triggers
from collector.storage.firing_reads import Wanted
from collector.storage.trigger_reads import TriggerState
from collector.storage.trigger_requests import Kind, history
from collector.times import now_us
from triggers.joins import Standing

blueprint = Native(
    "triggers", "What waits for data, what was started when it was there, and what came of that."
)

ID = {"trigger_id": "the id of the trigger in the rules"}
FIRING = {"firing_id": "the id of the firing, as the list gives it"}


@blueprint.get("/triggers", shapes.Triggers, query=shapes.TriggersQuery)
def list_triggers(query: dict[str, Any]) -> object:
    """List triggers by id: how they stand, and what they wait for."""
    after = cursors.decode(query.get("cursor"), cursors.BY_TEXT)
    limit = limit_of(query)
    states = [TriggerState(state) for state in query["state"]] if "state" in query else None
    with reading() as conn:
        scope = asking(conn, query)
        page = Triggers(scope).page(states, after=after, limit=limit)
        return trigger_answers.triggers(scope, page)


@blueprint.get("/triggers/<trigger_id>", shapes.TriggerDetail, query=NoQuery, missing=True, path=ID)
def get_trigger(query: dict[str, Any], trigger_id: str) -> object:
    """Give all about one trigger: what it is, what has come of what it waits for, and what it fired last."""
    with reading() as conn:
        return trigger_answers.trigger_detail(asking(conn, query), trigger_id)


@blueprint.get("/triggers/<trigger_id>/joins", shapes.Joins, query=shapes.JoinsQuery, missing=True, path=ID)
def list_joins(query: dict[str, Any], trigger_id: str) -> object:
    """List what has come for a trigger, key by key, that in which something changed last first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME_AND_TEXT)
    limit = limit_of(query)
    standings = [Standing(state) for state in query["state"]] if "state" in query else None
    with reading() as conn:
        answers = Triggers(asking(conn, query))
        rule = answers.find(trigger_id).trigger
        page = answers.joins(trigger_id, standings, query.get("key"), after=after, limit=limit)
    return cursors.answer(page.map(lambda row: trigger_answers.join(row, rule)))


@blueprint.get("/triggers/<trigger_id>/why", shapes.TriggerWhy, query=shapes.WhyQuery, missing=True, path=ID)
def get_why(query: dict[str, Any], trigger_id: str) -> object:
    """Tell what a trigger waits for: what has come, what is missing, and what goes on upstream of that."""
    with reading() as conn:
        scope = asking(conn, query)
        found = trigger_why(scope, trigger_id, key=query.get("key"), depth=depth_of(query))
    return trigger_answers.why(found)


@blueprint.get("/triggers/<trigger_id>/requests", shapes.PastRequests, query=Paged, missing=True, path=ID)
def list_requests(query: dict[str, Any], trigger_id: str) -> object:
    """List what people asked of a trigger: who paused it, fired it by hand, or gave up what had come."""
    require_everything()
    after = cursors.decode(query.get("cursor"), cursors.BY_ID)
    with reading() as conn:
        Triggers(asking(conn, query)).find(trigger_id)
        page = history(conn, trigger_id, after=after, limit=limit_of(query))
    return cursors.answer(page.map(trigger_answers.request))


@blueprint.get("/firings", firing_shapes.Firings, query=firing_shapes.FiringsQuery)
def list_firings(query: dict[str, Any]) -> object:
    """List what triggers fired, the newest first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME_AND_TEXT)
    limit = limit_of(query)
    wanted = Wanted(
        query.get("trigger"), query.get("state"), query.get("key"), query.get("since"), query.get("until")
    )
    with reading() as conn:
        page = Triggers(asking(conn, query)).firings(wanted, after=after, limit=limit)
    return cursors.answer(page)


@blueprint.get("/firings/<firing_id>", firing_shapes.FiringDetail, query=NoQuery, missing=True, path=FIRING)
def get_firing(query: dict[str, Any], firing_id: str) -> object:
    """Give all about one firing: what it consumed, what it did, and which runs that started."""
    with reading() as conn:
        return trigger_answers.firing(Triggers(asking(conn, query)).firing(firing_id))


@blueprint.post(
    "/firings/<firing_id>/retry", firing_shapes.FiringDetail, body=NoBody, missing=True, path=FIRING
)
def retry(body: dict[str, Any], firing_id: str) -> object:
    """Send again now what a firing could not send; to the target it is the same, by its key."""
    require_operate()
    require_everything()
    database = services().database
    with database.write() as conn:
        answers = Triggers(asking(conn, body))
        trigger_requests.retry(conn, answers.firing(firing_id).detail, now_us())
        database.notify(conn)
        return trigger_answers.firing(answers.firing(firing_id))


@blueprint.post("/triggers/<trigger_id>/fire", shapes.Asked, body=shapes.FireBody, missing=True, path=ID)
def fire(body: dict[str, Any], trigger_id: str) -> object:
    """Let a trigger fire now, with what is there, whatever is missing or holds it back.

    Each request is a firing of its own, recorded as one by hand.
    """
    return _ask(trigger_id, Kind.FIRE, body)


@blueprint.post("/triggers/<trigger_id>/pause", shapes.Asked, body=shapes.PauseBody, missing=True, path=ID)
def pause(body: dict[str, Any], trigger_id: str) -> object:
    """Let a trigger fire no more until somebody resumes it; what comes meanwhile is kept for then."""
    return _ask(trigger_id, Kind.PAUSE, body)


@blueprint.post("/triggers/<trigger_id>/resume", shapes.Asked, body=shapes.RequestBody, missing=True, path=ID)
def resume(body: dict[str, Any], trigger_id: str) -> object:
    """Let a trigger fire again that was paused, or that fired too often."""
    return _ask(trigger_id, Kind.RESUME, body)


@blueprint.post("/triggers/<trigger_id>/reset", shapes.Asked, body=shapes.ResetBody, missing=True, path=ID)
def reset(body: dict[str, Any], trigger_id: str) -> object:
    """Give up what has come for a trigger, under one key or all: nothing of it fires any more."""
    return _ask(trigger_id, Kind.RESET, body)


def _ask(trigger_id: str, kind: Kind, body: dict[str, Any]) -> Asked:
    require_operate()
    require_everything()
    if not body.get("reason", "-").strip():
        raise Unprocessable("Say why, or leave out the reason.")
    by, now = signed(body.get("by"), "$.by"), now_us()
    database = services().database
    with database.write() as conn:
        answers = Triggers(asking(conn, {}))
        asked = trigger_requests.ask(
            conn, answers, trigger_id, kind, key=body.get("key"), by=by, reason=body.get("reason"), now=now
        )
        database.notify(conn)
    return trigger_requests.wait(database, asked, body["wait"])
