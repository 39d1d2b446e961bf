"""How datasets stand to what is expected of them, for those who look: lists, counts, and what was decided when."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, exists, func, literal_column, or_, select, true

from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import dataset, evaluation, expectation_state, forecast, rule
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import entity_id
from triggers.verdict import Reason, State

WORST_FIRST: Final = (
    State.MISSED,
    State.LATE,
    State.FAILED,
    State.DUE,
    State.UNKNOWN,
    State.LEARNING,
    State.RECOVERED,
    State.FRESH,
)


class Sort(StrEnum):
    """The order of a list of standings."""

    WORST = "worst"
    """The worst first, of these the one whose deadline comes or came first."""
    NEXT = "next"
    """What is violated, the worst first; then what was announced to become late, and what is due; then by when each
    can become so."""
    NAME = "name"
    """By name of the dataset."""
    EXPECTATION = "expectation"


EXPECTATION: Final = "expectation"
"""The kind of rule."""

NEVER: Final = 2**63 - 1
"""Sorts after every deadline."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How a dataset stood to an expectation when it was last looked at; times and durations in µs (UTC)."""

    expectation_id: str
    dataset_id: int
    """Canonical; no event need have named it."""
    state: State
    reason: Reason
    since: int | None
    release: int | None
    deadline: int | None
    late_by: int | None
    next_look: int | None
    """When it is looked at again though nothing happens; None also of what was decided in the past."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the engine decided; ``prompt`` is what made it look: fact, timer or rules."""

    at: int
    prompt: str
    kept: Kept


@dataclass(frozen=True, slots=True)
class Seen:
    """What the caller may see: of namespaces, and of datasets (``unnamed``) that only rules have named."""

    visible: Visible = None
    unnamed: Collection[int] = ()


EVERYTHING: Final = Seen()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which standings to list: those for which everything holds that is given here."""

    states: Collection[State] | None = None
    expectation: str | None = None
    namespace: str | None = None
    name: str | None = None
    """Of the dataset, any of its names that the caller sees."""
    so_named: Collection[int] = ()
    """Datasets that only rules have named, and by that namespace or name."""
    dataset_ids: Collection[int] | None = None
    """Canonical; None: any."""


ANYTHING: Final = Wanted()


def list_standings(
    conn: Connection,
    wanted: Wanted,
    seen: Seen,
    *,
    after: Key | None,
    limit: int,
    sort: Sort = Sort.WORST,
) -> Page[Kept]:
    """List how datasets stand, in an order; ``after`` is a key of that order."""
    table = expectation_state
    by = _ORDERS[sort]
    key = [column.label(f"key_{number}") for number, column in enumerate(by)]
    order = (*by, table.c.expectation_id, table.c.dataset_id)
    statement = select(table, *key).where(_may_see(conn, seen), *_conditions(conn, wanted, seen))
    if sort is Sort.NAME:
        statement = statement.outerjoin(dataset, dataset.c.id == table.c.dataset_id)
    rows = conn.execute(ordered(statement, order, after, limit)).all()
    page = cut(
        rows,
        limit,
        lambda row: (*(row._mapping[each.name] for each in key), row.expectation_id, row.dataset_id),
    )
    return page.map(lambda row: _kept(row, row.next_look_at))


def _orders() -> dict[Sort, tuple[ColumnElement[Any], ...]]:
    """Give what each order goes by, before the key of the table."""
    table = expectation_state.c
    never: ColumnElement[Any] = literal_column(str(NEVER))
    rank = case({state.value: number for number, state in enumerate(WORST_FIRST)}, value=table.state)
    deadline = func.coalesce(table.deadline_at, never)
    violated = table.state.in_([state.value for state in State if state.violated])
    announced = exists().where(
        forecast.c.expectation_id == table.expectation_id,
        forecast.c.dataset_id == table.dataset_id,
        forecast.c.missing.is_(True),
    )
    bad, due = len([state for state in State if state.violated]), table.state == State.DUE.value
    pain = case((violated, rank), (announced, bad), (due, bad + 1), else_=bad + 2)
    when = case((or_(violated, due), deadline), else_=func.coalesce(table.next_look_at, never))
    return {
        Sort.WORST: (rank, deadline),
        Sort.NEXT: (pain, when),
        Sort.NAME: (func.coalesce(dataset.c.name, ""),),
        Sort.EXPECTATION: (),
    }


_ORDERS: Final = _orders()


def keys(conn: Connection, wanted: Wanted, seen: Seen, limit: int) -> list[tuple[str, int, State]]:
    """Give (expectation, dataset, state) of what is wanted, at most ``limit`` of them."""
    table = expectation_state.c
    mine = (_may_see(conn, seen), *_conditions(conn, wanted, seen))
    statement = select(table.expectation_id, table.dataset_id, table.state).where(*mine).limit(limit)
    return [(id_, dataset_id, State(state)) for id_, dataset_id, state in conn.execute(statement)]


def dataset_ids(conn: Connection) -> set[int]:
    """Give the datasets (canonical ids) of which anything is expected."""
    return set(conn.execute(select(expectation_state.c.dataset_id).distinct()).scalars())


def count_states(conn: Connection, seen: Seen, wanted: Wanted = ANYTHING) -> dict[State, int]:
    """Count what is expected of datasets by how they stand."""
    table = expectation_state
    mine = (_may_see(conn, seen), *_conditions(conn, wanted, seen))
    rows = conn.execute(select(table.c.state, func.count()).where(*mine).group_by(table.c.state))
    return {State(state): number for state, number in rows}


def tallies(conn: Connection, expectation_ids: Sequence[str], seen: Seen) -> dict[str, dict[State, int]]:
    """Count the datasets of each of these expectations by how they stand."""
    table = expectation_state
    key = (table.c.expectation_id, table.c.state)
    found: dict[str, dict[State, int]] = defaultdict(dict)
    mine = table.c.expectation_id.in_(expectation_ids)
    counted = select(*key, func.count()).where(mine, _may_see(conn, seen)).group_by(*key)
    for id_, state, number in conn.execute(counted):
        found[id_][State(state)] = number
    return found


def definitions(conn: Connection, ids: Collection[str], kind: str = EXPECTATION) -> dict[str, dict[str, Any]]:
    """Give the bodies of those of these rules that there are, by id."""
    mine = select(rule.c.id, rule.c.body).where(rule.c.kind == kind, rule.c.id.in_(ids))
    return {row.id: json.loads(row.body) for row in conn.execute(mine)}


def list_expectations(conn: Connection, seen: Seen, *, after: Key | None, limit: int) -> Page[str]:
    """List the ids of expectations, in order; of those that cover nothing that the caller sees, only if he sees all."""
    statement = select(rule.c.id).where(rule.c.kind == EXPECTATION)
    if seen.visible is not None:
        mine = expectation_state.c.expectation_id == rule.c.id
        statement = statement.where(exists().where(mine, _may_see(conn, seen)))
    rows = conn.execute(ordered(statement, (rule.c.id,), after, limit)).all()
    return cut(rows, limit, lambda row: (row.id,)).map(lambda row: row.id)


def unnamed(conn: Connection) -> list[tuple[str, int]]:
    """Give (expectation, dataset) for those datasets that no event has named yet: they are known by a rule alone."""
    table = expectation_state
    known = exists().where(dataset.c.id == table.c.dataset_id)
    rows = conn.execute(select(table.c.expectation_id, table.c.dataset_id).where(~known))
    return [(row.expectation_id, row.dataset_id) for row in rows]


def decisions(
    conn: Connection, expectation_id: str | None, dataset_id: int, *, after: Key | None, limit: int
) -> Page[Decided]:
    """List what was decided of a dataset (canonical id), by one expectation or all, the newest first."""
    mine = [evaluation.c.dataset_id == dataset_id]
    if expectation_id is not None:
        mine.append(evaluation.c.expectation_id == expectation_id)
    statement = ordered(select(evaluation).where(*mine), (evaluation.c.id,), after, limit, newest=True)
    page = cut(conn.execute(statement).all(), limit, lambda row: (row.id,))
    return page.map(lambda row: Decided(row.at, row.prompt, _kept(row)))


def _kept(row: Any, next_look: int | None = None) -> Kept:
    return Kept(
        row.expectation_id,
        row.dataset_id,
        State(row.state),
        Reason.read(json.loads(row.reason)),
        row.since,
        row.release_at,
        row.deadline_at,
        row.late_by,
        next_look,
    )


def _may_see(conn: Connection, seen: Seen) -> ColumnElement[bool]:
    """Give the condition that the caller sees the dataset, under one of its names at least."""
    if seen.visible is None:
        return true()
    return or_(_named(seen), among(conn, expectation_state.c.dataset_id, seen.unnamed))


def _named(seen: Seen, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    same = dataset.c.canonical_id == expectation_state.c.dataset_id
    found = exists().where(same, within(dataset.c.namespace_id, seen.visible), *conditions)
    # Of datasets its own: what is sorted by name has joined one already.
    return found.correlate(expectation_state)


def _conditions(conn: Connection, wanted: Wanted, seen: Seen) -> list[ColumnElement[bool]]:
    table = expectation_state
    found: list[ColumnElement[bool]] = []
    if wanted.states is not None:
        found.append(table.c.state.in_([state.value for state in wanted.states]))
    if wanted.expectation is not None:
        found.append(table.c.expectation_id == wanted.expectation)
    names = []
    if wanted.namespace is not None:
        names.append(dataset.c.namespace_id == entity_id("namespace", wanted.namespace))
    if wanted.name is not None:
        names.append(dataset.c.name == wanted.name)
    if names:
        found.append(or_(_named(seen, *names), among(conn, table.c.dataset_id, wanted.so_named)))
    if wanted.dataset_ids is not None:
        found.append(among(conn, table.c.dataset_id, wanted.dataset_ids))
    return found
