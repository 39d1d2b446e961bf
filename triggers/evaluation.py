"""Whether what a trigger waits for is there: the condition of a join at one instant, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from lineage.instants import iso
from triggers.arrivals import WHOLE, Arrived, parts_of
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
    """The updates that a gate lets not through."""
    wakes: list[int] = field(default_factory=list)
    """When a gate decides otherwise by itself (µs UTC)."""
    aside: set[tuple[str, str]] = field(default_factory=set)
    """(input, update) of those that do not count: a gate holds them back, or those that came in their place."""

    def counting(self, pending: Sequence[Arrived]) -> list[Arrived]:
        """Leave out what does not count."""
        return [each for each in pending if (each.input, each.update) not in self.aside]


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
        told: dict[str, Any] = {"input": condition.id, "optional": condition.optional, "updates": len(mine)}
        if not mine and level and condition.id in latest:
            mine = [latest[condition.id]]
        if not mine:
            return told | {"met": False, "missing": "an update"}
        told |= {"since": iso(mine[0].at) if told["updates"] else None, "latest": mine[-1].data()}
        there, refused = _let_through(condition, mine, at, gate, found)
        missing = _missing(trigger, condition, key, there)
        if refused is not None and (missing or not there):
            return told | {"met": False, "gate": refused.verdict.value, "missing": refused.reason}
        if missing:
            more = f", and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            return told | {"met": False, "missing": ", ".join(missing[:SHOWN]) + more}
        return told | {"met": True}

    found.tree = part(trigger.when)
    # In mode level all is well most of the time; what makes it fire is that something new has come.
    new = any(not trigger.inputs[each.input].optional for each in found.counting(pending))
    found.met = found.tree["met"] and (not level or new)
    return found


def _let_through(
    wanted: Input, mine: Sequence[Arrived], at: int, gate: Gate, found: Evaluation
) -> tuple[set[str], Passed | None]:
    """Give the partitions that are there, and what the gate says where it lets something not through.

    What counts of each dataset, and of each of its partitions, is the newest: it came in the place of those before.
    """
    if wanted.gate is None:
        return {part for arrived in mine for part in arrived.parts or (WHOLE,)}, None
    newest = {(each.dataset_id, part): each for each in mine for part in each.parts or (WHOLE,)}
    passes = {each.update: gate(wanted, each, at) for each in dict.fromkeys(newest.values())}
    there = {part for (_, part), each in newest.items() if passes[each.update].verdict is Verdict.PASSED}
    refused: Passed | None = None
    for each in dict.fromkeys(newest.values()):
        passed = passes[each.update]
        if passed.verdict is Verdict.PASSED:
            continue
        refused = passed if refused is None or passed.verdict is Verdict.FAILED else refused
        if passed.until is not None and passed.until > at:
            found.wakes.append(passed.until)
        if passed.verdict is Verdict.FAILED:
            found.blocked.append((each, passed))
    for each in mine:
        slots = ((each.dataset_id, part) for part in each.parts or (WHOLE,))
        if any(passes[newest[slot].update].verdict is not Verdict.PASSED for slot in slots):
            found.aside.add((each.input, each.update))
    return there, refused


def _missing(trigger: Trigger, wanted: Input, key: str, there: Collection[str]) -> list[str]:
    """Give the finer partitions of a key that have not come."""
    keys = trigger.join.keys
    if keys is None or wanted.grain is None:
        return []
    return [part for part in parts_of(key, keys.grain, wanted.grain, trigger.timezone) if part not in there]


def missing_of(tree: Mapping[str, Any]) -> list[str]:
    """Name the inputs that are missing, as a tree of ``evaluated`` has them."""
    if "input" in tree:
        return [] if tree["met"] or tree["optional"] else [tree["input"]]
    return [] if tree["met"] else [name for each in tree["of"] for name in missing_of(each)]
