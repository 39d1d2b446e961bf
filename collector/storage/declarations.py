"""What jobs and datasets declare when their graph is written as OpenLineage events, and the graph piece by piece."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, func, select

from collector.storage.folding import stand
from collector.storage.graph import everything
from collector.storage.tables import dataset, derivation, edge, job, namespace
from collector.storage.upsert import among
from collector.storage.validity import valid
from lineage.declarations import Declaration, Made
from lineage.fold import Fold
from lineage.model import DatasetRef, Direction, JobPoint, JobRef, Point, Source
from lineage.timeline import NOW, Moment
from lineage.traverse import Key

PIECE: Final = 500
"""Jobs or datasets that are looked at together."""


class _Known(NamedTuple):
    ref: DatasetRef | JobPoint
    artificial: bool


class Named(NamedTuple):
    """A dataset under one of its names, the canonical one among them."""

    ref: DatasetRef
    others: list[DatasetRef]
    """The other names, of the canonical one; of the others none."""
    sources: tuple[Source, ...] | None
    """What somebody has declared it to be made from, without a job; None: nobody has."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the graph to declare: only these jobs and datasets, by id (of the canonical name)."""

    jobs: frozenset[int]
    datasets: frozenset[int]


class Declarations:
    """Reads through ``conn`` what was valid at a moment.

    ``sees`` tells of a namespace whether the caller may see it; what he may not see is left out, as is all that is not
    of ``part``.
    """

    def __init__(
        self,
        conn: Connection,
        moment: Moment = NOW,
        *,
        part: Part | None = None,
        sees: Callable[[str], bool] = everything,
    ) -> None:
        self._conn = conn
        self._moment = moment
        self._part = part
        self._sees = sees

    def jobs(self, job_ids: Collection[int]) -> list[Declaration]:
        """Give what jobs read and write, in the order of their names."""
        statement = (
            select(job.c.id, namespace.c.name, job.c.name)
            .join_from(job, namespace, namespace.c.id == job.c.namespace_id)
            .where(among(self._conn, job.c.id, job_ids), job.c.dataset_id.is_(None))
        )
        declared = {
            id_: Declaration(JobRef(place, name))
            for id_, place, name in self._conn.execute(statement)
            if self._sees(place)
        }
        uses = list(self._conn.execute(self._edges(among(self._conn, edge.c.job_id, declared))))
        sources = self._sources({use.derivation_id for use in uses} - {None})
        known = self._known({use.dataset_id for use in uses})
        made: dict[tuple[int, int], Made] = {}
        for use in uses:
            found = known.get(use.dataset_id)
            # Between a job and its own point there is always an edge; it comes with the point.
            if found is None or (
                isinstance(found.ref, JobPoint) and found.ref.job == declared[use.job_id].job
            ):
                continue
            if use.direction == Direction.INPUT:
                if not use.implied:
                    declared[use.job_id].inputs[found.ref] = found.artificial
                continue
            said = None if use.derivation_id is None else sources[use.derivation_id]
            output = made.get((use.job_id, use.dataset_id))
            if output is None:
                output = made[use.job_id, use.dataset_id] = Made(found.ref, said, found.artificial)
                declared[use.job_id].outputs.append(output)
            else:
                output.sources = _both(output.sources, said)
        for each in declared.values():
            each.inputs = dict(sorted(each.inputs.items()))
            each.outputs.sort(key=lambda output: output.dataset)
        return sorted(declared.values(), key=lambda each: each.job)

    def datasets(self, canonical_ids: Collection[int]) -> list[Named]:
        """Give those names of datasets of which there is more to say than what the jobs say, in order."""
        statement = (
            select(dataset.c.id, dataset.c.canonical_id, namespace.c.name.label("place"), dataset.c.name)
            .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
            .where(among(self._conn, dataset.c.canonical_id, canonical_ids), dataset.c.point.is_(None))
        )
        rows = [row for row in self._conn.execute(statement) if self._sees(row.place)]
        refs = {row.id: DatasetRef(row.place, row.name) for row in rows}
        sets: dict[int, list[DatasetRef]] = defaultdict(list)
        for row in rows:
            sets[row.canonical_id].append(refs[row.id])
        declared = list(
            self._conn.execute(
                self._edges(among(self._conn, edge.c.dataset_id, refs)).where(
                    job.c.dataset_id == edge.c.dataset_id, edge.c.direction == int(Direction.OUTPUT)
                )
            )
        )
        sources = self._sources({use.derivation_id for use in declared} - {None})
        said: dict[int, tuple[Source, ...] | None] = {}
        for use in declared:
            said[use.dataset_id] = _both(said.get(use.dataset_id, ()), sources.get(use.derivation_id, ()))
        found = []
        for row in rows:
            ref = refs[row.id]
            first = row.id == row.canonical_id or (
                row.canonical_id not in refs and ref == min(sets[row.canonical_id])
            )
            others = sorted(other for other in sets[row.canonical_id] if other != ref) if first else []
            if others or row.id in said:
                found.append(Named(ref, others, said.get(row.id)))
        return sorted(found)

    def _edges(self, which: ColumnElement[bool]) -> Any:
        return (
            select(edge.c.job_id, edge.c.dataset_id, edge.c.direction, edge.c.derivation_id, edge.c.implied)
            .join_from(edge, job, job.c.id == edge.c.job_id)
            .where(
                which,
                edge.c.direction.in_((int(Direction.INPUT), int(Direction.OUTPUT))),
                valid(self._moment),
            )
            .order_by(edge.c.job_id, edge.c.dataset_id, edge.c.direction, edge.c.valid_from)
        )

    def _sources(self, derivation_ids: Collection[int]) -> dict[int, tuple[Source, ...]]:
        """Give the sources of each derivation in their order; one that has none has ()."""
        found: dict[int, list[Source]] = {id_: [] for id_ in derivation_ids}
        statement = (
            select(derivation)
            .where(among(self._conn, derivation.c.id, derivation_ids))
            .order_by(derivation.c.id, derivation.c.position)
        )
        rows = list(self._conn.execute(statement)) if derivation_ids else []
        known = self._known({row.dataset_id for row in rows})
        for row in rows:
            if source := known.get(row.dataset_id):
                listed = msgspec.json.decode(row.transformations) if row.transformations else ()
                found[row.id].append(
                    Source(source.ref, row.field, row.target_field, tuple(map(tuple, listed)))
                )
        return {id_: tuple(sources) for id_, sources in found.items()}

    def _known(self, dataset_ids: Collection[int]) -> dict[int, _Known]:
        columns = (dataset.c.id, namespace.c.name.label("place"), dataset.c.name, dataset.c.canonical_id)
        statement = (
            select(*columns, dataset.c.job_id, dataset.c.point, dataset.c.artificial)
            .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
            .where(among(self._conn, dataset.c.id, dataset_ids))
        )
        found: dict[int, _Known] = {}
        for row in self._conn.execute(statement) if dataset_ids else ():
            if not self._sees(row.place) or not self._within(row):
                continue
            ref = (
                DatasetRef(row.place, row.name)
                if row.point is None
                else JobPoint(row.place, row.name, Point(row.point))
            )
            found[row.id] = _Known(ref, bool(row.artificial))
        return found

    def _within(self, row: Any) -> bool:
        """Whether a dataset is of the part; one that is artificial stands for what passes between its jobs."""
        if self._part is None:
            return True
        if row.job_id is not None:
            return row.job_id in self._part.jobs
        return bool(row.artificial) or row.canonical_id in self._part.datasets


def _both(one: tuple[Source, ...] | None, other: tuple[Source, ...] | None) -> tuple[Source, ...] | None:
    """Put together what two runs said within a window; all that the job reads (None) has the rest in it."""
    if one is None or other is None:
        return None
    return tuple(dict.fromkeys((*one, *other)))


def pieces(conn: Connection, fold: Fold = Fold.NONE) -> Iterator[list[Key]]:
    """Give all jobs that stand for themselves, then all datasets by their canonical names, ``PIECE`` at a time."""
    for ids in _pieces(conn, job, stand(fold) == job.c.id):
        yield [("job", each) for each in ids]
    for ids in _pieces(conn, dataset, dataset.c.canonical_id == dataset.c.id):
        yield [("dataset", each) for each in ids]


def count(conn: Connection, fold: Fold = Fold.NONE) -> int:
    """Count what ``pieces`` gives."""
    jobs = select(func.count()).select_from(job).where(stand(fold) == job.c.id)
    datasets = select(func.count()).select_from(dataset).where(dataset.c.canonical_id == dataset.c.id)
    return sum(conn.execute(each).scalar_one() for each in (jobs, datasets))


def _pieces(conn: Connection, table: Table, which: ColumnElement[bool]) -> Iterator[list[int]]:
    after = -1
    while True:
        statement = select(table.c.id).where(which, table.c.id > after).order_by(table.c.id).limit(PIECE)
        ids = list(conn.execute(statement).scalars())
        if not ids:
            return
        yield ids
        after = ids[-1]
