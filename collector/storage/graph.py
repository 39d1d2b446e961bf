"""The graph in the database, as ``lineage.traverse`` asks for it: one statement a question.

A dataset is known by its canonical id, whatever name the events used; a job by the id of the one that stands for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from collector.storage import walks
from collector.storage.folding import stand
from collector.storage.prepared import Prepared
from collector.storage.tables import dataset, job
from collector.storage.upsert import many
from collector.storage.visibility import Visible
from lineage.fold import Fold, LinkKind
from lineage.model import DatasetRef, Direction, JobRef
from lineage.timeline import NOW, Moment
from lineage.traverse import Key, Level, Named, NodeType, Step


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
        self._sees = sees
        self._asking = walks.Asking(conn.dialect, fold, control, moment.at is not None)
        self._times = {} if moment.at is None else {"since": moment.since, "at": moment.at}

    def start(self, node: JobRef | DatasetRef) -> Key:
        if isinstance(node, JobRef):
            statement = select(stand(self._fold)).where(job.c.id == node.id)
            return "job", self._conn.execute(statement).scalar() or node.id
        statement = select(dataset.c.canonical_id).where(dataset.c.id == node.id)
        return "dataset", self._conn.execute(statement).scalar() or node.id

    def from_jobs(self, job_ids: Collection[int], direction: Direction) -> Iterator[Step]:
        return self._steps(walks.from_jobs, direction, job_ids)

    def from_datasets(self, dataset_ids: Collection[int], direction: Direction) -> Iterator[Step]:
        return self._steps(walks.from_datasets, direction, dataset_ids)

    def between_datasets(self, dataset_ids: Collection[int], direction: Direction) -> Iterator[Step]:
        rows = self._rows(walks.steps(walks.between_datasets, self._asking, direction), dataset_ids)
        for near, far, wrote, did_read, job_id in rows:
            yield Step(near, far, KINDS[max(wrote, did_read)], job_id)

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, Named]:
        return {
            id_: Named(place, name, hidden=dataset_id is not None)
            for id_, place, name, dataset_id in self._rows(walks.jobs(self._asking), job_ids)
            if self._sees(place)
        }

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]:
        found: dict[int, Named] = {}
        others: dict[int, list[DatasetRef]] = defaultdict(list)
        rows = self._rows(walks.datasets(self._asking), dataset_ids)
        for canonical_id, id_, place, name, hidden in rows:
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

    def beside(
        self, keys: Collection[Key], level: Level, direction: Direction, visible: Visible
    ) -> dict[Key, int]:
        """Count what is not hidden, and visible, one edge from nodes; those that have nothing beside them are left out.

        The database counts: next to a hub there are thousands.
        """
        between = walks.between_datasets if level is Level.DATASET else walks.from_datasets
        sides: tuple[tuple[NodeType, walks.Walk], ...] = (("job", walks.from_jobs), ("dataset", between))
        return {
            (kind, near): count
            for kind, walk in sides
            for near, count in self._rows(
                walks.beside(walk, self._asking, direction, visible),
                [id_ for of, id_ in keys if of == kind],
            )
        }

    def _steps(self, walk: walks.Walk, direction: Direction, ids: Collection[int]) -> Iterator[Step]:
        for near, far, kind in self._rows(walks.steps(walk, self._asking, direction), ids):
            yield Step(near, far, KINDS[kind], None)

    def _rows(self, statement: Prepared, ids: Collection[int]) -> Iterable[Any]:
        if not ids:
            return ()
        return statement.run(self._conn, {"ids": many(self._conn, ids), **self._times}).fetchall()


KINDS: Final[dict[int, LinkKind]] = {each: "data" if each.is_data else "control" for each in Direction}
