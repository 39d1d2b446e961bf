"""The log and the projection, read behind the server's back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import func, select

from collector.storage import tables
from collector.storage.engine import Database
from lineage.model import run_key
from tests.acceptance.load import Sent
from tests.acceptance.server import tidegate


def check_log(database_url: str, acknowledged: Iterable[Sent]) -> None:
    """See to it that every acknowledged event is in the log, and none twice."""
    event = tables.event
    database = Database(database_url)
    try:
        with database.read() as conn:
            rows = conn.execute(select(event.c.run_key, event.c.event_type))
            found = Counter((bytes(key or b""), kind) for key, kind in rows)
    finally:
        database.close()
    assert {key: number for key, number in found.items() if number > 1} == {}
    assert {sent for sent in acknowledged if (run_key(sent.run_id), sent.event_type) not in found} == set()


def count(database_url: str, *names: str) -> dict[str, int]:
    """Count the rows of tables."""
    database = Database(database_url)
    try:
        with database.read() as conn:
            return {
                name: conn.execute(
                    select(func.count()).select_from(tables.metadata.tables[name])
                ).scalar_one()
                for name in names
            }
    finally:
        database.close()


def check_projection(database_url: str) -> None:
    """See to it that nothing waits or is parked, and that the projection is what the log gives anew."""
    assert count(database_url, "inbox", "parked") == {"inbox": 0, "parked": 0}
    rebuilt = tidegate("rebuild", "-d", database_url)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert re.search(r"\b0 rows", rebuilt.stderr), rebuilt.stderr
