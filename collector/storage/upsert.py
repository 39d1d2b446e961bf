"""The one place where the SQL of the two dialects differs: writing many rows that may be there, asking about many."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Table,
    Text,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

# What becomes of a column whose row exists: ``old`` is the stored row, ``excluded`` the new one. NULL says
# nothing except in REPLACE and SUM.
REPLACE: Final = "excluded.{c}"
LARGEST: Final = "CASE WHEN old.{c} IS NULL OR excluded.{c} > old.{c} THEN excluded.{c} ELSE old.{c} END"
SMALLEST: Final = "CASE WHEN old.{c} IS NULL OR excluded.{c} < old.{c} THEN excluded.{c} ELSE old.{c} END"
SUM: Final = "old.{c} + excluded.{c}"


MANY: Final = Text().with_variant(ARRAY(BigInteger), "postgresql")
"""The type of a parameter that holds any number of ids."""


def write_rows(
    conn: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    update: Mapping[str, str] | None = None,
    *,
    key: Sequence[str] | None = None,
    newest: Sequence[str] = (),
) -> None:
    """Insert ``rows``; where ``key`` (else the primary key) exists already, change it as ``update`` says.

    ``update`` maps a column to one of the constants above or to SQL of its own, with ``{c}`` for the quoted
    column; empty or None leaves existing rows alone. With an ``update``, no key may occur twice in ``rows``:
    PostgreSQL refuses to change a row twice in one statement. With ``newest``, a row is changed only if the
    new one is larger in these columns, compared in order.
    """
    keys = tuple(key or _primary_key(table))
    changes = tuple((update or {}).items())
    _run(conn, _insert(table, tuple(columns), keys, changes, tuple(newest), conn.dialect), rows)


def update_rows(
    conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Set ``columns`` of rows that exist: each of ``rows`` has the table's primary key, then the values."""
    _run(conn, _update(table, tuple(columns), conn.dialect), rows)


def delete_rows(conn: Connection, table: Table, keys: Sequence[Sequence[object]]) -> None:
    """Delete rows by primary key, its columns in the order of the table's."""
    _run(conn, _delete(table, conn.dialect), keys)


def replace(table: Table) -> dict[str, str]:
    """Give the ``update`` that replaces whole rows."""
    return {column.name: REPLACE for column in table.columns if not column.primary_key}


def names(table: Table) -> tuple[str, ...]:
    """Give the names of a table's columns, in order."""
    return tuple(column.name for column in table.columns)


def _run(conn: Connection, statement: str, rows: Sequence[Sequence[object]]) -> None:
    if not rows:
        return
    if conn.dialect.name == "postgresql":
        # One array a column: a thousand rows cost one statement, and the same one whatever their number.
        conn.exec_driver_sql(statement, tuple(list(column) for column in zip(*rows, strict=True)))
    else:
        conn.exec_driver_sql(statement, [tuple(row) for row in rows])


def among(conn: Connection, column: ColumnElement[int], values: Iterable[int]) -> ColumnElement[bool]:
    """Say that ``column`` is one of ``values``, any number of them, as one parameter."""
    return among_parameter(conn.dialect, column, bindparam(None, many(conn, values), type_=MANY))


def many(conn: Connection, values: Iterable[int]) -> object:
    """Give any number of values as one parameter, see ``among_parameter``."""
    return list(values) if conn.dialect.name == "postgresql" else json.dumps(list(values))


def among_parameter(
    dialect: Dialect, column: ColumnElement[int], parameter: BindParameter[Any]
) -> ColumnElement[bool]:
    """Say that ``column`` is one of the values that ``many`` made a parameter, of type ``MANY``."""
    if dialect.name == "postgresql":
        return column == func.any(parameter)
    listed = func.json_each(parameter).table_valued("value")
    return column.in_(select(listed.c.value))


def table_of(conn: Connection, pairs: Collection[tuple[int, str | None]]) -> FromClause:
    """Give ``pairs``, any number of them, as a table with the columns ``id`` and ``text``."""
    if conn.dialect.name == "postgresql":
        ids = bindparam(None, [id_ for id_, _ in pairs], type_=ARRAY(BigInteger))
        texts = bindparam(None, [text for _, text in pairs], type_=ARRAY(Text))
        return func.unnest(ids, texts).table_valued("id", "text").render_derived()
    listed = func.json_each(json.dumps(list(pairs))).table_valued("value")
    parts = (
        func.json_extract(listed.c.value, f"$[{at}]").label(name) for at, name in enumerate(("id", "text"))
    )
    return select(*parts).subquery()


def table_parameter(dialect: Dialect, name: str, **columns: TypeEngine[Any]) -> FromClause:
    """Give any number of rows, made parameters by ``rows_parameter``, as a table with these columns."""
    if dialect.name == "postgresql":
        arrays = (bindparam(f"{name}_{key}", type_=ARRAY(type_)) for key, type_ in columns.items())
        return func.unnest(*arrays).table_valued(*columns).render_derived()
    listed = func.json_each(bindparam(name, type_=Text)).table_valued("value")
    parts = (func.json_extract(listed.c.value, f"$[{at}]").label(key) for at, key in enumerate(columns))
    return select(*parts).subquery()


def rows_parameter(
    conn: Connection, name: str, columns: Sequence[str], rows: Collection[Sequence[object]]
) -> dict[str, object]:
    """Give the parameters for ``rows`` in the place of a ``table_parameter``."""
    if conn.dialect.name == "postgresql":
        return {f"{name}_{key}": [row[at] for row in rows] for at, key in enumerate(columns)}
    return {name: json.dumps(list(rows))}


def _primary_key(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _source(table: Table, columns: tuple[str, ...], dialect: Dialect) -> str:
    if dialect.name == "postgresql":
        arrays = (f"%s::{table.c[name].type.compile(dialect)}[]" for name in columns)
        return f"SELECT * FROM unnest({', '.join(arrays)})"
    return f"VALUES ({', '.join('?' * len(columns))})"


@lru_cache(maxsize=256)
def _insert(
    table: Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    changes: tuple[tuple[str, str], ...],
    newest: tuple[str, ...],
    dialect: Dialect,
) -> str:
    quote = dialect.identifier_preparer.quote
    action = "NOTHING"
    if changes:
        assignments = (f"{quote(name)} = {rule.format(c=quote(name))}" for name, rule in changes)
        action = f"UPDATE SET {', '.join(assignments)}"
    if newest:
        new, old = (", ".join(f"{side}.{quote(name)}" for name in newest) for side in ("excluded", "old"))
        action += f" WHERE ({new}) > ({old})"
    return (
        f"INSERT INTO {quote(table.name)} AS old ({', '.join(map(quote, columns))}) "
        f"{_source(table, columns, dialect)} ON CONFLICT ({', '.join(map(quote, key))}) DO {action}"
    )


@lru_cache(maxsize=64)
def _update(table: Table, columns: tuple[str, ...], dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    key = _primary_key(table)
    given = _source(table, key + columns, dialect)
    new = ", ".join(map(quote, key + columns))
    changes = ", ".join(f"{quote(name)} = new.{quote(name)}" for name in columns)
    same = " AND ".join(f"{quote(table.name)}.{quote(name)} = new.{quote(name)}" for name in key)
    # SQLite does not name the columns of a list of values by itself.
    return f"WITH new ({new}) AS ({given}) UPDATE {quote(table.name)} SET {changes} FROM new WHERE {same}"


@lru_cache(maxsize=64)
def _delete(table: Table, dialect: Dialect) -> str:
    key = _primary_key(table)
    columns = ", ".join(map(dialect.identifier_preparer.quote, key))
    target = dialect.identifier_preparer.quote(table.name)
    if dialect.name == "postgresql":
        return f"DELETE FROM {target} WHERE ({columns}) IN ({_source(table, key, dialect)})"
    return f"DELETE FROM {target} WHERE ({columns}) = ({', '.join('?' * len(key))})"
