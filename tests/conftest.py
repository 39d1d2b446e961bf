"""What all tests share: a clean environment, and real databases of both kinds, migrated and empty."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from collector import garbage
from tests.acceptance.shared import (
    DIALECTS,
    connection,
    server_on_postgresql,
    server_on_sqlite,
    shared_server,
)
from tests.browser.chromium import program
from tests.postgres import PostgresServer

__all__ = ["connection", "server_on_postgresql", "server_on_sqlite", "shared_server"]

OURS = ("TIDEGATE_", "OPENLINEAGE_", "PG")
"""Variables that steer the program, the emitters' client and libpq: the caller's shell has no say."""

for name in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[name]

# The time of one example says nothing on a machine that also runs a database server and other workers.
# Examples differ from run to run: fewer in each leave the suite quick, and many runs find what one does not.
hypothesis.settings.register_profile("tidegate", deadline=None, print_blob=True, max_examples=50)
hypothesis.settings.load_profile("tidegate")


class Compiled(BytecodeCache):
    """The templates of the pages, compiled once a process: nearly every test makes an application of its own."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": Compiled()}

LEFT_OUT = {
    Path(__file__).parent / "benchmarks": "it measures",
    Path(__file__).parent / "targets": "it starts real orchestrators",
    **({} if program() else {Path(__file__).parent / "browser": "there is no chromium here"}),
}
"""Folders of tests that run only if the command line names them, or something in them, and why."""

TEMPLATE = "tidegate_template"

numbers = itertools.count(1)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what the command line does not name."""
    return True if collection_path in _left_out(config) else None


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests and modules that live to the end: a sixth of the time is its."""
    garbage.leave_alone()
    garbage.look_seldom()


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is left out, so that nobody believes it was run."""
    names = ", ".join(
        f"{folder.relative_to(config.rootpath)} ({LEFT_OUT[folder]})" for folder in _left_out(config)
    )
    return f"left out unless named: {names}" if names else None


def _left_out(config: pytest.Config) -> list[Path]:
    start = config.invocation_params.dir
    named = [(start / argument.partition("::")[0]).resolve() for argument in config.args]
    return [folder for folder in LEFT_OUT if not any(path.is_relative_to(folder) for path in named)]


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[PostgresServer]:
    """One server for all tests of this process, without durability: take a database, leave it running."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(shared_postgres: PostgresServer) -> str:
    """Name a migrated database to copy: a copy takes a twentieth of the time of the migrations."""
    from collector.storage.migrate import upgrade

    upgrade(shared_postgres.create_database(TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated database file to copy."""
    from collector.storage.migrate import upgrade

    path = tmp_path_factory.mktemp("template") / "tidegate.db"
    upgrade(f"sqlite:///{path}")
    log = path.with_name(f"{path.name}-wal")
    assert not log.exists() or not log.stat().st_size, "the migrations left a connection open"
    return path


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Name the kind of the test's database: every test runs once on each, unless its folder says otherwise."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a migrated, empty database of the test's own."""
    if dialect == "sqlite":
        path = tmp_path / "tidegate.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        template: str = request.getfixturevalue("postgres_template")
        yield from _postgres_database(request, template)


@pytest.fixture
def blank_database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database without any table, for tests of the migrations themselves."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'tidegate.db'}"
    else:
        yield from _postgres_database(request, "template1")


def _postgres_database(request: pytest.FixtureRequest, template: str) -> Iterator[str]:
    server: PostgresServer = request.getfixturevalue("shared_postgres")
    database = f"test_{next(numbers)}"
    yield server.create_database(database, template)
    server.drop_database(database)


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """Give a running server of the test's own, with ``fsync`` on, to stop, crash and restart at will.

    ``server.create_database(name)`` gives the URL of a blank database; migrate it before use.
    """
    with PostgresServer(durable=True) as server:
        yield server
