"""The one place where the SQL of the two dialects differs: writing many rows that may be there already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

# What becomes of a column whose row exists: ``old`` is the stored row, ``excluded`` the new one. NULL says
# nothing except in REPLACE and SUM.
REPLACE: Final = "excluded.{c}"
FILL: Final = "coalesce(old.{c}, excluded.{c})"
LARGEST: Final = "CASE WHEN old.{c} IS NULL OR excluded.{c} > old.{c} THEN excluded.{c} ELSE old.{c} END"
SMALLEST: Final = "CASE WHEN old.{c} IS NULL OR excluded.{c} < old.{c} THEN excluded.{c} ELSE old.{c} END"
EITHER: Final = "(old.{c} OR excluded.{c})"
SUM: Final = "old.{c} + excluded.{c}"


def write_rows(
    conn: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    update: Mapping[str, str] | None = None,
    *,
    key: Sequence[str] | None = None,
) -> None:
    """Insert ``rows``; where ``key`` (else the primary key) exists already, change it as ``update`` says.

    ``update`` maps a column to one of the constants above or to SQL of its own, with ``{c}`` for the quoted
    column; empty or None leaves existing rows alone. With an ``update``, no key may occur twice in ``rows``:
    PostgreSQL refuses to change a row twice in one statement.
    """
    if not rows:
        return
    keys = tuple(key or (column.name for column in table.primary_key))
    changes = tuple((update or {}).items())
    statement = _statement(table, tuple(columns), keys, changes, conn.dialect)
    if conn.dialect.name == "postgresql":
        # One array a column: a thousand rows cost one statement, and the same one whatever their number.
        conn.exec_driver_sql(statement, tuple(list(column) for column in zip(*rows, strict=True)))
    else:
        conn.exec_driver_sql(statement, [tuple(row) for row in rows])


def among(conn: Connection, column: ColumnElement[int], values: Iterable[int]) -> ColumnElement[bool]:
    """Say that ``column`` is one of ``values``, any number of them, as one parameter."""
    if conn.dialect.name == "postgresql":
        array = bindparam(None, list(values), type_=ARRAY(BigInteger))
        return column == func.any(array)
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))


@lru_cache(maxsize=256)
def _statement(
    table: Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    changes: tuple[tuple[str, str], ...],
    dialect: Dialect,
) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    if dialect.name == "postgresql":
        arrays = (f"%s::{table.c[name].type.compile(dialect)}[]" for name in columns)
        source = f"SELECT * FROM unnest({', '.join(arrays)})"
    else:
        source = f"VALUES ({', '.join('?' * len(columns))})"
    action = "NOTHING"
    if changes:
        assignments = (f"{quote(name)} = {rule.format(c=quote(name))}" for name, rule in changes)
        action = f"UPDATE SET {', '.join(assignments)}"
    target = ", ".join(quote(name) for name in key)
    return f"INSERT INTO {quote(table.name)} AS old ({names}) {source} ON CONFLICT ({target}) DO {action}"
