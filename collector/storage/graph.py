"""The graph in the database, as ``lineage.traverse`` asks for it: the edges that are open now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Table, or_, select

from collector.storage.tables import dataset, dataset_alias, derivation, edge, job, namespace
from collector.storage.upsert import among
from lineage.model import DatasetRef, Direction, JobRef
from lineage.traverse import Edge


class SqlGraph:
    """Reads through ``conn``; one statement a question. Satisfies ``lineage.traverse.Graph``."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def edges_of_datasets(self, dataset_ids: Collection[int], direction: Direction) -> list[Edge]:
        return self._edges(edge.c.dataset_id, dataset_ids, direction)

    def edges_of_jobs(self, job_ids: Collection[int], direction: Direction) -> list[Edge]:
        return self._edges(edge.c.job_id, job_ids, direction)

    def sources(self, derivation_ids: Collection[int]) -> Mapping[int, Collection[int]]:
        found: dict[int, set[int]] = defaultdict(set)
        if derivation_ids:
            wanted = among(self._conn, derivation.c.id, derivation_ids)
            for id_, dataset_id in self._conn.execute(
                select(derivation.c.id, derivation.c.dataset_id).where(wanted).distinct()
            ):
                found[id_].add(dataset_id)
        return found

    def aliases(self, dataset_ids: Collection[int]) -> list[tuple[int, int, str]]:
        if not dataset_ids:
            return []
        one, other = dataset_alias.c.dataset_id, dataset_alias.c.other_id
        stands = or_(among(self._conn, one, dataset_ids), among(self._conn, other, dataset_ids))
        return [(row[0], row[1], row[2]) for row in self._conn.execute(select(dataset_alias).where(stands))]

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, JobRef]:
        return {id_: JobRef(*ref) for id_, *ref in self._names(job, job_ids)}

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, DatasetRef]:
        return {id_: DatasetRef(*ref) for id_, *ref in self._names(dataset, dataset_ids)}

    def _edges(self, column: Column[int], ids: Collection[int], direction: Direction) -> list[Edge]:
        if not ids:
            return []
        statement = (
            select(
                edge.c.job_id,
                edge.c.dataset_id,
                edge.c.derivation_id,
                edge.c.implied,
                job.c.dataset_id.is_not(None),
            )
            .join_from(edge, job, job.c.id == edge.c.job_id)
            .where(
                among(self._conn, column, ids), edge.c.direction == int(direction), edge.c.valid_to.is_(None)
            )
        )
        return [
            Edge(job_id, dataset_id, direction, derivation_id, bool(implied), bool(declared))
            for job_id, dataset_id, derivation_id, implied, declared in self._conn.execute(statement)
        ]

    def _names(self, table: Table, ids: Collection[int]) -> list[Any]:
        if not ids:
            return []
        statement = (
            select(table.c.id, namespace.c.name, table.c.name)
            .join_from(table, namespace, namespace.c.id == table.c.namespace_id)
            .where(among(self._conn, table.c.id, ids))
        )
        return list(self._conn.execute(statement))
