"""Namespaces, jobs and datasets: a row for each that an event names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Table, select

from collector.storage import upsert
from collector.storage.changes import Changes
from collector.storage.selects import chunks
from collector.storage.tables import dataset, edge, job, namespace
from collector.storage.timelines import standing_edge
from lineage.model import DatasetRef, JobPoint, JobRef, Observation, RunRef, entity_id
from triggers.conditions import NAMESPACE as TRIGGERS

CACHED_NAMES: Final = 500_000
"""Ids of rows known to be written already; some 100 bytes each."""

FIXED: Final = {
    namespace: ("id", "name"),
    job: ("id", "namespace_id", "name", "dataset_id"),
    dataset: ("id", "namespace_id", "name", "job_id", "point"),
}
"""The columns that make a row what it is; the others follow from events and rules."""

_IS_NEWER = (
    "old.parent_seen_at IS NULL OR (excluded.parent_seen_at, excluded.parent_id, excluded.root_id) "
    "> (old.parent_seen_at, old.parent_id, old.root_id)"
)
_NEWEST = f"CASE WHEN {_IS_NEWER} THEN excluded.{{c}} ELSE old.{{c}} END"
_JOB_SEEN = {
    "parent_id": _NEWEST,
    "root_id": _NEWEST,
    "parent_seen_at": _NEWEST,
    "detail": upsert.LARGEST,
    "first_seen_at": upsert.SMALLEST,
    "last_seen_at": upsert.LARGEST,
}

_Rows = dict[int, tuple[Any, ...]]


class Collision(Exception):
    """Two names have the same id. One of 10^7 catalogs of a million names meets this; the event is parked."""


class Entities:
    """Writes the rows of what events name. Keeps in memory which it has written."""

    def __init__(self) -> None:
        self._written: set[int] = set()
        self._artificial: set[int] = set()

    def forget(self) -> None:
        """Drop what is kept in memory."""
        self._written.clear()
        self._artificial.clear()

    def trim(self) -> None:
        """Keep within ``CACHED_NAMES``."""
        if len(self._written) > CACHED_NAMES:
            self.forget()

    def prepare(
        self, conn: Connection, observations: Collection[Observation], changes: Changes
    ) -> Mapping[int, DatasetRef]:
        """Add the rows that a batch writes; give the datasets that may be new.

        Raises:
            Collision: an id stands for another name already.
        """
        found = _Found(self._written)
        for seen in observations:
            found.observation(seen)
        for table, rows in ((namespace, found.namespaces), (job, found.jobs), (dataset, found.datasets)):
            _refuse_collisions(conn, table, rows)
            self._written.update(rows)
            changes.insert(table, rows.values())
        changes.insert(edge, [standing_edge(point) for point in found.points.values()])
        changes.insert(job, _jobs_seen(observations), _JOB_SEEN)
        artificial = {
            use.dataset.id: _dataset_row(use.dataset, artificial=True)
            for seen in observations
            for use in seen.uses
            if use.artificial
            and isinstance(use.dataset, DatasetRef)
            and use.dataset.id not in self._artificial
        }
        changes.insert(dataset, artificial.values(), {"artificial": upsert.LARGEST})
        self._artificial.update(artificial)
        return found.new


class _Found:
    """Gathers rows for what is not ``written`` yet."""

    def __init__(self, written: Collection[int]) -> None:
        self._written = written
        self.namespaces: _Rows = {}
        self.jobs: _Rows = {}
        self.datasets: _Rows = {}
        self.points: dict[int, JobPoint] = {}
        self.new: dict[int, DatasetRef] = {}

    def observation(self, seen: Observation) -> None:
        # Facets and assertions are of these too: of the job, the dataset, or one that is used.
        for ref in (seen.parent, seen.root):
            if ref and ref.job:
                self._job(ref.job.id, *ref.job)
        if seen.job:
            self._job(seen.job.id, *seen.job)
        if seen.dataset:
            self._dataset(seen.dataset)
            if seen.uses:
                self._job(job_id_of(seen), *seen.dataset, dataset_id=seen.dataset.id)
        for use in seen.uses:
            if isinstance(use.dataset, JobPoint):
                self._point(use.dataset)
            else:
                self._dataset(use.dataset)
        for name in (*seen.named, *(alias.other for alias in seen.aliases)):
            self._dataset(name)

    def _job(self, id_: int, place: str, name: str, dataset_id: int | None = None) -> None:
        if self._is_new(self.jobs, id_):
            self.jobs[id_] = (
                id_,
                self._namespace(place),
                name,
                dataset_id,
                None,
                None,
                None,
                False,
                None,
                None,
            )

    def _dataset(self, ref: DatasetRef) -> None:
        if self._is_new(self.datasets, ref.id):
            self.new[ref.id] = ref
            self._namespace(ref.namespace)
            self.datasets[ref.id] = _dataset_row(ref)

    def _point(self, point: JobPoint) -> None:
        self._job(point.job.id, *point.job)
        if self._is_new(self.datasets, point.id):
            self.points[point.id] = point
            row = (
                point.id,
                self._namespace(point.namespace),
                point.name,
                point.id,
                point.job.id,
                point.point.value,
                True,
            )
            self.datasets[point.id] = row

    def _is_new(self, rows: _Rows, id_: int) -> bool:
        return id_ not in self._written and id_ not in rows

    def _namespace(self, place: str) -> int:
        id_ = entity_id("namespace", place)
        if self._is_new(self.namespaces, id_):
            self.namespaces[id_] = (id_, place)
        return id_


def _dataset_row(ref: DatasetRef, *, artificial: bool = False) -> tuple[Any, ...]:
    return ref.id, entity_id("namespace", ref.namespace), ref.name, ref.id, None, None, artificial


def job_id_of(seen: Observation) -> int:
    """Give the id of the job of an event; of a DatasetEvent, of the hidden one that makes the dataset."""
    return seen.job.id if seen.job else entity_id("declaration", *(seen.dataset or ("", "")))


def _refuse_collisions(conn: Connection, table: Table, rows: _Rows) -> None:
    columns = FIXED[table]
    places = [table.c.keys().index(column) for column in columns]
    for part in chunks(list(rows)):
        for found in conn.execute(
            select(*(table.c[column] for column in columns)).where(table.c.id.in_(part))
        ):
            wanted = tuple(rows[found.id][place] for place in places)
            if tuple(found) != wanted:
                raise Collision(f"{tuple(found)!r} and {wanted!r} have the same id")


def _whole(ref: RunRef | None) -> JobRef | None:
    """Give the job that another one is a part of, if a parent facet tells it.

    A trigger starts jobs that are none of its parts: they are started by others too, and keep their names.
    """
    return ref.job if ref and ref.job and ref.job.namespace != TRIGGERS else None


def _jobs_seen(observations: Iterable[Observation]) -> list[tuple[Any, ...]]:
    """Give the rows of the jobs that events are about: when heard of, and whose part they are."""
    refs: dict[int, JobRef] = {}
    heard: dict[int, tuple[int, int, bool]] = {}
    parents: dict[int, tuple[int, int, int]] = {}
    for seen in observations:
        if seen.job is None:
            continue
        id_ = seen.job.id
        refs[id_] = seen.job
        first, last, detail = heard.get(id_, (seen.received_at, seen.received_at, False))
        heard[id_] = min(first, seen.received_at), max(last, seen.received_at), detail or seen.detail
        if whole := _whole(seen.parent):
            root = _whole(seen.root) or whole
            parents[id_] = max(parents.get(id_, (seen.time, 0, 0)), (seen.time, whole.id, root.id))
    rows = []
    for id_, ref in refs.items():
        first, last, detail = heard[id_]
        at, *parent = parents.get(id_, (None, None, None))
        named = (id_, entity_id("namespace", ref.namespace), ref.name, None)
        rows.append((*named, *parent, at, detail, first, last))
    return rows
