"""Whether what a trigger waits for is there: the condition of a join at one instant, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from lineage.instants import iso
from triggers.arrivals import Arrived, parts_of
from triggers.conditions import AtLeast, Input, Mode, Trigger

SHOWN = 10
"""Missing partitions that an evaluation names."""


class Verdict(StrEnum):
    """What a gate says of an update."""

    PASSED = "passed"
    AWAITED = "awaited"
    """Checks are to come."""
    FAILED = "failed"


class Passed(NamedTuple):
    """Whether a gate lets an update through."""

    verdict: Verdict
    reason: str | None = None
    """In words, if it does not."""
    until: int | None = None
    """When that changes by itself (µs UTC)."""
    failed: tuple[str, ...] = ()
    """The checks that failed, and expectations that are not met."""


OPEN = Passed(Verdict.PASSED)

Gate = Callable[[Input, Arrived, int], Passed]


@dataclass(slots=True)
class Evaluation:
    """A condition at an instant."""

    met: bool = False
    tree: dict[str, Any] = field(default_factory=dict)
    """As JSON: parts with ``met``, and of each input since when there is something, and what is missing."""
    blocked: list[tuple[Arrived, Passed]] = field(default_factory=list)
    """The newest update of an input, where a gate lets it not through."""
    wakes: list[int] = field(default_factory=list)
    """When a gate decides otherwise by itself (µs UTC)."""


def evaluated(
    trigger: Trigger, key: str, pending: Sequence[Arrived], latest: Mapping[str, Arrived], at: int, gate: Gate
) -> Evaluation:
    """Evaluate the condition of a join with what is pending under ``key``."""
    by_input: defaultdict[str, list[Arrived]] = defaultdict(list)
    for arrived in pending:
        by_input[arrived.input].append(arrived)
    found = Evaluation()
    level = trigger.join.mode is Mode.LEVEL

    def part(condition: Input | AtLeast) -> dict[str, Any]:
        if isinstance(condition, AtLeast):
            parts = [part(each) for each in condition.of]
            met = sum(each["met"] and not each.get("optional", False) for each in parts) >= condition.count
            return {"at_least": condition.count, "met": met, "of": parts}
        mine = by_input[condition.id]
        newest = mine[-1] if mine else (latest.get(condition.id) if level else None)
        told: dict[str, Any] = {"input": condition.id, "optional": condition.optional, "updates": len(mine)}
        if newest is None:
            return told | {"met": False, "missing": "an update"}
        told |= {"since": iso(mine[0].at) if mine else None, "latest": newest.data()}
        passed = gate(condition, newest, at)
        if passed.verdict is not Verdict.PASSED:
            if passed.until is not None and passed.until > at:
                found.wakes.append(passed.until)
            if passed.verdict is Verdict.FAILED:
                found.blocked.append((newest, passed))
            return told | {"met": False, "gate": passed.verdict.value, "missing": passed.reason}
        missing = _missing(trigger, condition, key, mine)
        if missing:
            more = f", and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            return told | {"met": False, "missing": ", ".join(missing[:SHOWN]) + more}
        return told | {"met": True}

    found.tree = part(trigger.when)
    # In mode level all is well most of the time; what makes it fire is that something new has come.
    found.met = found.tree["met"] and (not level or bool(pending))
    return found


def _missing(trigger: Trigger, wanted: Input, key: str, mine: Sequence[Arrived]) -> list[str]:
    """Give the finer partitions of a key that have not come."""
    keys = trigger.join.keys
    if keys is None or wanted.grain is None:
        return []
    there = {part for arrived in mine for part in arrived.parts}
    return [part for part in parts_of(key, keys.grain, wanted.grain) if part not in there]


def missing_of(tree: Mapping[str, Any]) -> list[str]:
    """Name the inputs that are missing, as a tree of ``evaluated`` has them."""
    if "input" in tree:
        return [] if tree["met"] or tree["optional"] else [tree["input"]]
    return [] if tree["met"] else [name for each in tree["of"] for name in missing_of(each)]
