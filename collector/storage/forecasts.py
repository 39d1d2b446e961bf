"""What was foretold of the releases that datasets owe, a row for each expectation that wants to be warned."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Row, func, select

from collector.storage.prepared import Prepared
from collector.storage.selects import chunks
from collector.storage.tables import expectation_state, forecast
from collector.storage.upsert import among, delete_rows, names, replace, write_rows
from triggers.forecasting import Outlook
from triggers.verdict import Reason

Key = tuple[str, int]
"""An expectation, and a canonical dataset that it is on."""


class Forecast(NamedTuple):
    """One row; µs UTC."""

    expectation_id: str
    dataset_id: int
    release: int | None = None
    """The first that is not met; None: none is known."""
    deadline: int | None = None
    next_at: int | None = None
    """When to look again; None: when something comes."""
    outlook: Outlook | None = None
    """None: nobody has looked at this release yet."""

    @property
    def key(self) -> Key:
        return self.expectation_id, self.dataset_id


def due(conn: Connection, now: int, limit: int) -> list[Forecast]:
    """Give those whose time to be looked at has come, the longest waiting first."""
    wanted = select(forecast).where(forecast.c.next_at <= now)
    return [_read(row) for row in conn.execute(wanted.order_by(forecast.c.next_at).limit(limit))]


def next_look(conn: Connection) -> int | None:
    """Give when the next of them is to be looked at (µs UTC)."""
    found: int | None = _next_look(conn.dialect).run(conn, {}).scalar()
    return found


@lru_cache
def _next_look(dialect: Dialect) -> Prepared:
    return Prepared(select(func.min(forecast.c.next_at)), dialect)


def of_datasets(conn: Connection, dataset_ids: Collection[int]) -> list[Forecast]:
    """Give the forecasts of canonical datasets, by expectation."""
    wanted = select(forecast).where(among(conn, forecast.c.dataset_id, dataset_ids))
    return [_read(row) for row in conn.execute(wanted.order_by(forecast.c.expectation_id))]


def announced(conn: Connection, now: int) -> list[Forecast]:
    """Give those of which it was announced that they will miss their deadline, before that has passed."""
    wanted = select(forecast).where(forecast.c.missing.is_(True), forecast.c.deadline_at > now)
    return [_read(row) for row in conn.execute(wanted.order_by(forecast.c.deadline_at))]


def all_keys(conn: Connection) -> set[Key]:
    """Give the keys of all rows."""
    return {
        (row.expectation_id, row.dataset_id)
        for row in conn.execute(select(forecast.c.expectation_id, forecast.c.dataset_id))
    }


def bound(conn: Connection, expectation_ids: Collection[str]) -> set[Key]:
    """Give the datasets that some expectations are on."""
    found: set[Key] = set()
    for part in chunks(sorted(expectation_ids)):
        state = expectation_state.c
        wanted = select(state.expectation_id, state.dataset_id).where(state.expectation_id.in_(part))
        found |= {(row.expectation_id, row.dataset_id) for row in conn.execute(wanted)}
    return found


def write(conn: Connection, rows: Iterable[Forecast]) -> None:
    """Put rows in place of those with the same keys."""
    write_rows(conn, forecast, names(forecast), [_values(row) for row in rows], replace(forecast))


def delete(conn: Connection, keys: Iterable[Key]) -> None:
    """Take rows out."""
    delete_rows(conn, forecast, list(keys))


def _read(row: Row[Any]) -> Forecast:
    outlook = None
    if row.made_at is not None:
        outlook = Outlook(
            row.made_at,
            row.missing,
            Reason.read(json.loads(row.reason)),
            row.first_told_at,
            row.expected_at,
            row.low_at,
            row.high_at,
            row.chance,
        )
    return Forecast(row.expectation_id, row.dataset_id, row.release_at, row.deadline_at, row.next_at, outlook)


def _values(row: Forecast) -> tuple[Any, ...]:
    known = (row.expectation_id, row.dataset_id, row.release, row.deadline, row.next_at)
    told = row.outlook
    if told is None:
        return (*known, None, None, None, None, None, False, None, None)
    reason = json.dumps(told.reason.data(), separators=(",", ":"))
    return (
        *known,
        told.made_at,
        told.expected,
        told.earliest,
        told.latest,
        told.chance,
        told.missing,
        reason,
        told.told_since,
    )
