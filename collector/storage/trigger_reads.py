"""Triggers for those who look: how they stand, and what has come of what they wait for. Times in µs UTC."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, exists, func, select, true

from collector.storage.freshness_tables import rule
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import dataset
from collector.storage.trigger_tables import trigger_binding, trigger_join, trigger_state
from collector.storage.visibility import Visible, within
from triggers.joins import Standing

KIND: Final = "trigger"
"""The kind of rule."""

OPEN: Final = (Standing.BLOCKED, Standing.HELD, Standing.WAITING)
"""Of joins for which something has come, and which have not fired yet; what needs people most comes first."""


class TriggerState(StrEnum):
    """How a trigger stands as a whole."""

    PAUSED = "paused"
    """By somebody, until somebody resumes it."""
    BROKEN = "broken"
    """It fired too often, and waits to be resumed."""
    BLOCKED = "blocked"
    """A gate holds back what came for one of its joins."""
    HELD = "held"
    """One of its joins is complete, and something else holds it back."""
    WAITING = "waiting"
    """Something has come for one of its joins, and something is missing."""
    IDLE = "idle"
    """Nothing has come since it last fired."""
    NEW = "new"
    """The engine does not follow it yet."""


_BY_RANK: Final = {rank: standing.value for rank, standing in enumerate(OPEN)}


@dataclass(frozen=True, slots=True)
class JoinRow:
    """What has come of what a trigger waits for, under one key."""

    trigger_id: str
    key: str
    standing: Standing
    begun_at: int | None
    next_at: int | None
    """When time alone changes something; None: nothing changes by itself, or it is to be looked at now."""
    due: bool
    """It is to be looked at now."""
    overdue_at: int | None
    """The deadline that has passed, while it is incomplete."""
    changed_at: int
    complete_at: int | None
    fired_at: int | None
    fired: int
    """How often."""
    pending: int
    """Updates that came and are not consumed, also those that are not looked at yet."""
    tree: dict[str, Any] | None
    """The condition when it was last evaluated; None: it was not yet."""
    holds: list[dict[str, Any]]
    """What holds it back."""


@dataclass(frozen=True, slots=True)
class TriggerRow:
    """A trigger, and how it stands."""

    id: str
    body: dict[str, Any]
    """As the rules have it."""
    state: TriggerState
    since: int | None = None
    """When the engine first followed it."""
    paused_at: int | None = None
    paused_by: str | None = None
    paused_reason: str | None = None
    broken_at: int | None = None
    unkeyed: int = 0
    """Updates that did not say which partition they wrote."""
    unkeyed_at: int | None = None
    failing_since: int | None = None
    failing: str | None = None
    joins: Mapping[Standing, int] = field(default_factory=dict)
    """How many stand how."""
    overdue: int = 0
    """Joins that a deadline has passed."""
    foremost: JoinRow | None = None
    """Of the joins that are open the one that needs most to be looked at."""


def list_triggers(
    conn: Connection,
    visible: Visible,
    states: Collection[TriggerState] | None,
    *,
    after: Key | None,
    limit: int,
) -> Page[TriggerRow]:
    """List triggers by id; those of which the caller may see no dataset are left out."""
    state = _state()
    statement = (
        select(rule.c.id, rule.c.body, state.label("state"), *_OWN)
        .join_from(rule, trigger_state, trigger_state.c.trigger_id == rule.c.id, isouter=True)
        .where(rule.c.kind == KIND, may_see(rule.c.id, visible))
    )
    if states is not None:
        statement = statement.where(state.in_([each.value for each in states]))
    page = cut(
        conn.execute(ordered(statement, (rule.c.id,), after, limit)).all(), limit, lambda row: (row.id,)
    )
    return Page(_triggers(conn, page.items), page.next)


def count_triggers(conn: Connection, visible: Visible) -> dict[str, int]:
    """Count the triggers of which the caller may see something by how they stand."""
    mine = (
        select(_state().label("state"))
        .join_from(rule, trigger_state, trigger_state.c.trigger_id == rule.c.id, isouter=True)
        .where(rule.c.kind == KIND, may_see(rule.c.id, visible))
        .subquery()
    )
    rows = conn.execute(select(mine.c.state, func.count().label("triggers")).group_by(mine.c.state))
    return {row.state: row.triggers for row in rows}


def find_trigger(conn: Connection, trigger_id: str, visible: Visible) -> TriggerRow | None:
    """Look a trigger up; None also for one of which the caller may see nothing."""
    found = conn.execute(
        select(rule.c.id, rule.c.body, _state().label("state"), *_OWN)
        .join_from(rule, trigger_state, trigger_state.c.trigger_id == rule.c.id, isouter=True)
        .where(rule.c.kind == KIND, rule.c.id == trigger_id, may_see(rule.c.id, visible))
    ).all()
    return next(iter(_triggers(conn, found)), None)


def trigger_ids(conn: Connection, visible: Visible) -> list[str]:
    """Give the ids of all triggers of which the caller may see something."""
    return list(
        conn.execute(select(rule.c.id).where(rule.c.kind == KIND, may_see(rule.c.id, visible))).scalars()
    )


def states_of(conn: Connection, ids: Collection[str], visible: Visible) -> dict[str, TriggerState]:
    """Tell how those of these triggers stand that the caller may see, by id."""
    if not ids:
        return {}
    rows = conn.execute(
        select(rule.c.id, _state())
        .join_from(rule, trigger_state, trigger_state.c.trigger_id == rule.c.id, isouter=True)
        .where(rule.c.kind == KIND, rule.c.id.in_(ids), may_see(rule.c.id, visible))
        .order_by(rule.c.id)
    )
    return {id_: TriggerState(state) for id_, state in rows}


def list_joins(
    conn: Connection,
    trigger_id: str,
    standings: Collection[Standing] | None = None,
    key: str | None = None,
    *,
    after: Key | None,
    limit: int,
) -> Page[JoinRow]:
    """List the joins of a trigger, those in which something changed last first."""
    statement = select(trigger_join).where(trigger_join.c.trigger_id == trigger_id)
    if standings is not None:
        statement = statement.where(trigger_join.c.state.in_([each.value for each in standings]))
    if key is not None:
        statement = statement.where(trigger_join.c.key == key)
    order = (trigger_join.c.changed_at, trigger_join.c.key)
    rows = conn.execute(ordered(statement, order, after, limit, newest=True)).all()
    return cut(rows, limit, lambda row: (row.changed_at, row.key)).map(_join)


def bound(conn: Connection, trigger_id: str) -> dict[str, list[int]]:
    """Give the datasets (canonical ids) that each input of a trigger waits for, of those that wait for any."""
    found: dict[str, list[int]] = defaultdict(list)
    mine = select(trigger_binding.c.input_id, trigger_binding.c.dataset_id).where(
        trigger_binding.c.trigger_id == trigger_id
    )
    for row in conn.execute(mine.order_by(trigger_binding.c.input_id, trigger_binding.c.dataset_id)):
        found[row.input_id].append(row.dataset_id)
    return found


def seen_inputs(conn: Connection, ids: Collection[str], visible: Visible) -> dict[str, frozenset[str]]:
    """Give, for each of these triggers, the inputs of which the caller may see a dataset."""
    found: dict[str, set[str]] = defaultdict(set)
    rows = conn.execute(
        select(trigger_binding.c.trigger_id, trigger_binding.c.input_id)
        .join_from(trigger_binding, dataset, dataset.c.canonical_id == trigger_binding.c.dataset_id)
        .where(trigger_binding.c.trigger_id.in_(ids), within(dataset.c.namespace_id, visible))
        .distinct()
    )
    for row in rows:
        found[row.trigger_id].add(row.input_id)
    return {trigger_id: frozenset(inputs) for trigger_id, inputs in found.items()}


def may_see(trigger_id: ColumnElement[str], visible: Visible) -> ColumnElement[bool]:
    """Give the condition that the caller may see a dataset that a trigger waits for."""
    if visible is None:
        return true()
    same = dataset.c.canonical_id == trigger_binding.c.dataset_id
    return exists().where(
        trigger_binding.c.trigger_id == trigger_id, same, within(dataset.c.namespace_id, visible)
    )


_OWN: Final = tuple(column for column in trigger_state.c if column.name in TriggerRow.__slots__)


def _state() -> ColumnElement[str]:
    """Give how a trigger, a row of ``rule`` joined with ``trigger_state``, stands as a whole."""
    rank = case({standing.value: number for number, standing in enumerate(OPEN)}, value=trigger_join.c.state)
    worst = select(func.min(rank)).where(trigger_join.c.trigger_id == rule.c.id).correlate(rule)
    return case(
        (trigger_state.c.trigger_id.is_(None), TriggerState.NEW.value),
        (trigger_state.c.paused_at.is_not(None), TriggerState.PAUSED.value),
        (trigger_state.c.broken_at.is_not(None), TriggerState.BROKEN.value),
        else_=case(_BY_RANK, value=worst.scalar_subquery(), else_=TriggerState.IDLE.value),
    )


def _triggers(conn: Connection, rows: Sequence[Any]) -> list[TriggerRow]:
    ids = [row.id for row in rows]
    counts, overdue = _tallies(conn, ids)
    foremost = _foremost(conn, ids)
    return [
        TriggerRow(
            id=row.id,
            body=json.loads(row.body),
            state=TriggerState(row.state),
            **{column.name: getattr(row, column.name) for column in _OWN} | {"unkeyed": row.unkeyed or 0},
            joins=counts.get(row.id, {}),
            overdue=overdue.get(row.id, 0),
            foremost=foremost.get(row.id),
        )
        for row in rows
    ]


def _tallies(conn: Connection, ids: Sequence[str]) -> tuple[dict[str, dict[Standing, int]], dict[str, int]]:
    counts: dict[str, dict[Standing, int]] = defaultdict(dict)
    overdue: dict[str, int] = defaultdict(int)
    key = (trigger_join.c.trigger_id, trigger_join.c.state)
    late = func.count(trigger_join.c.overdue_at).label("late")
    grouped = select(*key, func.count().label("joins"), late).where(trigger_join.c.trigger_id.in_(ids))
    for row in conn.execute(grouped.group_by(*key)):
        counts[row.trigger_id][Standing(row.state)] = row.joins
        overdue[row.trigger_id] += row.late
    return counts, overdue


def _foremost(conn: Connection, ids: Sequence[str]) -> dict[str, JoinRow]:
    """Give, of each trigger, the open join to look at first: overdue, then blocked, held, waiting; the oldest."""
    rank = case({standing.value: number for number, standing in enumerate(OPEN)}, value=trigger_join.c.state)
    order = (case((trigger_join.c.overdue_at.is_not(None), 0), else_=1), rank, trigger_join.c.begun_at)
    place = func.row_number().over(
        partition_by=trigger_join.c.trigger_id, order_by=(*order, trigger_join.c.key)
    )
    open_ = trigger_join.c.state.in_([standing.value for standing in OPEN])
    ranked = (
        select(trigger_join.c.trigger_id, trigger_join.c.key, place.label("place"))
        .where(trigger_join.c.trigger_id.in_(ids), open_)
        .subquery()
    )
    same = (trigger_join.c.trigger_id == ranked.c.trigger_id) & (trigger_join.c.key == ranked.c.key)
    rows = conn.execute(select(trigger_join).join_from(ranked, trigger_join, same).where(ranked.c.place == 1))
    return {row.trigger_id: _join(row) for row in rows}


def _join(row: Any) -> JoinRow:
    body, told = json.loads(row.body), json.loads(row.tree)
    state = body["state"]
    return JoinRow(
        row.trigger_id,
        row.key,
        Standing(row.state),
        row.begun_at,
        row.next_at or None,
        row.next_at == 0,
        row.overdue_at,
        row.changed_at,
        state["complete_at"],
        state["fired_at"],
        state["generation"],
        len(state["pending"]) + len(body["waiting"]),
        told.get("when"),
        told.get("holds", []),
    )
