"""Columns in the database, as ``lineage.columns`` asks for them: one statement a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, or_, select

from collector.storage.dataset_reads import schema_fields
from collector.storage.facet_reads import current_facet
from collector.storage.folding import stand
from collector.storage.graph import SqlGraph, everything
from collector.storage.tables import dataset, derivation, edge, job, namespace
from collector.storage.upsert import among, table_of
from collector.storage.validity import valid
from lineage.changes import LONGEST_PREFIX
from lineage.columns import Column, Derived, Transformation
from lineage.model import Direction

MOST_FIELDS = 20
"""Columns of one dataset that are asked for by name; of more, all are read and those asked for picked from them."""

SCHEMA = "schema"


class SqlColumns(SqlGraph):
    """Satisfies ``lineage.columns.ColumnGraph``. Jobs are told by those that stand for them."""

    def sources(self, columns: Collection[Column]) -> Iterable[Derived]:
        asked = _asked(self._conn, columns)
        near, far = dataset.alias("target"), dataset.alias("source")
        statement = (
            select(far.c.canonical_id, derivation.c.field, near.c.canonical_id, derivation.c.target_field)
            .join_from(asked, near, near.c.canonical_id == asked.c.id)
            .join(edge, edge.c.dataset_id == near.c.id)
            .join(derivation, derivation.c.id == edge.c.derivation_id)
            .join(far, far.c.id == derivation.c.dataset_id)
            .where(_same(derivation.c.target_field, asked.c.text))
        )
        return self._derived(statement.where(far.c.job_id.is_(None)))

    def targets(self, columns: Collection[Column]) -> Iterable[Derived]:
        asked = _asked(self._conn, columns)
        near, far = dataset.alias("source"), dataset.alias("target")
        statement = (
            select(near.c.canonical_id, derivation.c.field, far.c.canonical_id, derivation.c.target_field)
            .join_from(asked, near, near.c.canonical_id == asked.c.id)
            .join(derivation, derivation.c.dataset_id == near.c.id)
            .join(edge, edge.c.derivation_id == derivation.c.id)
            .join(far, far.c.id == edge.c.dataset_id)
            .where(_same(derivation.c.field, asked.c.text))
        )
        return self._derived(statement.where(far.c.job_id.is_(None)))

    def schemas(self, dataset_ids: Collection[int]) -> Mapping[int, Mapping[str, str | None]]:
        return schemas(self._conn, dataset_ids, self._sees)

    def _derived(self, statement: Select[Any]) -> Iterator[Derived]:
        told = (
            statement.add_columns(derivation.c.transformations, stand(self._fold))
            .join(job, job.c.id == edge.c.job_id)
            .where(
                edge.c.direction == int(Direction.OUTPUT),
                valid(self._moment),
                or_(derivation.c.field.is_not(None), derivation.c.target_field.is_not(None)),
            )
            # A row about a whole dataset comes for each of its columns that was asked for.
            .distinct()
        )
        for source_id, field, target_id, target_field, body, job_id in self._conn.execute(told):
            yield Derived(
                Column(source_id, field), Column(target_id, target_field), _transformations(body), job_id
            )


@lru_cache(maxsize=10_000)
def _transformations(body: str | None) -> tuple[Transformation, ...]:
    """Read what is done to a source; mostly the same few things, thousands of times."""
    return tuple(Transformation(*each) for each in msgspec.json.decode(body or "[]"))


def schemas(
    conn: Connection, dataset_ids: Collection[int], may_see: Callable[[str], bool] = everything
) -> dict[int, dict[str, str | None]]:
    """Give the columns of datasets (by canonical id) as the ``schema`` facets under any of their names have them.

    Names of namespaces that the caller may not see are left out.

    Each column with its type, None where it is not known; fields of fields as ``address.city``.
    """
    if not dataset_ids:
        return {}
    columns = (dataset.c.id, dataset.c.canonical_id, namespace.c.name.label("place"))
    members = (
        select(*columns)
        .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
        .order_by(dataset.c.id)
    )
    rows = conn.execute(members.where(among(conn, dataset.c.canonical_id, dataset_ids)))
    owners = {row.id: row.canonical_id for row in rows if may_see(row.place)}
    found: dict[int, dict[str, str | None]] = {}
    for owner, version in sorted(
        current_facet(conn, list(owners), SCHEMA).items(), key=lambda item: (item[1].last_seen_at, item[0])
    ):
        # What was seen last is right about a type; a column that only an older name has is there all the same.
        found.setdefault(owners[owner], {}).update(_fields(schema_fields(version)))
    return found


def _fields(entries: Iterable[object]) -> Iterator[tuple[str, str | None]]:
    waiting = [("", entries)]
    while waiting:
        prefix, fields = waiting.pop()
        for field in fields:
            name = field.get("name") if isinstance(field, dict) else None
            if isinstance(field, dict) and isinstance(name, str) and name:
                data_type, inner = field.get("type"), field.get("fields")
                yield prefix + name, data_type if isinstance(data_type, str) and data_type else None
                if isinstance(inner, list) and len(prefix) < LONGEST_PREFIX:
                    waiting.append((f"{prefix}{name}.", inner))


def _asked(conn: Connection, columns: Collection[Column]) -> Any:
    """Give the columns as a table of dataset and name; a name of NULL stands for all."""
    fields = Counter(column.dataset_id for column in columns)
    pairs = {(id_, None if fields[id_] > MOST_FIELDS else name) for id_, name in columns}
    return table_of(conn, list(pairs))


def _same(here: Any, asked: Any) -> Any:
    """Say that a column is the one asked for, letter case aside; or that either means all of the dataset."""
    return or_(here.is_(None), asked.is_(None), func.lower(here) == func.lower(asked))
