"""Schema migrations: upgrade, downgrade, and the comparison of a database with ``tables.py``."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Column, Connection, Index

from collector.errors import ConfigurationError
from collector.storage.engine import Database
from collector.storage.tables import metadata

_alone = threading.Lock()
"""Alembic keeps the migration at work in a global variable of the process."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to ``revision``, in one transaction: all of it or nothing. Nothing to do is fine."""
    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Bring the database back to ``revision`` (``base``: empty), in one transaction."""
    _run(url, lambda config: command.downgrade(config, revision))


def current(url: str) -> str | None:
    """Give the revision that the database is at; None if it has no tables of ours."""
    database = Database(url)
    try:
        with database.read() as conn:
            return current_of(conn)
    finally:
        database.close()


def current_of(conn: Connection) -> str | None:
    """Give the revision of the database behind ``conn``; None if it has no tables of ours."""
    return MigrationContext.configure(conn).get_current_revision()


def head() -> str:
    """Give the revision that this version of Tidegate needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def check(url: str) -> list[str]:
    """List what differs between the database and ``tables.py``, in words; empty if nothing does."""
    database = Database(url)
    try:
        with database.read() as conn, warnings.catch_warnings():
            # SQLite does not show indexes on expressions; the tests compare their text instead.
            warnings.filterwarnings("ignore", message=".*expression-based index")
            context = MigrationContext.configure(
                conn, opts={"include_object": _comparable(conn.dialect.name)}
            )
            found = context.get_current_revision()
            differences = [_words(item) for item in compare_metadata(context, metadata)]
    finally:
        database.close()
    if found != head():
        differences.insert(0, f"the database is at revision {found or 'none'}, this version needs {head()}")
    return differences


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "collector.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _run(url: str, action: Callable[[Config], None]) -> None:
    config = _config()
    database = Database(url)
    try:
        with _alone, database.write() as conn:
            config.attributes["connection"] = conn
            action(config)
    except CommandError as error:
        raise ConfigurationError(f"The database cannot be migrated: {error}.") from error
    finally:
        database.close()


def _comparable(dialect: str) -> Any:
    def include(item: object, _name: str | None, _kind: str, _reflected: bool, _other: object) -> bool:
        on_expression = isinstance(item, Index) and not all(
            isinstance(part, Column) for part in item.expressions
        )
        return not (on_expression and dialect == "sqlite")

    return include


def _words(difference: Any) -> str:
    if isinstance(difference, list):
        return "; ".join(_words(item) for item in difference)
    kind, *rest = difference
    names = [getattr(item, "name", item) for item in rest]
    return f"{str(kind).replace('_', ' ')}: {' '.join(str(name) for name in names if name is not None)}"
