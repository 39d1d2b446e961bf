"""What all tables share: where they are registered, and kinds of columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes a table's rowid of an INTEGER PRIMARY KEY only; a BIGINT one would cost a second tree.
RowId = BigInteger().with_variant(Integer, "sqlite")

CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
"""Keep rows in the tree of their primary key; in SQLite a second tree for it would double the writes."""

SORT_PREFIX = 200
"""Characters of a name that listings sort by: at most 800 bytes; PostgreSQL allows 2,704 an index row."""
