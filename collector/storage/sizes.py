"""How large the database is, and who works on it: what an operator asks first."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, func, literal_column, select, text

from collector.storage import tables
from collector.storage.tables import lease

MOST_COUNTED: Final = 100_000
"""Rows that are counted one by one; some ten milliseconds a table."""

MAIN: Final = (
    tables.event,
    tables.rejected,
    tables.parked,
    tables.inbox,
    tables.namespace,
    tables.dataset,
    tables.job,
    tables.run,
    tables.run_io,
    tables.edge,
    tables.facet,
    tables.dataset_update,
    tables.expectation_state,
    tables.evaluation,
    tables.alert,
    tables.firing,
    tables.outbox,
)
"""The tables that grow."""


class Rows(NamedTuple):
    """How many rows a table has; ``more``: than were counted."""

    table: str
    rows: int
    more: bool


class Holder(NamedTuple):
    """Which process is the active one of its kind, until when (µs UTC) unless it renews."""

    name: str
    holder: str
    expires_at: int


def size(conn: Connection) -> int:
    """Give the bytes that the database takes on disk."""
    if conn.dialect.name == "postgresql":
        return int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, of = (conn.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size"))
    return int(pages) * int(of)


def rows(conn: Connection) -> list[Rows]:
    """Count the rows of the main tables, up to ``MOST_COUNTED`` of each."""
    found = []
    for table in MAIN:
        some = select(literal_column("1")).select_from(table).limit(MOST_COUNTED + 1).subquery()
        number = conn.execute(select(func.count()).select_from(some)).scalar_one()
        found.append(Rows(table.name, min(number, MOST_COUNTED), number > MOST_COUNTED))
    return found


def holders(conn: Connection) -> list[Holder]:
    """List the leases, those that have run out as well."""
    return [Holder(*row) for row in conn.execute(select(lease).order_by(lease.c.name))]
