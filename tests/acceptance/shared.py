"""A server that several tests use, each in a namespace of its own: starting one takes seconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.connection import Connection
from tests.acceptance.server import Server, running
from tests.postgres import PostgresServer

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def server_on_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server with the settings as they are."""
    path = tmp_path_factory.mktemp("server") / "tidegate.db"
    shutil.copyfile(sqlite_template, path)
    with running(f"sqlite:///{path}") as server:
        yield server


@pytest.fixture(scope="session")
def server_on_postgresql(shared_postgres: PostgresServer, postgres_template: str) -> Iterator[Server]:
    """Give a server with the settings as they are."""
    with running(shared_postgres.create_database("shared", postgres_template)) as server:
        yield server


@pytest.fixture
def shared_server(dialect: str, request: pytest.FixtureRequest) -> Server:
    """Give the server on each kind of database in turn. Both go on until the last test has ended."""
    server: Server = request.getfixturevalue(f"server_on_{dialect}")
    return server


@pytest.fixture
def connection(shared_server: Server) -> Iterator[Connection]:
    """Give a connection to it."""
    with Connection(shared_server.port) as connection:
        yield connection
