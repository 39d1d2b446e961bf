"""What a trigger waits for, in words, with times by the clock of its time zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from collector.questions.triggers import Shown
from collector.storage.trigger_reads import JoinRow, TriggerState
from lineage.instants import parse_instant
from triggers.joins import Standing
from triggers.sentences import moment

HIDDEN: Final = "something that you may not see"

HOLDS: Final = {
    "earliest": "it may not fire yet",
    "schedule": "it waits for the next tick of its schedule",
    "debounce": "more may follow what came",
    "cooldown": "it has fired a short while ago",
    "paused": "the trigger is paused",
    "breaker": "the trigger has fired too often",
    "window": "a window holds it",
    "in_flight": "what it started before has not ended",
    "loop": "what came is of its own making",
}
"""What holds a join back, as ``triggers.holds.Hold`` names it."""


def of_trigger(shown: Shown) -> str:
    """Say how a trigger stands, and what it waits for."""
    row, timezone = shown.row, shown.trigger.timezone
    said = []
    if row.paused_at is not None:
        because = f": {row.paused_reason}" if row.paused_reason else ""
        said.append(
            f"{row.id} is paused since {moment(row.paused_at, timezone)} by {row.paused_by}{because}."
        )
    if row.broken_at is not None:
        said.append(
            f"{row.id} fired too often, and is stopped since {moment(row.broken_at, timezone)} until somebody "
            "resumes it."
        )
    if row.state is TriggerState.NEW:
        said.append(f"The engine does not follow {row.id} yet.")
    elif row.foremost is not None:
        said.append(of_join(row.id, row.foremost, timezone))
    else:
        said.append(_idle(shown))
    if row.failing_since is not None:
        what = f": {row.failing}" if row.failing else ""
        said.append(f"Its firings fail since {moment(row.failing_since, timezone)}{what}.")
    if row.unkeyed and row.unkeyed_at is not None:
        updates = "1 update" if row.unkeyed == 1 else f"{row.unkeyed} updates"
        said.append(
            f"{updates} did not say which partition they wrote, the last at {moment(row.unkeyed_at, timezone)}."
        )
    return " ".join(said)


def of_join(trigger_id: str, join: JoinRow, timezone: str) -> str:
    """Say what a join waits for, or what holds it back."""
    name = f"{trigger_id} ({join.key})" if join.key else trigger_id
    late = ""
    if join.overdue_at is not None:
        late = f" It was to be complete by {moment(join.overdue_at, timezone)}."
    if join.standing is Standing.HELD:
        since = "" if join.complete_at is None else f" since {moment(join.complete_at, timezone)}"
        return (
            f"{name} is complete{since}: {'; '.join(of_hold(hold, timezone) for hold in join.holds)}.{late}"
        )
    if join.tree is None:
        return f"What has come for {name} is being looked at."
    told = (leaf for leaf in leaves(join.tree) if leaf["met"] or not leaf["optional"])
    parts = "; ".join(of_input(leaf, timezone) for leaf in told)
    verb = "is held back at a gate" if join.standing is Standing.BLOCKED else f"waits for {wanted(join.tree)}"
    return f"{name} {verb}: {parts}.{late}"


def of_hold(hold: Mapping[str, Any], timezone: str) -> str:
    """Say what holds a join back, and until when."""
    text = hold["text"] or HOLDS.get(hold["by"], hold["by"])
    return text if hold["until"] is None else f"{text}, until {_clock(hold['until'], timezone)}"


def of_input(leaf: Mapping[str, Any], timezone: str) -> str:
    """Say what has come of an input, and what is wrong with that."""
    name, latest = leaf["input"] or HIDDEN, leaf.get("latest")
    if latest is None:
        return f"{name} is there" if leaf["met"] else f"{name} has not come"
    came = f"{name} came {_clock(latest['received_at'], timezone)}"
    if latest["job"] is not None:
        came += f" from run {latest['run_id']} of {latest['job']['namespace']}:{latest['job']['name']}"
    if leaf["met"]:
        return came
    if "gate" in leaf:
        return f"{came}, but {leaf['missing'] or 'does not pass its gate'}"
    return f"{came}, but {leaf['missing']} is missing"


def wanted(tree: Mapping[str, Any]) -> str:
    """Name what is missing of a condition: ``a and b``, ``a or b``, ``2 of a, b, c``."""
    if "of" not in tree:
        return tree["input"] or HIDDEN
    required = [each for each in tree["of"] if not each.get("optional")]
    missing = [each for each in required if not each["met"]]
    names = [f"({wanted(each)})" if len(each.get("of", ())) > 1 else wanted(each) for each in missing]
    number = tree["at_least"] - (len(required) - len(missing))
    if number == len(missing):
        return " and ".join(names)
    return " or ".join(names) if number == 1 else f"{number} of {', '.join(names)}"


def leaves(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the inputs in a tree of an evaluation, in order."""
    if "of" in tree:
        for each in tree["of"]:
            yield from leaves(each)
    else:
        yield tree


def _idle(shown: Shown) -> str:
    said, last = f"{shown.row.id} waits for {wanted(shown.tree)}", shown.last
    if last is None:
        return f"{said}: nothing has come yet."
    return f"{said}: nothing has come since it fired at {moment(last.at, shown.trigger.timezone)} ({last.state})."


def _clock(text: str, timezone: str) -> str:
    return moment(parse_instant(text)[0], timezone)
