"""Triggers as rule files write them: from bodies to the model.

Bodies and errors are as ``triggers.documents`` says. What a trigger names elsewhere, ``triggers.references`` looks at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any, Final

from triggers.action_options import COMMON
from triggers.conditions import (
    Action,
    After,
    AtLeast,
    Blocked,
    Deadline,
    Delivery,
    Gate,
    Guard,
    Input,
    Join,
    Keys,
    Mode,
    Stage,
    Then,
    Trigger,
)
from triggers.errors import RuleError, Step
from triggers.model import Assertions, Due, Grain, KeySource
from triggers.notation import duration, time_of_day
from triggers.parts import Body, each, part
from triggers.routing import OWNER
from triggers.rules import NOBODY
from triggers.selector_documents import calendar_of, missed_of, selector_of
from triggers.zones import zone

GROUPS: Final = ("all", "any", "n_of")

OF_INPUTS: Final = ("id", "optional", "require", "grain")
"""What is said of an input, and means nothing of several together."""

SOURCES: Final = (KeySource.SUBSET, KeySource.NOMINAL)


def trigger_of(body: Body) -> Trigger:
    """Make a trigger."""
    timezone: str = body["timezone"]
    part("timezone", zone, timezone)
    when = part("when", _Conditions().read, body["when"])
    inputs = list(when.inputs())
    join = part("join", lambda given: _join(given, several=len(inputs) > 1), body.get("join", {}))
    guard = part("guard", _guard, body.get("guard", {}))
    missed = part("catch_up", missed_of, body.get("catch_up", {}))
    if "catch_up" in body and "schedule" not in body and join.schedule is None:
        raise RuleError("only what goes by a schedule can be caught up with", "catch_up")
    if "on_blocked" in body and not any(each.gate for each in inputs):
        raise RuleError("nothing is ever held back: no input has require", "on_blocked")
    actions = _actions(body.get("do", ()))
    for number, action in enumerate(actions):
        if action.after is not None and action.after.stage is Stage.LOST and guard.lost_after is None:
            raise RuleError("nothing is lost without guard.lost_after", "do", number, "after")
    return Trigger(
        id=body["id"],
        when=when,
        join=join,
        actions=actions,
        timezone=timezone,
        earliest=part("earliest", time_of_day, body["earliest"]) if "earliest" in body else None,
        schedule=part("schedule", _cron, body["schedule"]) if "schedule" in body else None,
        deadline=part("deadline", _deadline, body["deadline"]) if "deadline" in body else None,
        guard=guard,
        catch_up=missed.policy,
        catch_up_window=missed.window,
        on_blocked=part("on_blocked", _blocked, body["on_blocked"]) if "on_blocked" in body else None,
    )


def receivers(body: Body) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give the targets that a trigger names, each with the path of the place."""
    for number, action in enumerate(body.get("do", ())):
        verb = _verb(action)
        yield ("do", number, verb), action[verb]
    if "on_blocked" in body:
        yield ("on_blocked", "notify"), body["on_blocked"]["notify"]


def expectations(body: Body) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give the expectations that a trigger names, each with the path of the place."""
    for path, given in _inputs(body["when"], ("when",)):
        required = given.get("require", {})
        for number, name in enumerate(required.get("expectation", ())):
            yield (*path, "require", "expectation", number), name


def input_ids(body: Body) -> list[str]:
    """Give the ids of the inputs of a trigger as they are written; those without one are numbered."""
    return [_id(given, number) for number, (_, given) in enumerate(_inputs(body["when"], ("when",)), 1)]


def _id(given: Body, number: int) -> str:
    found: str = given.get("id", f"input-{number}")
    return found


def _inputs(given: Body, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Body]]:
    for group in GROUPS:
        if group in given:
            where = (*path, "n_of", "of") if group == "n_of" else (*path, group)
            parts = given["n_of"]["of"] if group == "n_of" else given[group]
            for number, inner in enumerate(parts):
                yield from _inputs(inner, (*where, number))
            return
    yield path, given


class _Conditions:
    """Reads what is waited for; inputs without an id are numbered as they are written."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._ids: set[str] = set()

    def read(self, given: Body) -> AtLeast:
        """Make what is waited for; one input alone is all of it."""
        found = self._part(given)
        if isinstance(found, AtLeast):
            return found
        if found.optional:
            raise RuleError("the only input cannot be optional: nothing would be waited for", "optional")
        return AtLeast(1, (found,))

    def _part(self, given: Body) -> Input | AtLeast:
        found = [name for name in (*GROUPS, "dataset") if name in given]
        if len(found) != 1:
            raise RuleError("one of all, any, n_of, dataset is needed, and only one")
        if found[0] == "dataset":
            return self._input(given)
        for key in OF_INPUTS:
            if key in given:
                raise RuleError("is said of a dataset, not of several together", key)
        return part(found[0], partial(self._group, found[0]), given[found[0]])

    def _group(self, name: str, given: Any) -> AtLeast:
        parts = each("of", self._part, given) if name == "n_of" else self._parts(given)
        required = [each for each in parts if not (isinstance(each, Input) and each.optional)]
        if not required:
            raise RuleError("one of them must not be optional: nothing would be waited for")
        if name != "n_of":
            return AtLeast(len(required) if name == "all" else 1, parts)
        wanted: int = given["count"]
        if not 1 <= wanted <= len(required):
            raise RuleError(f"of {len(required)} that are not optional there are never {wanted}", "count")
        return AtLeast(wanted, parts)

    def _parts(self, given: list[Body]) -> tuple[Input | AtLeast, ...]:
        return tuple(part(number, self._part, inner) for number, inner in enumerate(given))

    def _input(self, given: Body) -> Input:
        id_ = _id(given, next(self._numbers))
        if id_ in self._ids:
            raise RuleError(f"there is an input {id_!r} already", "id")
        self._ids.add(id_)
        return Input(
            id=id_,
            selector=part("dataset", selector_of, given["dataset"]),
            optional=given.get("optional", False),
            gate=part("require", _gate, given["require"]) if "require" in given else None,
            grain=Grain(given["grain"]) if "grain" in given else None,
        )


def _gate(body: Body) -> Gate:
    if not body:
        raise RuleError("assertions or expectation is needed")
    return Gate(
        part("assertions", _assertions, body["assertions"]) if "assertions" in body else None,
        tuple(body.get("expectation", ())),
    )


def _assertions(body: Body) -> Assertions:
    return Assertions(
        frozenset(body.get("names", ())),
        body.get("severity", "error") == "warn",
        body.get("min_count", 1),
        part("wait", duration, body["wait"]) if "wait" in body else None,
    )


def _join(body: Body, *, several: bool) -> Join:
    if several and "mode" not in body:
        raise RuleError(
            f"mode is needed, as there are several inputs: when do their updates belong together? {', '.join(Mode)}"
        )
    if "tolerance" in body and "schedule" not in body:
        raise RuleError("goes with schedule", "tolerance")
    return Join(
        mode=Mode(body.get("mode", "level")),
        expire=_lasting(body, "expire"),
        within=_lasting(body, "within"),
        schedule=part("schedule", _cron, body["schedule"]) if "schedule" in body else None,
        tolerance=part("tolerance", duration, body.get("tolerance", "0s")),
        keys=part("key", _keys, body["key"]) if "key" in body else None,
    )


def _keys(body: Body) -> Keys:
    return Keys(
        tuple(map(KeySource, body["from"])) if "from" in body else SOURCES,
        Grain(body.get("grain", "day")),
        each("name_pattern", _pattern, body),
    )


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError) as error:
        raise RuleError(f"no regular expression: {error}") from error
    return text


def _deadline(body: Body) -> Deadline:
    return Deadline(
        Then(body["then"]),
        at=part("at", time_of_day, body["at"]) if "at" in body else None,
        after=_lasting(body, "after"),
        calendar=part("calendar", calendar_of, body["calendar"]) if "calendar" in body else None,
    )


def _guard(body: Body) -> Guard:
    debounce, fires = body.get("debounce", {}), body.get("max_fires")
    return Guard(
        quiet=part("debounce", lambda given: _lasting(given, "quiet"), debounce),
        max_wait=part("debounce", lambda given: _lasting(given, "max_wait"), debounce),
        cooldown=_lasting(body, "cooldown"),
        max_in_flight=body.get("max_in_flight"),
        lost_after=_lasting(body, "lost_after"),
        max_fires=None if fires is None else fires["count"],
        per=None if fires is None else part("max_fires", lambda given: _lasting(given, "per"), fires),
        max_chain=body.get("max_chain", Guard().max_chain),
    )


def _actions(given: Any) -> tuple[Action, ...]:
    ids: set[str] = set()
    # What is named is named so wherever it stands; the others get what is left.
    named = {action["id"] for action in given if "id" in action}

    def make(body: Body) -> Action:
        verb = _verb(body)
        target: str = body[verb]
        part(verb, _named, target)
        id_: str = body.get("id") or _free(target, ids | named)
        ids.add(id_)
        job = body.get("job")
        options = {key: value for key, value in body.items() if key not in COMMON}
        if job is not None:
            # The name of a node of the graph is the one that Dagster knows the job by.
            options["job"] = job if isinstance(job, str) else job["name"]
        return Action(
            id=id_,
            target=target,
            starts=verb == "start",
            options=options,
            after=part("after", _after, body["after"]) if "after" in body else None,
            delivery=Delivery(body.get("delivery", Delivery.AT_LEAST_ONCE)),
            job=None if job is None or isinstance(job, str) else (job["namespace"], job["name"]),
        )

    return each("do", make, {"do": given})


def _verb(action: Body) -> str:
    found = [verb for verb in ("start", "notify") if verb in action]
    if len(found) != 1:
        raise RuleError("start or notify is needed, and only one")
    return found[0]


def _free(target: str, taken: set[str]) -> str:
    numbers = count(2)
    id_ = target
    while id_ in taken:
        id_ = f"{target}-{next(numbers)}"
    return id_


def _after(text: str) -> After:
    action, _, stage = text.rpartition(".")
    if not action or stage not in [each.value for each in Stage]:
        raise RuleError(f"write ACTION.STAGE, where STAGE is one of {', '.join(Stage)}: {text!r}")
    return After(action, Stage(stage))


def _blocked(body: Body) -> Blocked:
    part("notify", _named, body["notify"])
    return Blocked(body["notify"], body.get("text"))


def _named(target: str) -> None:
    if target in (OWNER, NOBODY) or target.startswith(f"{OWNER}:"):
        raise RuleError(f"{target!r} means something in routes only; name a target")


def _cron(text: str) -> str:
    Due(cron=text)  # raises where it is none
    return text


def _lasting(body: Body, key: str) -> int | None:
    """Read a length of time that is more than nothing."""
    if key not in body:
        return None
    length = part(key, duration, body[key])
    if length <= 0:
        raise RuleError("must be more than nothing", key)
    return length
