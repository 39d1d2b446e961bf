"""Waiting until the read API shows an event."""

from __future__ import annotations

from collections.abc import Iterable

from collector.storage.engine import Database
from collector.storage.event_log import all_projected

POLL_SECONDS = 0.015
"""How often to look. A look takes some tens of microseconds; projecting takes about as long as this."""


def is_visible(database: Database, hashes: Iterable[bytes]) -> bool:
    """Tell whether the events with these hashes are projected, or parked because they cannot be."""
    with database.read() as conn:
        return all_projected(conn, hashes)
