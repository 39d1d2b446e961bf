"""What would change if rules were put in place of those that run: what they are on, and what they would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from sqlalchemy import Connection

from collector.questions.replay import NOBODY_WATCHES, Replayed, Watch, replay
from collector.questions.trigger_replay import expectations_of
from collector.storage import rules
from collector.storage.described import described
from collector.storage.selection import members
from triggers.breaches import Described
from triggers.documents import Row, ruleset_of
from triggers.rules import RuleSet
from triggers.trigger_replay import Course

Rule = tuple[str, str]
"""(kind, id)."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A rule that is not what it was."""

    kind: str
    id: str
    keys: Sequence[str]
    """Its keys that are new, gone, or have another value; of those with parts, the parts: ``due.at``."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An expectation, and a dataset that it is on."""

    expectation: str
    dataset: Described


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change. Bindings of rules that come or go are among those gained or lost."""

    added: Sequence[Rule]
    changed: Sequence[Changed]
    removed: Sequence[Rule]
    unchanged: int
    gained: Sequence[Binding]
    lost: Sequence[Binding]
    before: Replayed | None = None
    """What the expectations said that would change or go; None: not asked for."""
    after: Replayed | None = None
    """What they would have said, and those that come."""

    @property
    def triggers(self) -> list[Compared] | None:
        """How often triggers that come, change or go would have fired; None: not asked for."""
        if self.before is None or self.after is None:
            return None
        old, new = ({each.trigger.id: each for each in found.triggers} for found in (self.before, self.after))
        return [_compared(id_, old.get(id_), new.get(id_)) for id_ in sorted(old.keys() | new.keys())]


@dataclass(frozen=True, slots=True)
class Compared:
    """How often a trigger would have fired by two rule sets; None: it is in one of them only."""

    trigger: str
    before: int | None
    after: int | None
    same: int
    """How often of these under the same key, on the same inputs."""


def _compared(id_: str, old: Course | None, new: Course | None) -> Compared:
    was, will = (
        Counter((each.key, each.consumed_json()) for each in (course.firings if course else ()))
        for course in (old, new)
    )
    same = (was & will).total()
    return Compared(id_, None if old is None else was.total(), None if new is None else will.total(), same)


@dataclass(frozen=True, slots=True)
class Span:
    """What to replay: from when until when (µs UTC)."""

    since: int
    until: int
    watch: Watch = NOBODY_WATCHES


def plan(conn: Connection, wanted: Iterable[Row], span: Span | None = None) -> Plan:
    """Compare rules with those in force; with a span, replay both as far as they differ."""
    after = {(row.kind, row.id): row for row in wanted}
    before = {(row.kind, row.id): row for row in rules.bodies(conn)}
    if before.keys() == {ALERTING} and ALERTING not in after:
        before = {}
    changed = [
        Changed(*key, keys)
        for key in sorted(before.keys() & after.keys())
        if (keys := sorted(_differing(before[key].body, after[key].body)))
    ]
    old, new = ruleset_of(before.values()), ruleset_of(after.values())
    was, will = _bindings(conn, old), _bindings(conn, new)
    names = described(conn, {dataset_id for _, dataset_id in was ^ will})

    def shown(pairs: set[tuple[str, int]], ruleset: RuleSet) -> list[Binding]:
        def name(expectation: str, dataset_id: int) -> Described:
            selector = ruleset.expectations[expectation].selector
            return names.get(dataset_id) or Described(selector.namespace or "", selector.name or "")

        found = [Binding(expectation, name(expectation, id_)) for expectation, id_ in pairs]
        return sorted(found, key=lambda each: (each.expectation, each.dataset.namespace, each.dataset.name))

    found = Plan(
        sorted(after.keys() - before.keys()),
        changed,
        sorted(before.keys() - after.keys()),
        len(before.keys() & after.keys()) - len(changed),
        shown(will - was, new),
        shown(was - will, old),
    )
    if span is None:
        return found
    touched = {each.id for each in changed if each.kind == "expectation"}
    touched |= {id_ for kind, id_ in (*found.added, *found.removed) if kind == "expectation"}
    touched |= {expectation for expectation, _ in was ^ will}
    kinds = {kind for kind, _ in _kinds(found)}
    if kinds - {"expectation", "trigger"}:
        # Who is told, and when, depends on all of them.
        touched = {*old.expectations, *new.expectations}
    started = {id_ for kind, id_ in _kinds(found) if kind == "trigger"}
    for id_, trigger in chain(old.triggers.items(), new.triggers.items()):
        if "window" in kinds or expectations_of([trigger]) & touched:
            started.add(id_)
    return replace(
        found,
        before=replay(conn, only(old, touched, started), span.since, span.until, span.watch),
        after=replay(conn, only(new, touched, started), span.since, span.until, span.watch),
    )


ALERTING: Rule = ("alerting", "")


def _kinds(found: Plan) -> Iterable[Rule]:
    yield from found.added
    yield from found.removed
    yield from ((each.kind, each.id) for each in found.changed)


def only(ruleset: RuleSet, ids: set[str], started: set[str]) -> RuleSet:
    """Leave these expectations and triggers, and the expectations that gates of these ask for."""
    triggers = {id_: each for id_, each in ruleset.triggers.items() if id_ in started}
    ids = ids | expectations_of(triggers.values())
    expectations = {id_: each for id_, each in ruleset.expectations.items() if id_ in ids}
    return replace(ruleset, expectations=expectations, triggers=triggers)


def _bindings(conn: Connection, ruleset: RuleSet) -> set[tuple[str, int]]:
    found = members(conn, {id_: each.selector for id_, each in ruleset.expectations.items()})
    return {(id_, dataset_id) for id_, ids in found.items() for dataset_id in ids}


def _differing(before: object, after: object, path: str = "") -> set[str]:
    """Give the paths of the parts in which two bodies differ."""
    if before == after:
        return set()
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return {path}
    return {
        found
        for key in before.keys() | after.keys()
        for found in _differing(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    }
