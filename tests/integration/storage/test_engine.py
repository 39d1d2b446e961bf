"""Transactions, the queue of writers, waking, and what happens when the database goes away."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import func, insert, select

from collector.errors import ConfigurationError, DatabaseUnavailable
from collector.storage import migrate
from collector.storage.engine import Database, parse_url
from collector.storage.tables import inbox
from tests.postgres import PostgresServer


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def put(database: Database, number: int) -> None:
    with database.write() as conn:
        conn.execute(insert(inbox).values(event_id=number))
        database.notify(conn)


def count(database: Database) -> int:
    with database.read() as conn:
        return int(conn.execute(select(func.count()).select_from(inbox)).scalar_one())


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///a.db", "sqlite+pysqlite"),
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg"),
    ],
)
def test_urls_that_users_write(url: str, driver: str) -> None:
    assert parse_url(url).drivername == driver


@pytest.mark.parametrize(
    "url", ["", "tidegate.db", "sqlite://", "sqlite:///:memory:", "mysql://h/d", "postgres:/x"]
)
def test_urls_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Database(url)


def test_a_write_is_all_or_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as conn:
        raise ZeroDivisionError(conn.execute(insert(inbox).values(event_id=1)))
    assert count(database) == 0
    put(database, 1)
    assert count(database) == 1


def test_a_reading_transaction_sees_one_moment_and_hinders_no_writer(database: Database) -> None:
    with database.read() as conn:
        statement = select(func.count()).select_from(inbox)
        assert conn.execute(statement).scalar() == 0
        put(database, 1)
        assert conn.execute(statement).scalar() == 0
    assert count(database) == 1


def test_reading_is_possible_while_another_writes(database: Database) -> None:
    with database.write() as conn:
        conn.execute(insert(inbox).values(event_id=1))
        started = time.monotonic()
        assert count(database) == 0
        assert time.monotonic() - started < 1


def test_our_own_mistakes_stay_loud(database: Database) -> None:
    put(database, 1)
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        put(database, 1)
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="no_such_table"), database.read() as conn:
        conn.exec_driver_sql("SELECT * FROM no_such_table")


def test_a_query_has_a_time_limit_and_the_next_has_none(database: Database) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with (
        pytest.raises(DatabaseUnavailable, match="took longer than allowed"),
        database.read(timeout=0.1) as conn,
    ):
        conn.exec_driver_sql(endless)
    with database.read(timeout=5) as conn:
        conn.exec_driver_sql("SELECT 1")
    long = endless.replace("SELECT x + 1 FROM n", "SELECT x + 1 FROM n WHERE x < 200000")
    with database.read() as conn:
        assert conn.exec_driver_sql(long).scalar() == 200_000


def test_a_change_wakes_and_none_is_missed_in_between(database: Database, database_url: str) -> None:
    other = Database(database_url)
    assert database.wait_for_change(0)  # the first time: there may be something already
    assert not database.wait_for_change(0.05)
    put(other, 1)  # while nobody waits
    assert database.wait_for_change(5)
    assert not database.wait_for_change(0.05)
    timer = threading.Timer(0.1, put, (other, 2))
    timer.start()
    started = time.monotonic()
    assert database.wait_for_change(10)
    assert time.monotonic() - started < 5
    timer.join()
    other.close()


def test_a_closed_database_opens_again_when_used(database: Database) -> None:
    put(database, 1)
    database.close()
    assert count(database) == 1


def add_many(url: str, first: int, number: int) -> None:
    """Write ``number`` transactions, each of which reads before it writes."""
    database = Database(url)
    for value in range(first, first + number):
        with database.write() as conn:
            conn.execute(select(func.max(inbox.c.event_id))).scalar()
            conn.execute(insert(inbox).values(event_id=value))
    database.close()


def test_writers_of_several_processes_and_threads_take_turns(database: Database, database_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    workers: list[threading.Thread | multiprocessing.process.BaseProcess] = [
        context.Process(target=add_many, args=(database_url, start, 40)) for start in (0, 1000)
    ]
    workers += [threading.Thread(target=add_many, args=(database_url, start, 40)) for start in (2000, 3000)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers if not isinstance(worker, threading.Thread)] == [0, 0]
    assert count(database) == 160


def test_a_writer_that_never_rests_lets_others_in(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/tidegate.db"
    migrate.upgrade(url)
    database = Database(url)
    stop = threading.Event()

    def never_rest() -> None:
        while not stop.is_set():
            with database.write():
                time.sleep(0.02)

    busy = threading.Thread(target=never_rest)
    busy.start()
    try:
        for number in range(5):
            started = time.monotonic()
            put(database, number)
            assert time.monotonic() - started < 1
    finally:
        stop.set()
        busy.join()
        database.close()


def test_sqlite_is_durable_and_in_wal_mode(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.db")
    with database.read() as conn:
        found = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
    database.close()
    assert found == {"journal_mode": "wal", "synchronous": 2}


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/no/such/folder/tidegate.db")
    with pytest.raises(DatabaseUnavailable, match="cannot be opened"), database.read():
        pass
    with pytest.raises(DatabaseUnavailable), database.write():
        pass
    with pytest.raises(DatabaseUnavailable):
        database.wait_for_change(0)
    database = Database("postgresql://127.0.0.1:1/nowhere")
    with pytest.raises(DatabaseUnavailable) as caught, database.write():
        pass
    assert isinstance(caught.value.__cause__, sqlalchemy.exc.OperationalError)


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/small.db")
    with database.write() as conn:
        conn.exec_driver_sql("CREATE TABLE big (body BLOB)")
        conn.exec_driver_sql("PRAGMA max_page_count = 20")  # of this connection, which the pool gives again
    with pytest.raises(DatabaseUnavailable, match="disk of the database is full"), database.write() as conn:
        conn.exec_driver_sql("INSERT INTO big VALUES (zeroblob(1000000))")
    database.close()


@pytest.fixture
def fragile(postgres_server: PostgresServer) -> Iterator[Database]:
    """A database whose server may be stopped and crashed."""
    url = postgres_server.create_database("fragile")
    migrate.upgrade(url)
    opened = Database(url)
    yield opened
    opened.close()


def put_during_a_crash(database: Database, server: PostgresServer) -> None:
    with database.write() as conn:
        server.restart("immediate")
        conn.execute(insert(inbox).values(event_id=3))


def test_connections_heal_when_postgresql_comes_back(
    postgres_server: PostgresServer, fragile: Database
) -> None:
    put(fragile, 1)
    assert fragile.wait_for_change(0)

    postgres_server.restart("immediate")
    put(fragile, 2)  # idle connections that the restart has closed are not even noticed

    with pytest.raises(DatabaseUnavailable):
        put_during_a_crash(fragile, postgres_server)

    postgres_server.stop("immediate")
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            put(fragile, 3)
        with pytest.raises(DatabaseUnavailable):
            count(fragile)
        with pytest.raises(DatabaseUnavailable):
            fragile.wait_for_change(0)

    postgres_server.start()
    assert fragile.wait_for_change(0)  # something may have happened meanwhile
    assert not fragile.wait_for_change(0.05)
    put(fragile, 3)
    assert fragile.wait_for_change(5)
    assert count(fragile) == 3
