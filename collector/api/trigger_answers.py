"""Answers about triggers as ``trigger_shapes`` writes them, for the API and for the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from collector.questions import trigger_sentences
from collector.questions.trigger_why import TriggerWhy
from collector.questions.triggers import FiringShown, Shown, Triggers
from collector.storage.firing_reads import ActionRow, FiringRow, Wanted
from collector.storage.runs import RunRow
from collector.storage.trigger_reads import TriggerRow


def trigger(shown: Shown) -> dict[str, Any]:
    """Give a trigger as ``shapes.Trigger`` writes it."""
    row = {name: getattr(shown.row, name) for name in TriggerRow.__slots__}
    return row | {
        "state": shown.row.state.value,
        "mode": shown.trigger.join.mode.value,
        "timezone": shown.trigger.timezone,
        "sentence": trigger_sentences.of_trigger(shown),
        "waits_for": shown.waits_for,
        "join": shown.row.foremost,
        "joins": {standing.value: number for standing, number in shown.row.joins.items()},
        "last_firing": shown.last,
    }


def trigger_detail(answers: Triggers, trigger_id: str) -> dict[str, Any]:
    """Give all about a trigger as ``shapes.TriggerDetail`` writes it; raises ``NotFound``."""
    shown = answers.find(trigger_id)
    return trigger(shown) | {
        "definition": shown.definition,
        "inputs": answers.inputs(shown),
        "open_joins": answers.open_joins(trigger_id),
        "firings": answers.firings(Wanted(trigger=trigger_id)).items,
    }


def why(found: TriggerWhy) -> dict[str, Any]:
    """Give what a trigger waits for as ``shapes.TriggerWhy`` writes it."""
    return {
        "trigger": trigger(found.shown),
        "sentence": found.sentence,
        "joins": found.joins,
        "missing": found.missing,
        "firings": found.firings,
    }


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
