"""Reading runs back as ``lineage.runs`` objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, select

from collector.storage.tables import run, run_io
from lineage.edges import EdgeKey
from lineage.runs import Run, RunUse

T = TypeVar("T")

MAX_VALUES = 10_000
"""Values of one IN: SQLite takes 32,766 variables in a statement, PostgreSQL's protocol 65,535."""


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), MAX_VALUES):
        yield values[start : start + MAX_VALUES]


def runs_of(
    conn: Connection,
    *where: ColumnElement[bool],
    order_by: Sequence[ColumnElement[Any]] = (),
    limit: int | None = None,
) -> list[Run]:
    statement = select(run).where(*where).order_by(*order_by).limit(limit)
    return [Run(*row) for row in conn.execute(statement)]


def run_uses(conn: Connection, run_ids: Sequence[int]) -> dict[int, dict[EdgeKey, RunUse]]:
    """Give the datasets of runs: for each run id, by (dataset id, direction)."""
    found: dict[int, dict[EdgeKey, RunUse]] = {}
    for part in chunks(run_ids):
        for row in conn.execute(select(run_io).where(run_io.c.run_id.in_(part))):
            use = RunUse(*row)
            found.setdefault(use.run_id, {})[use.dataset_id, use.direction] = use
    return found
