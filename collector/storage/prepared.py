"""Statements that are asked often: built and compiled once, and run with other values.

To build a statement with SQLAlchemy takes it some hundreds of microseconds, ten times what the database needs for the
answer when a graph is walked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect
from sqlalchemy.sql.expression import ClauseElement


class Prepared:
    """A compiled statement. Its parameters, and what it selects, are numbers and texts that need no conversion."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self._text = str(compiled)
        self._values: dict[str, Any] = dict(compiled.params)
        self._order: list[str] | None = compiled.positiontup

    def run(self, conn: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Run it with values for its named parameters."""
        given = {**self._values, **values}
        if self._order is None:
            return conn.exec_driver_sql(self._text, given)
        return conn.exec_driver_sql(self._text, tuple(given[name] for name in self._order))
