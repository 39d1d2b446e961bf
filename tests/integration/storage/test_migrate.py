"""The migrations against ``tables.py``, up and down, on blank and on filled databases."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
import sqlalchemy
from sqlalchemy import inspect, select
from sqlalchemy.schema import CreateIndex, CreateTable

from collector.errors import ConfigurationError
from collector.storage import migrate
from collector.storage.engine import Database
from collector.storage.tables import event, metadata


@pytest.fixture
def database(blank_database_url: str) -> Iterator[Database]:
    opened = Database(blank_database_url)
    yield opened
    opened.close()


def table_names(database: Database) -> set[str]:
    with database.read() as conn:
        return set(inspect(conn).get_table_names())


def test_a_blank_database_is_told_from_a_migrated_one(blank_database_url: str) -> None:
    assert migrate.current(blank_database_url) is None
    assert migrate.check(blank_database_url)[0] == (
        f"the database is at revision none, this version needs {migrate.head()}"
    )
    migrate.upgrade(blank_database_url)
    assert migrate.current(blank_database_url) == migrate.head()
    assert migrate.check(blank_database_url) == []
    migrate.upgrade(blank_database_url)


def test_a_difference_is_named(blank_database_url: str, database: Database) -> None:
    migrate.upgrade(blank_database_url)
    with database.write() as conn:
        conn.exec_driver_sql("ALTER TABLE run DROP COLUMN error")
        conn.exec_driver_sql("DROP INDEX ix_edge_derivation_id")
    assert sorted(migrate.check(blank_database_url)) == [
        "add column: run error",
        "add index: ix_edge_derivation_id",
    ]


def test_down_to_nothing_and_up_again(blank_database_url: str, database: Database) -> None:
    migrate.upgrade(blank_database_url)
    assert table_names(database) == {*metadata.tables, "alembic_version"}
    migrate.downgrade(blank_database_url, "base")
    assert table_names(database) == {"alembic_version"}
    assert migrate.current(blank_database_url) is None
    migrate.upgrade(blank_database_url)
    assert migrate.check(blank_database_url) == []


def test_a_filled_database_keeps_its_events(blank_database_url: str, database: Database) -> None:
    """Up through every revision with an event in the log; today there is one revision."""
    migrate.upgrade(blank_database_url, "0001")
    values = {
        "kind": "run", "event_type": "START", "event_time": 1, "received_at": 2, "run_key": b"k" * 16,
        "entity_id": 2**62, "hash": b"h" * 16, "size": 3, "body": b"{}",
    }  # fmt: skip
    with database.write() as conn:
        conn.execute(event.insert().values(values))
    migrate.upgrade(blank_database_url)
    assert migrate.check(blank_database_url) == []
    with database.read() as conn:
        assert dict(conn.execute(select(event)).one()._mapping) == {"id": 1, "warnings": None, **values}


def test_servers_that_start_together_migrate_once(blank_database_url: str) -> None:
    with (
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes,
        ThreadPoolExecutor(2) as threads,
    ):
        started = [pool.submit(migrate.upgrade, blank_database_url) for pool in (processes, threads) * 2]
        for future in started:
            future.result(60)
    assert migrate.check(blank_database_url) == []


def test_a_failed_migration_leaves_nothing_behind(blank_database_url: str, database: Database) -> None:
    with database.write() as conn:
        conn.exec_driver_sql("CREATE TABLE api_key (mine int)")  # the last one that 0001 creates
    with pytest.raises(sqlalchemy.exc.DatabaseError):
        migrate.upgrade(blank_database_url)
    assert table_names(database) == {"api_key"}


def test_a_database_of_a_later_version_is_refused_in_words(
    blank_database_url: str, database: Database
) -> None:
    migrate.upgrade(blank_database_url)
    with database.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="cannot be migrated: Can't locate revision"):
        migrate.upgrade(blank_database_url)


def test_sqlite_has_the_very_tables_of_the_metadata(tmp_path: object) -> None:
    """Also what Alembic does not compare on SQLite: clustering, AUTOINCREMENT and indexes on expressions."""
    url = f"sqlite:///{tmp_path}/tidegate.db"
    migrate.upgrade(url)
    database = Database(url)
    with database.read() as conn:
        rows = conn.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        ).all()
        found = {row[0]: normal(row[1]) for row in rows if row[0] != "alembic_version"}
        dialect = conn.dialect
    database.close()
    wanted = {}
    for table in metadata.sorted_tables:
        wanted[table.name] = normal(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            wanted[str(index.name)] = normal(str(CreateIndex(index).compile(dialect=dialect)))
    assert found == wanted


def normal(statement: str) -> list[str]:
    """Give the parts of a statement, in whatever order: SQLite puts a column that was added later after the keys."""
    words = " ".join(statement.split()).replace("( ", "(").replace(" )", ")")
    return sorted(
        part.strip(" ()").replace("(", " ").replace(")", " ")
        for part in words.replace("TABLE ", ",").split(",")
    )
