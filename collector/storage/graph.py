"""The graph in the database, as ``lineage.traverse`` asks for it: one statement a question.

A dataset is known by its canonical id, whatever name the events used; a job by the id of the one that stands for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, literal, or_, select, union_all

from collector.storage.folding import members, stand
from collector.storage.tables import dataset, derivation, edge, job, namespace
from collector.storage.upsert import among
from collector.storage.validity import valid
from lineage.fold import Fold, LinkKind
from lineage.model import DatasetRef, Direction, JobRef
from lineage.timeline import NOW, Moment
from lineage.traverse import Key, Named, Step

DATA: Final = {Direction.INPUT: (Direction.INPUT,), Direction.OUTPUT: (Direction.OUTPUT,)}
CONTROL: Final = {
    Direction.INPUT: (Direction.INPUT, Direction.AFTER),
    Direction.OUTPUT: (Direction.OUTPUT, Direction.BEFORE),
}


def everything(_namespace: str) -> bool:
    """See all namespaces."""
    return True


class SqlGraph:
    """Reads through ``conn``. Satisfies ``lineage.traverse.Graph``.

    ``fold`` says which jobs stand for others, ``control`` whether control flow is followed. ``sees`` tells of a
    namespace whether the caller may see it: a node without a name is left out of an answer.
    """

    def __init__(
        self,
        conn: Connection,
        moment: Moment = NOW,
        fold: Fold = Fold.AUTO,
        *,
        control: bool = False,
        sees: Callable[[str], bool] = everything,
    ) -> None:
        self._conn = conn
        self._moment = moment
        self._fold = fold
        self._directions = CONTROL if control else DATA
        self._sees = sees

    def start(self, node: JobRef | DatasetRef) -> Key:
        if isinstance(node, JobRef):
            statement = select(stand(self._fold)).where(job.c.id == node.id)
            return "job", self._conn.execute(statement).scalar() or node.id
        statement = select(dataset.c.canonical_id).where(dataset.c.id == node.id)
        return "dataset", self._conn.execute(statement).scalar() or node.id

    def from_jobs(self, job_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        folded = members(self._conn, self._fold, job_ids).cte("members")
        statement = (
            select(folded.c.stand, dataset.c.canonical_id, edge.c.direction)
            .join_from(folded, edge, edge.c.job_id == folded.c.id)
            .join(dataset, dataset.c.id == edge.c.dataset_id)
            .where(edge.c.direction.in_(self._directions[direction]), valid(self._moment))
        )
        return self._steps(statement)

    def from_datasets(self, dataset_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        statement = (
            select(dataset.c.canonical_id, stand(self._fold), edge.c.direction)
            .join_from(dataset, edge, edge.c.dataset_id == dataset.c.id)
            .join(job, job.c.id == edge.c.job_id)
            .where(
                among(self._conn, dataset.c.canonical_id, dataset_ids),
                edge.c.direction.in_(self._directions[_other(direction)]),
                valid(self._moment),
            )
        )
        return self._steps(statement)

    def between_datasets(self, dataset_ids: Collection[int], direction: Direction) -> Iterable[Step]:
        upstream = direction is Direction.INPUT
        read, write = edge.alias("r"), edge.alias("w")
        near, far = dataset.alias("near"), dataset.alias("far")
        here, there = (write, read) if upstream else (read, write)
        reads = and_(read.c.direction.in_(self._directions[Direction.INPUT]), valid(self._moment, read))
        writes = and_(write.c.direction.in_(self._directions[Direction.OUTPUT]), valid(self._moment, write))
        asked = among(self._conn, near.c.canonical_id, dataset_ids)
        whole = (
            select(
                near.c.canonical_id,
                far.c.canonical_id,
                write.c.direction,
                read.c.direction,
                write.c.job_id,
            )
            .join_from(near, here, here.c.dataset_id == near.c.id)
            .join(there, there.c.job_id == here.c.job_id)
            .join(far, far.c.id == there.c.dataset_id)
            .where(asked, reads, writes, write.c.derivation_id.is_(None), ~read.c.implied)
        )
        columns = (near.c.canonical_id, far.c.canonical_id, write.c.direction, literal(0), write.c.job_id)
        if upstream:
            explicit = (
                select(*columns)
                .join_from(near, write, write.c.dataset_id == near.c.id)
                .join(derivation, derivation.c.id == write.c.derivation_id)
                .join(far, far.c.id == derivation.c.dataset_id)
            )
        else:
            explicit = (
                select(*columns)
                .join_from(near, derivation, derivation.c.dataset_id == near.c.id)
                .join(write, write.c.derivation_id == derivation.c.id)
                .join(far, far.c.id == write.c.dataset_id)
            )
        explicit = explicit.where(asked, writes).distinct()
        for near_id, far_id, wrote, did_read, job_id in self._conn.execute(union_all(whole, explicit)):
            yield Step(near_id, far_id, _kind(max(wrote, did_read)), job_id)

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, Named]:
        if not job_ids:
            return {}
        statement = (
            select(job.c.id, namespace.c.name, job.c.name, job.c.dataset_id.is_not(None))
            .join_from(job, namespace, namespace.c.id == job.c.namespace_id)
            .where(among(self._conn, job.c.id, job_ids))
        )
        return {
            id_: Named(place, name, hidden=bool(hidden))
            for id_, place, name, hidden in self._conn.execute(statement)
            if self._sees(place)
        }

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]:
        if not dataset_ids:
            return {}
        columns = (dataset.c.canonical_id, dataset.c.id, namespace.c.name, dataset.c.name)
        statement = (
            select(*columns, or_(dataset.c.artificial, dataset.c.job_id.is_not(None)))
            .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
            .where(among(self._conn, dataset.c.canonical_id, dataset_ids))
        )
        found: dict[int, Named] = {}
        others: dict[int, list[DatasetRef]] = defaultdict(list)
        for canonical_id, id_, place, name, hidden in self._conn.execute(statement):
            if not self._sees(place):
                continue
            if id_ == canonical_id:
                found[id_] = Named(place, name, hidden=bool(hidden))
            else:
                others[canonical_id].append(DatasetRef(place, name))
        for canonical_id, refs in others.items():
            # Whoever may not see the name that stands for the dataset sees it under one that he may.
            named = found.get(canonical_id) or Named(*min(refs))
            rest = tuple(ref for ref in refs if ref != (named.namespace, named.name))
            found[canonical_id] = named._replace(others=rest)
        return found

    def _steps(self, statement: Select[Any]) -> Iterator[Step]:
        for near_id, far_id, found in self._conn.execute(statement):
            yield Step(near_id, far_id, _kind(found), None)


def _other(direction: Direction) -> Direction:
    return Direction.OUTPUT if direction is Direction.INPUT else Direction.INPUT


def _kind(direction: int) -> LinkKind:
    return "data" if Direction(direction).is_data else "control"
