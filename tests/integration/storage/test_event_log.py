"""The log on both databases: what is added, what is a duplicate, what waits for the projector."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select

from collector.errors import Unprocessable
from collector.ingest.intake import refuse, take
from collector.storage.compression import unpack
from collector.storage.engine import Database
from collector.storage.event_log import NewEvent, all_projected, append, reject
from collector.storage.rejections import find_rejection, list_rejections
from collector.storage.tables import event, inbox
from tests.benchmarks.stack import events

NOW = 1_700_000_000_000_000


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def rows(number: int, seed: int = 1) -> list[NewEvent]:
    return [take(body, NOW).row for body in events(number, jobs=10, seed=seed)]


def stored(database: Database) -> list[NewEvent]:
    columns = [event.c[name] for name in NewEvent._fields]
    with database.read() as conn:
        return [NewEvent(*row) for row in conn.execute(select(*columns).order_by(event.c.id))]


def waiting(database: Database) -> list[int]:
    with database.read() as conn:
        return list(conn.execute(select(inbox.c.event_id).order_by(inbox.c.event_id)).scalars())


def test_events_come_out_as_they_went_in(database: Database) -> None:
    new = rows(20)
    with database.write() as conn:
        assert append(database, conn, new) == [True] * 20
    assert sorted(stored(database)) == sorted(new)
    assert [unpack(row.body) for row in new] == list(events(20, jobs=10))
    assert len(waiting(database)) == 20


def test_a_duplicate_is_stored_once_wherever_it_comes(database: Database) -> None:
    first, second, third = rows(3)
    with database.write() as conn:
        assert append(database, conn, [first, second, first]) == [True, True, False]
    with database.write() as conn:
        conn.execute(delete(inbox))
        assert append(database, conn, [second, third, third, first]) == [False, True, False, False]
        assert append(database, conn, []) == []
    assert sorted(stored(database)) == sorted([first, second, third])
    # Those known already are not projected again.
    assert len(waiting(database)) == 1


def test_what_is_rolled_back_was_never_there(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as conn:  # noqa: PT012
        append(database, conn, rows(3))
        raise RuntimeError
    assert (stored(database), waiting(database)) == ([], [])


def test_writers_of_the_same_events_agree(database: Database) -> None:
    new = rows(100)
    results: list[list[bool]] = []

    def write(order: int) -> None:
        mine = new[::order]
        for part in range(0, 100, 20):
            with database.write() as conn:
                results.append(append(database, conn, mine[part : part + 20]))

    threads = [threading.Thread(target=write, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sum(result) for result in results) == len(stored(database)) == len(waiting(database)) == 100


def test_all_projected_looks_at_the_queue(database: Database) -> None:
    first, second = rows(2)
    with database.write() as conn:
        append(database, conn, [first, second])
    with database.read() as conn:
        assert not all_projected(conn, [first.hash, second.hash])
    with database.write() as conn:
        conn.execute(delete(inbox).where(inbox.c.event_id == waiting(database)[0]))
    with database.read() as conn:
        assert not all_projected(conn, [first.hash, second.hash])
        assert sorted([all_projected(conn, [first.hash]), all_projected(conn, [second.hash])]) == [
            False,
            True,
        ]
        assert all_projected(conn, [])


def test_a_refused_body_is_counted(database: Database) -> None:
    error = Unprocessable("nothing", errors=())
    with database.write() as conn:
        reject(conn, [refuse(b"a", error, NOW), refuse(b"b", error, NOW), refuse(b"a", error, NOW)])
        reject(conn, [refuse(b"a", error, NOW + 5)])
    with database.read() as conn:
        newest, oldest = list_rejections(conn, after=None, limit=10).items
        found = [find_rejection(conn, item.id) for item in (newest, oldest)]
    bodies = {item.body: item for item in found if item}
    assert bodies[b"a"].count == 3
    assert (bodies[b"a"].received_at, bodies[b"a"].last_received_at) == (NOW, NOW + 5)
    assert bodies[b"b"].count == 1
    assert [(each.path, each.reason) for each in bodies[b"b"].errors] == [("$", "nothing")]
