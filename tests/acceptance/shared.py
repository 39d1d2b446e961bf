"""A server that several tests use, each in a namespace of its own: starting one takes seconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.acceptance.connection import Connection
from tests.acceptance.server import Server, running
from tests.postgres import PostgresServer

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(scope="session", params=DIALECTS)
def shared_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Give a server with the settings as they are, once on each kind of database."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("server") / "tidegate.db"
        shutil.copyfile(cast(Path, request.getfixturevalue("sqlite_template")), path)
        url = f"sqlite:///{path}"
    else:
        postgres = cast(PostgresServer, request.getfixturevalue("shared_postgres"))
        url = postgres.create_database("shared", request.getfixturevalue("postgres_template"))
    with running(url) as server:
        yield server


@pytest.fixture
def connection(shared_server: Server) -> Iterator[Connection]:
    """Give a connection to it."""
    with Connection(shared_server.port) as connection:
        yield connection
