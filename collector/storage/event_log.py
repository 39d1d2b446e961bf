"""The log: events as they were sent, and the queue of those that the projection does not show yet."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, cast

from sqlalchemy import Connection, Dialect, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError

from collector.storage.engine import Database
from collector.storage.tables import event, inbox, rejected
from collector.storage.upsert import REPLACE, SUM, write_rows


class NewEvent(NamedTuple):
    """A row of ``event`` before it has an id. Times are microseconds since 1970-01-01 UTC; ``body`` is
    packed."""

    kind: str
    event_type: str | None
    event_time: int
    received_at: int
    run_key: bytes | None
    entity_id: int
    hash: bytes
    size: int
    body: bytes
    warnings: str | None


class NewRejection(NamedTuple):
    """A refused body; ``hash`` is of the bytes as sent, ``errors`` a JSON array of path and reason."""

    hash: bytes
    received_at: int
    errors: str
    size: int
    body: bytes


POSTGRESQL: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]  # has no types

_COLUMNS = ", ".join(NewEvent._fields)

_SQLITE_INSERT = f"""
INSERT INTO event ({_COLUMNS}) VALUES ({", ".join("?" * len(NewEvent._fields))}) ON CONFLICT (hash) DO NOTHING
"""

_ARRAYS = ", ".join(
    f"%b::{event.c[name].type.compile(POSTGRESQL)}[]"  # %b: binary, bytes go as they are
    for name in NewEvent._fields
)
_POSTGRES_INSERT = f"""
WITH new AS (
    INSERT INTO event ({_COLUMNS}) SELECT * FROM unnest({_ARRAYS}) ON CONFLICT (hash) DO NOTHING RETURNING id,
    hash
), queued AS (
    INSERT INTO inbox (event_id) SELECT id FROM new
)
SELECT hash FROM new
"""


def append(database: Database, conn: Connection, events: Sequence[NewEvent]) -> list[bool]:
    """Add events to the log and to the queue of the projector; tell for each whether it was new.

    An event with the hash of one that is there, or comes earlier in ``events``, is a duplicate and is not
    stored.
    """
    if not events:
        return []
    add = _append_postgres if database.dialect == "postgresql" else _append_sqlite
    hashes = add(conn, events)
    if len(hashes) == len(events):
        result = [True] * len(events)
    else:
        result = []
        for item in events:
            result.append(item.hash in hashes)
            hashes.discard(item.hash)
    if any(result):
        database.notify(conn)
    return result


def _append_sqlite(conn: Connection, events: Sequence[NewEvent]) -> set[bytes]:
    # Past SQLAlchemy, to the connection of the driver: three statements there cost what one costs here.
    driver = cast(sqlite3.Connection, conn.connection.driver_connection)
    try:
        # Nobody else writes during this transaction, so what is above the highest id was added here.
        (before,) = driver.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()
        added = driver.executemany(_SQLITE_INSERT, events).rowcount
        driver.execute("INSERT INTO inbox (event_id) SELECT id FROM event WHERE id > ?", (before,))
        if added == len(events):
            return {item.hash for item in events}
        return {row[0] for row in driver.execute("SELECT hash FROM event WHERE id > ?", (before,))}
    except sqlite3.Error as error:
        # As SQLAlchemy would have raised it, for whoever tells a full disk from a mistake.
        raise OperationalError("INSERT INTO event", None, error) from error


def _append_postgres(conn: Connection, events: Sequence[NewEvent]) -> set[bytes]:
    # In the order of the hashes: two writers with some of the same events would otherwise wait for each
    # other.
    columns = zip(*sorted(events, key=lambda item: item.hash), strict=True)
    rows = conn.exec_driver_sql(_POSTGRES_INSERT, tuple(list(column) for column in columns))
    return {bytes(row[0]) for row in rows}


def reject(conn: Connection, rejections: Iterable[NewRejection]) -> None:
    """Keep refused bodies; one whose bytes were refused before is counted."""
    rows: dict[bytes, list[object]] = {}
    for item in rejections:
        if known := rows.get(item.hash):
            known[3] = int(str(known[3])) + 1
        else:
            rows[item.hash] = [
                item.hash,
                item.received_at,
                item.received_at,
                1,
                item.errors,
                item.size,
                item.body,
            ]
    write_rows(
        conn,
        rejected,
        ("hash", "received_at", "last_received_at", "count", "errors", "size", "body"),
        [rows[key] for key in sorted(rows)],
        {"last_received_at": REPLACE, "count": SUM, "errors": REPLACE},
        key=("hash",),
    )


def all_projected(conn: Connection, hashes: Iterable[bytes]) -> bool:
    """Tell whether none of the events with these hashes waits for the projector any more."""
    waiting = select(inbox.c.event_id).join(event, event.c.id == inbox.c.event_id)
    return conn.execute(waiting.where(event.c.hash.in_(list(hashes))).limit(1)).first() is None
