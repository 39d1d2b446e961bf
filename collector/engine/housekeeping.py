"""Forgetting what has been kept long enough: decisions, ended alerts, firings. What was sent, dispatchers forget."""

from __future__ import annotations

from collector.storage import alert_store, arrivals, firings, joins, silences, standings, trigger_requests
from collector.storage.engine import Database

EVERY_US = 3_600_000_000

PIECE = 10_000
"""Rows that are deleted in one transaction."""


class Housekeeping:
    """Deletes once an hour what is older than ``keep`` (µs)."""

    def __init__(self, database: Database, keep: int) -> None:
        self._database = database
        self._keep = keep
        self._next_at = 0

    def step(self, now: int) -> None:
        """Delete what is old, if it is time to (µs UTC)."""
        if now < self._next_at:
            return
        before = now - self._keep
        for prune in (standings.prune, arrivals.prune, firings.prune):
            more = True
            while more:
                with self._database.write() as conn:
                    more = prune(conn, before, PIECE) == PIECE
        with self._database.write() as conn:
            alert_store.prune(conn, before)
            silences.prune(conn, before)
            joins.prune(conn, before)
            trigger_requests.prune(conn, before)
        self._next_at = now + EVERY_US
