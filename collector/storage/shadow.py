"""A second, empty set of the projected tables, to build beside the ones in use, and the difference between the two."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, String, Table, collate, select
from sqlalchemy.engine import make_url

from collector.storage.engine import Database
from collector.storage.tables import PROJECTION, metadata

SCHEMA = "tidegate_rebuild"
"""PostgreSQL schema of the second set. In SQLite it is a file beside the database."""

PIECE = 10_000
"""Rows fetched at a time when two tables are compared."""


@contextmanager
def shadow(database: Database) -> Iterator[Database]:
    """Make the second set, give it as a database of its own, and remove it at the end."""
    if database.dialect == "sqlite":
        path = f"{database.path}.rebuild"
        _remove(path)
        beside = Database(f"sqlite:///{path}")
    else:
        with database.write() as conn:
            conn.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            conn.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        url = make_url(database.url).update_query_dict({"options": f"-csearch_path={SCHEMA}"})
        beside = Database(url.render_as_string(hide_password=False))
    try:
        with beside.write() as conn:
            metadata.create_all(conn, PROJECTION)
        yield beside
    finally:
        beside.close()
        if database.dialect == "sqlite":
            _remove(path)
        else:
            with database.write() as conn:
                conn.exec_driver_sql(f"DROP SCHEMA {SCHEMA} CASCADE")


def _remove(path: str) -> None:
    for suffix in ("", "-wal", "-shm", ".lock", ".turn"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)


Difference = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]
"""(primary keys of rows to delete, rows to insert or replace)"""


def differences(table: Table, old: Connection, new: Connection) -> Iterator[Difference]:
    """Compare two tables row by row, in the order of their keys; give what makes the old one equal, in pieces."""
    width = len(table.primary_key)
    gone: list[tuple[Any, ...]] = []
    put: list[tuple[Any, ...]] = []
    olds, news = _rows(table, old), _rows(table, new)
    left, right = next(olds, None), next(news, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[:width] < right[:width]):
            gone.append(left[:width])  # type: ignore[index]  # one of the two is there
            left = next(olds, None)
        elif left is None or right[:width] < left[:width]:
            put.append(right)
            right = next(news, None)
        else:
            if left != right:
                put.append(right)
            left, right = next(olds, None), next(news, None)
        if len(gone) + len(put) >= PIECE:
            yield gone, put
            gone, put = [], []
    yield gone, put


def _rows(table: Table, conn: Connection) -> Iterator[tuple[Any, ...]]:
    """Read a table in the order in which Python sorts its keys. The key's columns are the table's first."""

    def ordered(column: Column[Any]) -> Any:
        # A language's collation would sort names otherwise; "C" sorts by bytes, as SQLite does.
        return (
            collate(column, "C")
            if isinstance(column.type, String) and conn.dialect.name != "sqlite"
            else column
        )

    statement = select(table).order_by(*(ordered(column) for column in table.primary_key))
    for row in conn.execution_options(yield_per=PIECE).execute(statement):
        yield tuple(row)
