"""Deriving the catalog and the graph anew from the log, while a server runs.

The rebuild takes the projector's lease: new events stay in the inbox meanwhile. It projects the whole log into a
second set of tables, compares, and writes only what differs; readers see the old picture until then. As the
projection does not depend on the order of events, nothing should differ, unless this version reads events otherwise
than the one that projected them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import delete

from collector.errors import TidegateError
from collector.ingest.envelope import EventReader
from collector.ingest.projector import LEASE, LEASE_US, Target, isolate, read
from collector.storage import aliases, inbox, revisions, upsert
from collector.storage.engine import Database
from collector.storage.leases import Lease
from collector.storage.projection import Projection
from collector.storage.run_ids import SameRunIds
from collector.storage.shadow import differences, shadow
from collector.storage.tables import PROJECTION, parked
from collector.times import now_us

BATCH = 2000
"""Events projected in one transaction. Nobody waits for the second set of tables, so it may be large."""

RENEW_SECONDS = 3.0


class RebuildInterrupted(TidegateError):
    """Another rebuild, or a projector, has taken over; nothing was changed."""


def rebuild(database: Database, holder: str, progress: Callable[[int], None] = lambda done: None) -> int:
    """Project the log anew and give the number of rows that had to be changed.

    ``progress`` is called with the number of events done so far. If it is stopped on the way nothing has been changed,
    and a running server goes on by itself after some seconds.

    Raises:
        RebuildInterrupted: somebody else took the lease.
        DatabaseUnavailable: as everywhere.
    """
    lease = _HeldLease(database, holder)
    try:
        with shadow(database) as beside:
            errors = _project(database, beside, lease, progress)
            changed = _replace(database, beside, lease)
        with database.write() as conn:
            # What could not be projected before may be by now, and the other way round.
            conn.execute(delete(parked))
            inbox.park(conn, errors, now_us())
            if changed:
                revisions.advance(conn, revisions.CATALOG)
                database.notify(conn)
        return changed
    finally:
        lease.release()


class _HeldLease:
    """The projector's lease, taken from whoever has it and renewed now and then."""

    def __init__(self, database: Database, holder: str) -> None:
        self._lease = Lease(database, LEASE, holder, LEASE_US)
        self._lease.seize(now_us())
        self._renewed = time.monotonic()
        self.release = self._lease.release

    def renew(self) -> None:
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            if not self._lease.renew(now_us()):
                raise RebuildInterrupted
            self._renewed = time.monotonic()


def _project(
    database: Database, beside: Database, lease: _HeldLease, progress: Callable[[int], None]
) -> dict[int, str]:
    """Project all events into the second set of tables; give the errors of those that fail, by event id."""
    target = Target(beside, Projection(SameRunIds(database)))
    with database.read() as conn:
        target.projection.identity.rules = aliases.rules(conn)
    reader = EventReader()
    errors: dict[int, str] = {}
    done = last = 0
    while True:
        with database.read() as conn:
            events = inbox.logged_after(conn, last, BATCH)
        if not events:
            return errors
        observations, failed = read(reader, events)
        errors |= failed | isolate(target.write, observations)
        last, done = events[-1].id, done + len(events)
        lease.renew()
        progress(done)


def _replace(database: Database, beside: Database, lease: _HeldLease) -> int:
    """Make the tables in use equal to the second set; give the number of rows changed.

    Some ten thousand rows are changed in one transaction. If there are more, readers may for a moment see some of
    them before others.
    """
    changed = 0
    for table in PROJECTION:
        with database.read() as old, beside.read() as new:
            pieces = differences(table, old, new)
            for gone, put in pieces:
                if gone or put:
                    with database.write() as conn:
                        upsert.delete_rows(conn, table, gone)
                        upsert.write_rows(conn, table, upsert.names(table), put, upsert.replace(table))
                        database.notify(conn)
                    changed += len(gone) + len(put)
                lease.renew()
    return changed
