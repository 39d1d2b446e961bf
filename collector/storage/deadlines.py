"""What comes due next: read from indexes, a few rows each, however many datasets are watched."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, exists, select, true

from collector.storage.tables import dataset, expectation_state, forecast
from collector.storage.visibility import Visible, within
from triggers.verdict import State

AWAITED = (State.FRESH, State.RECOVERED, State.DUE, State.UNKNOWN)
"""States in which something can still come in time."""


class Ahead(NamedTuple):
    """A dataset that can become late; instants in µs UTC."""

    expectation_id: str
    dataset_id: int
    """Canonical."""
    state: State
    release: int | None
    deadline: int | None
    """Of that release, which may have been met."""
    next_look: int
    """When it is looked at again: no later than its next deadline."""


def announced(conn: Connection, visible: Visible, now: int, limit: int) -> list[Ahead]:
    """Give those of which it was announced that they will be late, the first deadline first (``now`` in µs UTC)."""
    table = expectation_state.c
    same = and_(forecast.c.expectation_id == table.expectation_id, forecast.c.dataset_id == table.dataset_id)
    statement = (
        select(
            table.expectation_id,
            table.dataset_id,
            table.state,
            forecast.c.release_at,
            forecast.c.deadline_at,
            forecast.c.deadline_at.label("next_look_at"),
        )
        .join_from(forecast, expectation_state, same)
        .where(forecast.c.missing.is_(True), forecast.c.deadline_at > now, _may_see(visible))
        .order_by(forecast.c.deadline_at)
    )
    return [_ahead(row) for row in conn.execute(statement.limit(limit))]


def coming(conn: Connection, visible: Visible, limit: int) -> list[Ahead]:
    """Give what can become late, in the order in which it is looked at next."""
    table = expectation_state.c
    # Not as a condition on the column: SQLite would begin with the index on states, and sort nearly everything.
    awaited = case((table.state.in_([state.value for state in AWAITED]), 1), else_=0) == 1
    statement = (
        select(
            table.expectation_id,
            table.dataset_id,
            table.state,
            table.release_at,
            table.deadline_at,
            table.next_look_at,
        )
        .where(table.next_look_at.is_not(None), awaited, _may_see(visible))
        .order_by(table.next_look_at)
    )
    return [_ahead(row) for row in conn.execute(statement.limit(limit))]


def _ahead(row: Any) -> Ahead:
    return Ahead(
        row.expectation_id,
        row.dataset_id,
        State(row.state),
        row.release_at,
        row.deadline_at,
        row.next_look_at,
    )


def _may_see(visible: Visible) -> ColumnElement[bool]:
    if visible is None:
        return true()
    same = dataset.c.canonical_id == expectation_state.c.dataset_id
    return exists().where(same, within(dataset.c.namespace_id, visible))
