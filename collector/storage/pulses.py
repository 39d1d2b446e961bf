"""When the server was last known to take events in; and since when the oldest of them waits."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Connection, Dialect, select

from collector.storage.prepared import Prepared
from collector.storage.tables import event, inbox, pulse
from collector.storage.upsert import LARGEST, REPLACE, names, write_rows

COLLECTOR = "collector"
"""The pulse of whoever takes events in: of several servers, the last one that is alive."""

OUTAGE_START = "outage_start"
OUTAGE_END = "outage_end"


def beat(conn: Connection, now: int) -> None:
    """Say that a server is alive."""
    write_rows(conn, pulse, names(pulse), [(COLLECTOR, now)], {"at": LARGEST})


def keep_outage(conn: Connection, start: int, end: int) -> None:
    """Keep from when to when nobody took events in, for those who start after it (µs UTC)."""
    write_rows(conn, pulse, names(pulse), [(OUTAGE_START, start), (OUTAGE_END, end)], {"at": REPLACE})


def last_outage(conn: Connection) -> tuple[int, int] | None:
    """Tell from when to when nobody took events in, the last time (µs UTC)."""
    wanted = select(pulse.c.name, pulse.c.at).where(pulse.c.name.in_((OUTAGE_START, OUTAGE_END)))
    found = {row.name: row.at for row in conn.execute(wanted)}
    return (found[OUTAGE_START], found[OUTAGE_END]) if found else None


def last_beat(conn: Connection) -> int | None:
    """Tell when a server was alive the last time (µs UTC)."""
    return conn.execute(select(pulse.c.at).where(pulse.c.name == COLLECTOR)).scalar()


def oldest_waiting(conn: Connection) -> int | None:
    """Tell when the event was received that waits longest to be projected (µs UTC); None if none does."""
    found: int | None = _oldest_waiting(conn.dialect).run(conn, {}).scalar()
    return found


@lru_cache
def _oldest_waiting(dialect: Dialect) -> Prepared:
    first = select(inbox.c.event_id).order_by(inbox.c.event_id).limit(1).scalar_subquery()
    return Prepared(select(event.c.received_at).where(event.c.id == first), dialect)
