"""The projector's queue: events that are durable and not yet projected.

The queue exists because PostgreSQL gives out ids before it commits: whoever reads the log by "id greater than the
last" loses the rows that commit late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select

from collector.storage.compression import unpack
from collector.storage.selects import chunks
from collector.storage.tables import event, inbox, parked
from collector.storage.upsert import among, names, replace, write_rows

MAX_BATCH_BYTES = 16_000_000
"""Packed bytes of one batch: single events have up to 32 MB unpacked."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as the log holds it, ``received_at`` in µs UTC."""

    id: int
    received_at: int
    hash: bytes
    packed: bytes

    @property
    def body(self) -> bytes:
        """What was sent; raises ``DamagedBody``: one such row must not keep all others from being read."""
        return unpack(self.packed)


COLUMNS = (event.c.id, event.c.received_at, event.c.hash, event.c.body)


def pending(conn: Connection, limit: int) -> list[LoggedEvent]:
    """Read the events that wait longest, at most ``limit`` of them and some megabytes."""
    waiting = select(inbox.c.event_id).order_by(inbox.c.event_id).limit(limit)
    ids = list(conn.execute(waiting).scalars())
    # Two statements: told by its statistics that the queue is empty, SQLite would join from the whole log.
    chosen = select(*COLUMNS).where(among(conn, event.c.id, ids)).order_by(event.c.id)
    return _bounded(conn.execute(chosen)) if ids else []


def logged_after(conn: Connection, after: int, limit: int) -> list[LoggedEvent]:
    """Read the log in order of ids. Only for a log that nobody waits for: see above."""
    return _bounded(
        conn.execute(select(*COLUMNS).where(event.c.id > after).order_by(event.c.id).limit(limit))
    )


def _bounded(rows: Iterable[Any]) -> list[LoggedEvent]:
    events: list[LoggedEvent] = []
    size = 0
    for row in rows:
        size += len(row.body)
        if events and size > MAX_BATCH_BYTES:
            break
        events.append(LoggedEvent(row.id, row.received_at, row.hash, row.body))
    return events


def size(conn: Connection) -> int:
    """Count the events that wait."""
    return conn.execute(select(func.count()).select_from(inbox)).scalar_one()


def remove(conn: Connection, event_ids: Sequence[int]) -> None:
    """Take events out of the queue: they are projected, or parked."""
    for part in chunks(event_ids):
        conn.execute(delete(inbox).where(inbox.c.event_id.in_(part)))


def park(conn: Connection, errors: dict[int, str], now: int) -> None:
    """Put events aside that cannot be projected, each with the reason. The log keeps them."""
    rows = [(event_id, error, now) for event_id, error in errors.items()]
    write_rows(conn, parked, names(parked), rows, replace(parked))
    remove(conn, list(errors))


def unpark(conn: Connection, event_ids: Sequence[int] | None = None) -> int:
    """Put parked events (None: all) back into the queue; give their number."""
    chosen = select(parked.c.event_id)
    if event_ids is not None:
        chosen = chosen.where(parked.c.event_id.in_(event_ids))
    ids = list(conn.execute(chosen).scalars())
    write_rows(conn, inbox, ["event_id"], [(event_id,) for event_id in ids])
    for part in chunks(ids):
        conn.execute(delete(parked).where(parked.c.event_id.in_(part)))
    return len(ids)
