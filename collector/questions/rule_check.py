"""What history says about rules: what cannot work, what cannot be kept, and what nobody will ever hear of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from collector.questions.remarks import (
    DAY,
    LOOKED_BACK,
    MOST_DATASETS,
    MOST_NAMES,
    RECENT,
    Found,
    Remark,
    forgotten,
    share,
    unseen,
    written,
)
from collector.questions.trigger_check import trigger_remarks
from collector.storage.described import described
from collector.storage.selection import members
from collector.storage.update_history import (
    checked,
    known,
    last_updated,
    names,
    updates_since,
    with_schema,
)
from lineage.runs import Update
from triggers.breaches import Described
from triggers.deadlines import end_of
from triggers.facts import Facts
from triggers.habits import quantile
from triggers.model import (
    Assertions,
    Due,
    Expectation,
    MaxAge,
    SchemaUnchanged,
    Volume,
)
from triggers.outcomes import Outcome, outcomes
from triggers.partitions import key_of
from triggers.rules import RuleSet
from triggers.sentences import DAYS, duration
from triggers.zones import local, zone

MINUTE = 60_000_000

SOON = 30 * DAY
"""Before the end of a calendar."""

IN_TIME = 0.95
"""Share of past updates that should have met a deadline."""

LEAST = 10
"""Releases from which on history is held against a deadline; of one day of the week, LEAST_OF_DAY."""

LEAST_OF_DAY = 4


def check(conn: Connection, rules: RuleSet, now: int) -> list[Remark]:
    """Hold rules against what was recorded up to ``now`` (µs UTC); the gravest remarks first."""
    bindings = members(conn, {id_: each.selector for id_, each in rules.expectations.items()})
    history = _read(conn, bindings, now)
    remarks: list[Remark] = []
    for expectation in rules.expectations.values():
        found = _of(expectation, bindings[expectation.id], history)
        remarks += [Remark(severity, f"expectation {expectation.id}", text) for severity, text in found]
    if history.left_out:
        text = f"{history.left_out:,} datasets were not held against history; {MOST_DATASETS:,} were"
        remarks.append(Remark("note", "expectations", text))
    remarks += [*trigger_remarks(conn, rules, now), *_routes(rules)]
    rank = {"error": 0, "warning": 1, "note": 2}
    return sorted(remarks, key=lambda remark: (rank[remark.severity], remark.rule, remark.text))


@dataclass(frozen=True, slots=True)
class _History:
    """What is known, by canonical id."""

    now: int
    described: Mapping[int, Described]
    known: Collection[int]
    last: Mapping[int, int]
    updates: Mapping[int, Sequence[Update]]
    """Of LOOKED_BACK; none of those left out."""
    checked: Collection[int]
    with_schema: Collection[int]
    left_out: int
    refs: Sequence[tuple[str, str]]
    """All names there are, or many; none if all that the rules name have been seen."""


def _read(conn: Connection, bindings: Mapping[str, set[int]], now: int) -> _History:
    found = sorted({id_ for ids in bindings.values() for id_ in ids})
    ids = found[:MOST_DATASETS]
    seen = known(conn, found)
    return _History(
        now,
        described(conn, found),
        seen,
        last_updated(conn, found),
        updates_since(conn, ids, now - LOOKED_BACK),
        checked(conn, found),
        with_schema(conn, found),
        len(found) - len(ids),
        names(conn, MOST_NAMES) if len(seen) < len(found) else (),
    )


def _of(expectation: Expectation, ids: Collection[int], history: _History) -> Found:
    yield from _calendar(expectation, history.now)
    if not ids:
        yield "warning", f"there is no dataset with {written(expectation.selector)}"
    for id_ in sorted(ids):
        if id_ not in history.known:
            yield "warning", unseen(expectation.selector, history.refs)
            continue
        name = history.described[id_].name
        for severity, text in _dataset(expectation, id_, history):
            yield severity, f"{name}: {text}"


def _calendar(expectation: Expectation, now: int) -> Found:
    condition = expectation.condition
    calendar = None
    if isinstance(condition, Due):
        calendar = condition.calendar
    elif isinstance(condition, MaxAge) and condition.within is not None:
        calendar = condition.within.calendar
    end = end_of(calendar, expectation.timezone)
    if calendar is None or end is None:
        return
    if end <= now:
        yield (
            "error",
            f"calendar {calendar.id!r} has ended with {calendar.valid_until}: nothing is judged any more",
        )
    elif end <= now + SOON:
        yield (
            "warning",
            f"calendar {calendar.id!r} ends with {calendar.valid_until}; nothing is judged after it",
        )


# --- what is known of a dataset --------------------------------------------------------------------------------


def _dataset(expectation: Expectation, id_: int, history: _History) -> Found:
    condition, last = expectation.condition, history.last.get(id_)
    updates = history.updates.get(id_, ())
    if isinstance(condition, SchemaUnchanged):
        if id_ not in history.with_schema:
            yield "warning", "nobody tells of its schema"
        return
    if isinstance(condition, Assertions):
        if id_ not in history.checked:
            yield "warning", "no result of a check is known"
        if condition.wait is None:
            return
    if last is None:
        yield "warning", "no run has ever written it"
        return
    if pause := forgotten(updates, last, history.now):
        yield "warning", pause
    recent = updates[-RECENT:]
    if isinstance(condition, Volume):
        told = sum(update.rows is not None for update in recent)
        if recent and told < len(recent):
            yield share(told), f"{told} of its last {len(recent)} updates tell of rows"
        return
    partition = expectation.partition
    if partition is not None and recent:
        keyed = sum(key_of(update, partition, expectation.timezone) is not None for update in recent)
        if keyed < len(recent):
            yield share(keyed), f"{keyed} of its last {len(recent)} updates say which partition they wrote"
        if not keyed:
            return
    if isinstance(condition, Due | MaxAge):
        yield from _deadlines(expectation, updates, history.now)


def _deadlines(expectation: Expectation, updates: Sequence[Update], now: int) -> Found:
    """Hold a deadline against when updates came, each day of the week by itself."""
    past = [
        each
        for each in outcomes(expectation, Facts(updates), now - LOOKED_BACK, now)
        if each.arrived is not None
    ]
    if len(past) < LEAST:
        return
    if isinstance(expectation.condition, MaxAge):
        if needed := _needed(past):
            met = sum(each.met for each in past)
            told = f"{met} of {len(past)} pauses were short enough"
            yield "warning", f"{told}; with {duration(needed)} more it would be {IN_TIME * 100:.0f} %"
        return
    by_day: dict[int, list[Outcome]] = defaultdict(list)
    for each in past:
        by_day[local(each.release, zone(expectation.timezone)).weekday()].append(each)
    bad = {day: mine for day, mine in by_day.items() if len(mine) >= LEAST_OF_DAY and _needed(mine)}
    if _needed(past) and not 0 < len(bad) <= len(by_day) / 2:
        yield "warning", _missed("", past)
        return
    for day, mine in sorted(bad.items()):
        yield "warning", _missed(f"on {DAYS[day]}s ", mine)


def _missed(when: str, past: Sequence[Outcome]) -> str:
    met = sum(each.met for each in past)
    later = duration(_needed(past))
    return f"{when}{met} of {len(past)} deadlines were met; {IN_TIME * 100:.0f} % come by {later} later"


def _needed(past: Sequence[Outcome]) -> int:
    """Give how much later (µs) the deadlines must be that nearly all of them are met; 0 if they are."""
    behind = sorted(each.arrived - each.deadline for each in past if each.arrived is not None)
    late = sum(not each.met for each in past)
    # Once is chance, however few they are.
    if late <= max(1, (1 - IN_TIME) * len(past)):
        return 0
    return max(1, -(-quantile(behind, IN_TIME) // MINUTE)) * MINUTE


# --- routes ----------------------------------------------------------------------------------------------------


def _routes(rules: RuleSet) -> Iterator[Remark]:
    """Find routes that no alert takes: an earlier one takes all that they would, or there are none such."""
    routes = rules.policy.routes
    severities = {each.severity.value for each in rules.expectations.values()}
    for place, route in enumerate(routes):
        rule = f"route {route.name}"
        for earlier in routes[:place]:
            if earlier.affected == route.affected and set(earlier.matchers) <= set(route.matchers):
                yield Remark("warning", rule, f"nothing reaches it: {earlier.name} takes all that it matches")
                break
        for matcher in route.matchers:
            known_values = {"severity": severities, "rule": set(rules.expectations)}.get(matcher.label)
            if known_values is None or matcher.negative:
                continue
            if not any(matcher.pattern.fullmatch(value) for value in known_values):
                yield Remark("note", rule, f"no expectation has {matcher.label} {matcher.value!r}")
    used = {receiver for route in routes for receiver in route.to}
    used |= {*rules.policy.owners.values(), rules.policy.default}
    for trigger in rules.triggers.values():
        used |= {action.target for action in trigger.actions}
        used |= {trigger.on_blocked.target} if trigger.on_blocked else set()
    for target in sorted(rules.targets.keys() - used):
        yield Remark("note", f"target {target}", "no route leads to it, and no trigger names it")
