"""Trying refused bodies again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from collector.errors import NotFound, Unprocessable
from collector.ingest.intake import refuse
from collector.ingest.reprocess import reprocess
from collector.storage.engine import Database
from collector.storage.event_log import reject
from collector.storage.rejections import count_rejections, list_rejections
from collector.storage.tables import event, inbox

GOOD = [
    json.dumps({"eventTime": f"2026-11-22T05:00:0{n}Z", "job": {"namespace": "a", "name": "b"}}).encode()
    for n in range(3)
]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Give a database with four refused bodies, of which a newer version would take three."""
    database = Database(database_url)
    with database.write() as conn:
        for position, body in enumerate([*GOOD, b"{"]):
            reject(conn, [refuse(body, Unprocessable("too new"), 1000 + position)])
    yield database
    database.close()


def ids(database: Database) -> list[int]:
    with database.read() as conn:
        return [item.id for item in list_rejections(conn, after=None, limit=10).items][::-1]


def test_what_can_be_recorded_moves_to_the_log(database: Database) -> None:
    seen: list[int] = []
    result = reprocess(database, progress=seen.append)
    (remaining,) = ids(database)
    assert (result.accepted, result.duplicates, len(seen)) == (3, 0, 4)
    assert [(id_, errors[0].path) for id_, errors in result.refused] == [(remaining, "$")]
    with database.read() as conn:
        assert sorted(conn.execute(select(event.c.received_at)).scalars()) == [1000, 1001, 1002]
        assert len(conn.execute(select(inbox)).all()) == 3


def test_some_can_be_chosen(database: Database) -> None:
    first, second, *_ = ids(database)
    assert reprocess(database, [second]).accepted == 1
    assert first in ids(database)
    assert second not in ids(database)
    with pytest.raises(NotFound, match=str(second)):
        reprocess(database, [second])


def test_what_came_again_meanwhile_is_a_duplicate(database: Database) -> None:
    first, *_ = ids(database)
    reprocess(database, [first])
    with database.write() as conn:
        reject(conn, [refuse(GOOD[0], Unprocessable("too new"), 5000)])
    result = reprocess(database)
    assert (result.accepted, result.duplicates) == (2, 1)
    with database.read() as conn:
        assert count_rejections(conn) == 1
