"""What history says about triggers: what they will wait for in vain, and what sets itself off."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from collector.questions.remarks import (
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
from collector.questions.trigger_loops import loops
from collector.storage.catalog import names_of
from collector.storage.described import described
from collector.storage.selection import members
from collector.storage.update_history import checked, known, last_updated, names, updates_since
from lineage.runs import Update
from triggers.arrivals import keys_of
from triggers.breaches import Described
from triggers.conditions import Input, Trigger
from triggers.rules import RuleSet

SHOWN = 3
"""Datasets that one remark names."""


def trigger_remarks(conn: Connection, rules: RuleSet, now: int) -> Iterator[Remark]:
    """Hold triggers against what was recorded up to ``now`` (µs UTC)."""
    if not rules.triggers:
        return
    inputs = {
        (trigger.id, wanted.id): wanted
        for trigger in rules.triggers.values()
        for wanted in trigger.inputs.values()
    }
    found = members(conn, {"/".join(each): wanted.selector for each, wanted in inputs.items()})
    bindings = {each: found["/".join(each)] for each in inputs}
    gates = {name for each in inputs.values() if each.gate for name in each.gate.expectations}
    expected = members(conn, {name: rules.expectations[name].selector for name in gates})
    history = _read(conn, {id_ for ids in (*bindings.values(), *expected.values()) for id_ in ids}, now)
    for (trigger_id, _), wanted in inputs.items():
        trigger, ids = rules.triggers[trigger_id], bindings[trigger_id, wanted.id]
        for severity, text in (
            *_datasets(conn, trigger, wanted, ids, history),
            *_gate(wanted, ids, expected, history),
        ):
            # Nothing waits for what is optional.
            gravity = "note" if wanted.optional else severity
            yield Remark(gravity, f"trigger {trigger_id}", f"input {wanted.id}: {text}")
    if history.left_out:
        text = f"{history.left_out:,} datasets were not held against history; {MOST_DATASETS:,} were"
        yield Remark("note", "triggers", text)
    # What is optional fires nothing.
    yield from loops(conn, rules, {each: ids for each, ids in bindings.items() if not inputs[each].optional})


@dataclass(frozen=True, slots=True)
class _History:
    """What is known, by canonical id."""

    now: int
    described: Mapping[int, Described]
    known: Collection[int]
    last: Mapping[int, int]
    updates: Mapping[int, Sequence[Update]]
    checked: Collection[int]
    left_out: int
    refs: Sequence[tuple[str, str]]

    def names(self, ids: Collection[int]) -> str:
        """Name datasets, the first of many."""
        found = sorted(self.described[id_].name for id_ in ids if id_ in self.described)
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return ", ".join(found[:SHOWN]) + more


def _read(conn: Connection, ids: Collection[int], now: int) -> _History:
    found = sorted(ids)
    ids = found[:MOST_DATASETS]
    seen = known(conn, found)
    return _History(
        now,
        described(conn, found),
        seen,
        last_updated(conn, found),
        updates_since(conn, ids, now - LOOKED_BACK),
        checked(conn, found),
        len(found) - len(ids),
        names(conn, MOST_NAMES) if len(seen) < len(found) else (),
    )


def _datasets(
    conn: Connection, trigger: Trigger, wanted: Input, ids: Collection[int], history: _History
) -> Found:
    if not ids:
        yield "warning", f"there is no dataset with {written(wanted.selector)}"
    for id_ in sorted(ids):
        if id_ not in history.known:
            yield "warning", unseen(wanted.selector, history.refs)
            continue
        name, updates = history.described[id_].name, history.updates.get(id_, ())
        last = history.last.get(id_)
        if last is None:
            yield "warning", f"{name}: no run has ever written it"
            continue
        if pause := forgotten(updates, last, history.now):
            yield "warning", f"{name}: {pause}"
        recent = updates[-RECENT:]
        if trigger.join.keys is not None and recent:
            # A partition may stand in the name under which it was written.
            own = names_of(conn, "dataset", [each.dataset_id for each in recent], visible=None)
            called = [own[each.dataset_id].name if each.dataset_id in own else name for each in recent]
            keyed = sum(
                bool(keys_of(trigger, wanted, each, text, each.received_at))
                for each, text in zip(recent, called, strict=True)
            )
            if keyed < len(recent):
                text = f"{keyed} of its last {len(recent)} updates say which partition they wrote"
                yield share(keyed), f"{name}: {text}"


def _gate(
    wanted: Input, ids: Collection[int], expected: Mapping[str, Collection[int]], history: _History
) -> Found:
    gate = wanted.gate
    if gate is None:
        return
    if gate.assertions is not None:
        for id_ in sorted(history.last.keys() & set(ids) - set(history.checked)):
            name = history.described[id_].name
            yield (
                "warning",
                f"{name}: no result of a check is known, and without one the gate lets nothing through",
            )
    for expectation in gate.expectations:
        others = expected[expectation]
        if not others:
            yield "warning", f"expectation {expectation} is on no dataset, and holds nothing back"
        elif ids and not set(ids) & set(others):
            yield "note", f"expectation {expectation} is on other datasets: {history.names(others)}"
