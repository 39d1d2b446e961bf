"""Answers about triggers as ``trigger_shapes`` writes them, for the API and for the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from collector.api import cursors
from collector.questions import trigger_sentences
from collector.questions.scope import Scope
from collector.questions.trigger_inputs import input_standings
from collector.questions.trigger_why import TriggerWhy
from collector.questions.triggers import FiringShown, Shown, Triggers
from collector.storage import trigger_reads
from collector.storage.firing_reads import ActionRow, FiringRow, Wanted
from collector.storage.pages import Page
from collector.storage.runs import RunRow
from collector.storage.trigger_reads import JoinRow, TriggerRow
from collector.storage.trigger_requests import Kind, Request
from triggers import schedules
from triggers.conditions import Trigger
from triggers.firings import id_of, manual_key
from triggers.joins import Standing


def trigger(shown: Shown) -> dict[str, Any]:
    """Give a trigger as ``shapes.Trigger`` writes it."""
    row = {name: getattr(shown.row, name) for name in TriggerRow.__slots__}
    return row | {
        "state": shown.row.state.value,
        "mode": shown.trigger.join.mode.value,
        "timezone": shown.trigger.timezone,
        "sentence": trigger_sentences.of_trigger(shown),
        "waits_for": shown.waits_for,
        "join": shown.row.foremost and join(shown.row.foremost, shown.trigger),
        "tree": shown.tree,
        "joins": {standing.value: number for standing, number in shown.row.joins.items()},
        "last_firing": shown.last,
    }


def join(row: JoinRow, rule: Trigger) -> dict[str, Any]:
    """Give a join of a trigger as ``shapes.Join`` writes it."""
    told = {name: getattr(row, name) for name in JoinRow.__slots__}
    if row.standing in (Standing.HELD, Standing.DONE) or row.begun_at is None:
        # What is complete fires, however long it is held back.
        return told | {"deadline_at": None, "gives_up_at": None}
    return told | {
        "deadline_at": schedules.deadline_of(rule, row.key, row.begun_at),
        "gives_up_at": schedules.gives_up_at(rule, row.key, row.begun_at),
    }


def triggers(scope: Scope, page: Page[Shown]) -> dict[str, Any]:
    """Give a page of triggers as ``shapes.Triggers`` writes it."""
    standings = input_standings(scope, page.items)
    listed = page.map(lambda shown: trigger(shown) | {"standings": standings[shown.row.id]})
    return cursors.answer(listed, counts=trigger_reads.count_triggers(scope.conn, scope.visible))


def trigger_detail(scope: Scope, trigger_id: str) -> dict[str, Any]:
    """Give all about a trigger as ``shapes.TriggerDetail`` writes it; raises ``NotFound``."""
    answers = Triggers(scope)
    shown = answers.find(trigger_id)
    return trigger(shown) | {
        "standings": input_standings(scope, [shown])[trigger_id],
        "definition": shown.definition,
        "inputs": answers.inputs(shown),
        "open_joins": [join(each, shown.trigger) for each in answers.open_joins(trigger_id)],
        "firings": answers.firings(Wanted(trigger=trigger_id)).items,
    }


def why(found: TriggerWhy) -> dict[str, Any]:
    """Give what a trigger waits for as ``shapes.TriggerWhy`` writes it."""
    return {
        "trigger": trigger(found.shown),
        "sentence": found.sentence,
        "joins": [join(each, found.shown.trigger) for each in found.joins],
        "missing": found.missing,
        "firings": found.firings,
    }


def request(asked: Request) -> dict[str, Any]:
    """Give what was asked of a trigger as ``shapes.PastRequest`` writes it."""
    firing_id = None
    if asked.kind is Kind.FIRE and asked.key is not None:
        firing_id = id_of(manual_key(asked.trigger_id, asked.key, asked.nonce))
    return asdict(asked) | {"firing": firing_id}


def firing(found: FiringShown) -> dict[str, Any]:
    """Give all about a firing as ``shapes.FiringDetail`` writes it."""
    detail = found.detail
    row = {name: getattr(detail.row, name) for name in FiringRow.__slots__}
    return row | {
        "inputs": detail.consumed,
        "evaluation": detail.tree,
        "chain": detail.chain,
        "actions": [_action(each, found.recognised.get(each.id)) for each in detail.actions],
    }


def _action(action: ActionRow, run: RunRow | None) -> dict[str, Any]:
    row = {name: getattr(action, name) for name in ActionRow.__slots__}
    return row | {
        "url": (action.handle or {}).get("url"),
        "run": run,
        "tried": [asdict(each) | {"seconds": each.took / 1e6} for each in action.tried],
    }
