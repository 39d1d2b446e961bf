"""What a firing does: its actions filled in, as rows to be kept and things to be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from collector.engine.emitting import PRODUCER
from collector.engine.templates import TemplateFailed, render
from collector.storage.firings import Doing, Progress
from collector.storage.outbox import Kind, Queued
from lineage.instants import iso
from triggers.arrivals import Arrived, key_start
from triggers.conditions import NAMESPACE, Action, Blocked, Delivery, Mode, Trigger
from triggers.evaluation import Passed
from triggers.firings import Expected, Firing, sending_key
from triggers.rules import Target
from triggers.zones import wall, zone

NOT_FILLED_IN: Final = (
    "It cannot be filled in, so there is nothing to send again; mend the rule and fire by hand: {}"
)


def doings_of(
    trigger: Trigger, firing: Firing, targets: Mapping[str, Target], expected: Mapping[str, Expected]
) -> list[Doing]:
    """Give what a firing does. What cannot be filled in is dead at once, with the reason."""
    context = context_of(trigger, firing)
    about = {
        "id": firing.id,
        "trigger": trigger.id,
        "key": firing.key,
        "at": iso(firing.at),
        "partial": firing.partial,
        "cause": firing.cause.value,
        "fire_key": firing.fire_key,
        "inputs": [
            {"id": name, "datasets": each["datasets"], "updates": each["updates"]}
            for name, each in context["inputs"].items()
        ],
    }
    found: list[Doing] = []
    for position, action in enumerate(trigger.actions):
        key = sending_key(firing.id, action.id)
        state = Progress.QUEUED if action.after is None else Progress.WAITING
        # An update of an asset may start many runs, or none: it is only told.
        starts = action.starts and "asset" not in action.options
        doing = Doing(firing.id, action.id, position, action.target, starts, state, "{}", key)
        try:
            options = render(action.options, context)
        except TemplateFailed as error:
            said = NOT_FILLED_IN.format(error)
            found.append(replace(doing, state=Progress.DEAD, error=said, ended_at=firing.at))
            continue
        told = {"id": action.id, "starts": starts, "delivery": action.delivery.value, **options}
        body = {"firing": about, "action": told, "run": context["run"], "producer": PRODUCER}
        doing.body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        target = targets.get(action.target)
        if target is not None and target.kind in expected and starts:
            doing.external_id = expected[target.kind](target.options, key, body)
        found.append(doing)
    return found


def queued_of(doing: Doing, action: Action | None) -> Queued:
    """Give what is sent for an action."""
    once = action is not None and action.delivery is Delivery.AT_MOST_ONCE
    return Queued(doing.target_id, Kind.ACTION, doing.outbox_key, json.loads(doing.body), once)


def context_of(trigger: Trigger, firing: Firing) -> dict[str, Any]:
    """Give what templates may name, see ``templates.VARIABLES``."""
    return {
        "trigger": trigger.id,
        "key": firing.key,
        "key_start": _key_start(trigger, firing.key),
        "firing_id": firing.id,
        "at": iso(firing.at),
        "partial": firing.partial,
        "cause": firing.cause.value,
        "inputs": {
            each.input: _input([update.data() for update in each.updates]) for each in firing.consumed
        },
        "run": {"id": firing.id, "namespace": NAMESPACE, "name": trigger.id},
    }


def _input(updates: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [each["rows"] for each in updates if each["rows"] is not None]
    datasets = {(each["dataset"]["namespace"], each["dataset"]["name"]): each["dataset"] for each in updates}
    return {
        "datasets": list(datasets.values()),
        "updates": updates,
        "latest": updates[-1] if updates else None,
        "rows": sum(rows) if rows else None,
    }


def _key_start(trigger: Trigger, key: str) -> str | None:
    if trigger.join.mode is Mode.EPOCH:
        return key
    if trigger.join.keys is None:
        return None
    return iso(wall(key_start(key, trigger.join.keys.grain), zone(trigger.timezone)))


def blocked_of(
    trigger: Trigger, key: str, told: Blocked, arrived: Arrived, passed: Passed, at: int
) -> Queued:
    """Give what people are told when a gate holds an update back; raises ``TemplateFailed``."""
    context = {
        "trigger": trigger.id,
        "key": key,
        "key_start": _key_start(trigger, key),
        "at": iso(at),
        "input": arrived.input,
        "dataset": arrived.name,
        "namespace": arrived.namespace,
        "failed_assertions": list(passed.failed),
    }
    text = f"{trigger.id} is held back: of {arrived.name}, {passed.reason}."
    if told.text:
        text = render({"text": told.text}, context)["text"]
    sending = sending_key(trigger.id, key, "blocked", arrived.update)
    about: dict[str, Any] = {
        "id": None, "trigger": trigger.id, "key": key, "at": iso(at), "partial": False, "cause": "blocked",
             "fire_key": sending, "inputs": []}  # fmt: skip
    options = {"text": text, "title": f"{trigger.id} is held back"}
    body = {
        "firing": about,
        "action": {"id": "on_blocked", "starts": False, **options},
        "run": None,
        "producer": PRODUCER,
    }
    return Queued(told.target, Kind.ACTION, sending, body)
