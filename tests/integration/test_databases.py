"""The databases that the other tests stand on: empty, migrated, apart from each other, and able to crash."""

from __future__ import annotations

from typing import Literal

import psycopg
import pytest
import sqlalchemy

from tests.postgres import PostgresServer


def rows_of(server: PostgresServer, database: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url(database)) as connection:
        return connection.execute("SELECT n FROM kept ORDER BY n").fetchall()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restarted_server_keeps_what_was_committed(
    postgres_server: PostgresServer, mode: Literal["fast", "immediate"]
) -> None:
    url = postgres_server.create_database("restarted")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    before = postgres_server.url("restarted")

    postgres_server.restart(mode)

    assert postgres_server.url("restarted") == before
    assert rows_of(postgres_server, "restarted") == [(1,)]


def test_a_stopped_server_refuses_connections_and_a_crash_server_is_durable(
    postgres_server: PostgresServer,
) -> None:
    with psycopg.connect(postgres_server.url()) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    postgres_server.stop()
    assert not postgres_server.running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres_server.url())


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_a_blank_database_of_its_own(blank_database_url: str, turn: int) -> None:
    engine = sqlalchemy.create_engine(blank_database_url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        assert sqlalchemy.inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE mine (n int)")
    finally:
        engine.dispose()


def test_a_migrated_database_has_the_tables_and_no_events(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM event").scalar() == 0
    finally:
        engine.dispose()
