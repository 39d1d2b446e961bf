"""What a job read and wrote, and where its code lay, at any time: the versions of a job.

A version is new when an edge opens or closes, or another source location is seen. The same again is the same version:
its UUID is made of what it consists of. A run that fails, or has not ended, closes no edge, so it makes no version of
less than the job has.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, bindparam, func, or_, select

from collector.storage.compression import unpack
from collector.storage.marquez.identifiers import name_uuid
from collector.storage.marquez.job_names import JobName
from collector.storage.prepared import Prepared
from collector.storage.tables import dataset, edge, facet, facet_body, namespace, run
from collector.storage.upsert import MANY, among, among_parameter, many
from lineage.facets import mapping, text
from lineage.model import DatasetRef, Direction

ALWAYS = -(2**63)
"""Before all times."""

LOCATION = "sourceCodeLocation"

ASKED_AT_ONCE = 100
"""Questions put into one statement."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A dataset that a job reads or writes, from when until when (exclusive; None: still).

    ``dataset`` is the name that the events gave it, ``canonical`` the one that stands for all of its names.
    """

    dataset: DatasetRef
    canonical: DatasetRef
    direction: Direction
    valid_from: int
    valid_to: int | None


Side = tuple[tuple[DatasetRef, DatasetRef], ...]
"""What a job reads, or writes: each by the name in the events, and by the one that stands for all of its names."""


@dataclass(frozen=True, slots=True)
class JobVersion:
    """A job as it was in the spans of time ``[from, to)``, the first of which began at ``created_at``."""

    uuid: str
    created_at: int
    inputs: Side
    outputs: Side
    location: str | None
    spans: tuple[tuple[int, int | None], ...]


State = tuple[Side, Side, str | None]
"""Inputs, outputs, location."""


@dataclass
class History:
    """All that changed about a job, or all since some run; ``created_at`` is when the job was first heard of."""

    name: JobName
    created_at: int = 0
    edges: list[Edge] = field(default_factory=list)
    locations: list[tuple[int, str | None]] = field(default_factory=list)

    def uuid_at(self, instant: int) -> str:
        """Give the version that a run which began then is of."""
        change = bisect_right(self._changes, instant)
        if change not in self._uuids:
            known = [url for since, url in self.locations if since <= instant]
            there = [
                e
                for e in self.edges
                if e.valid_from <= instant and (e.valid_to is None or e.valid_to > instant)
            ]
            sides = (_side(there, Direction.INPUT), _side(there, Direction.OUTPUT))
            self._uuids[change] = self._uuid((*sides, known[-1] if known else None))
        return self._uuids[change]

    @property
    def now(self) -> str:
        """The version that the job is now."""
        return self.uuid_at(self._changes[-1] if self._changes else self.created_at)

    def open(self, direction: Direction) -> Side:
        """Give what the job reads, or writes, now."""
        return _side((e for e in self.edges if e.valid_to is None), direction)

    def versions(self) -> list[JobVersion]:
        """Give all versions, the newest first; of a job that never had any data the one without."""
        if not self._changes:
            return [self.first]
        found: dict[str, JobVersion] = {}
        ends = [*self._changes[1:], None]
        for (start, state), end in zip(self._states(), ends, strict=True):
            uuid = self._uuid(state)
            known = found.get(uuid)
            spans = (*(known.spans if known else ()), (start, end))
            found[uuid] = JobVersion(uuid, known.created_at if known else start, *state, spans)
        return sorted(found.values(), key=lambda version: version.created_at, reverse=True)

    @property
    def first(self) -> JobVersion:
        """The version before anything was known of the job; runs that began then are of it."""
        until = self._changes[0] if self._changes else None
        return JobVersion(self._uuid(((), (), None)), self.created_at, (), (), None, ((ALWAYS, until),))

    @cached_property
    def _changes(self) -> list[int]:
        times = {e.valid_from for e in self.edges} | {
            e.valid_to for e in self.edges if e.valid_to is not None
        }
        return sorted(times | {since for since, _ in self.locations})

    @cached_property
    def _uuids(self) -> dict[int, str]:
        return {}

    def _states(self) -> Iterator[tuple[int, State]]:
        """Give what the job was from each change on."""
        begun: dict[int, list[Edge]] = defaultdict(list)
        ended: dict[int, list[Edge]] = defaultdict(list)
        for e in self.edges:
            begun[e.valid_from].append(e)
            if e.valid_to is not None:
                ended[e.valid_to].append(e)
        locations = dict(self.locations)
        there: dict[Edge, None] = {}
        location: str | None = None
        for instant in self._changes:
            for e in ended[instant]:
                there.pop(e, None)
            there.update(dict.fromkeys(begun[instant]))
            location = locations.get(instant, location)
            yield instant, (_side(there, Direction.INPUT), _side(there, Direction.OUTPUT), location)

    def _uuid(self, state: State) -> str:
        # The parts, and their order, are Marquez's.
        sides = (":".join(f"{ref.namespace}:{ref.name}" for ref, _ in side) for side in state[:2])
        known = [] if state[2] is None else [state[2]]
        return name_uuid(self.name.namespace, self.name.full, *sides, *known)


def _side(edges: Iterable[Edge], direction: Direction) -> Side:
    return tuple(sorted({(e.dataset, e.canonical) for e in edges if e.direction is direction}))


def histories(
    conn: Connection,
    names: Mapping[int, JobName],
    created_at: Mapping[int, int],
    since_runs: Collection[int] | None = None,
) -> dict[int, History]:
    """Give the histories of jobs, by id.

    With ``since_runs`` (numbers of rows of runs), only as far back as the first of these runs of each job.
    """
    found = {id_: History(name, created_at.get(id_, 0)) for id_, name in names.items()}
    for job_id, edges in _edges(conn, names, since_runs).items():
        found[job_id].edges = edges
    for job_id, locations in _locations(conn, names).items():
        found[job_id].locations = locations
    return found


def _edges(
    conn: Connection, job_ids: Collection[int], since_runs: Collection[int] | None
) -> dict[int, list[Edge]]:
    asked = {"ids": many(conn, job_ids), "runs": many(conn, since_runs or ())}
    bounded = since_runs is not None
    statement = _intervals(conn.dialect, bounded)
    rows: Sequence[Any] = statement.run(conn, asked if bounded else {"ids": asked["ids"]}).all()
    found: dict[int, list[Edge]] = defaultdict(list)
    for job_id, place, name, other_place, other_name, direction, *times in rows:
        names = DatasetRef(place, name), DatasetRef(other_place, other_name)
        side = Direction.OUTPUT if direction == Direction.OUTPUT else Direction.INPUT
        found[job_id].append(Edge(*names, side, *times))
    return found


@lru_cache
def _intervals(dialect: Dialect, bounded: bool) -> Prepared:
    """Edges of the jobs ``ids``; if ``bounded``, those still open at the first of the runs ``runs`` of each job."""
    canonical, place = dataset.alias("canonical"), namespace.alias("place")
    statement = (
        select(
            edge.c.job_id,
            namespace.c.name,
            dataset.c.name,
            place.c.name,
            canonical.c.name,
            edge.c.direction,
            edge.c.valid_from,
            edge.c.valid_to,
        )
        .join_from(edge, dataset, dataset.c.id == edge.c.dataset_id)
        .join(namespace, namespace.c.id == dataset.c.namespace_id)
        .join(canonical, canonical.c.id == dataset.c.canonical_id)
        .join(place, place.c.id == canonical.c.namespace_id)
        .where(
            among_parameter(dialect, edge.c.job_id, bindparam("ids", None, type_=MANY)),
            edge.c.direction.in_([int(Direction.INPUT), int(Direction.OUTPUT)]),
            dataset.c.job_id.is_(None),
        )
    )
    if bounded:
        first = select(run.c.job_id, func.min(run.c.first_event_at).label("at"))
        asked = among_parameter(dialect, run.c.id, bindparam("runs", None, type_=MANY))
        first = first.where(asked).group_by(run.c.job_id)
        since = first.cte("since")
        statement = statement.outerjoin(since, since.c.job_id == edge.c.job_id)
        statement = statement.where(or_(edge.c.valid_to.is_(None), edge.c.valid_to > since.c.at))
    return Prepared(statement, dialect)


def _locations(conn: Connection, job_ids: Collection[int]) -> dict[int, list[tuple[int, str | None]]]:
    statement = (
        select(facet.c.owner_id, facet.c.first_seen_at, facet_body.c.body)
        .outerjoin_from(facet, facet_body, facet_body.c.hash == facet.c.hash)
        .where(among(conn, facet.c.owner_id, job_ids), facet.c.name == LOCATION)
        .order_by(facet.c.first_seen_at, facet.c.hash)
    )
    found: dict[int, list[tuple[int, str | None]]] = defaultdict(list)
    for owner, since, body in conn.execute(statement):
        url = None if body is None else text(mapping(msgspec.json.decode(unpack(body))).get("url"))
        found[owner].append((since, url))
    return found


def last_run_of_each(
    conn: Connection, job_id: int, spans: Sequence[tuple[int, int | None]]
) -> list[int | None]:
    """Give, for each span of time, the run of a job that began last in it."""
    found: list[int | None] = []
    for part in range(0, len(spans), ASKED_AT_ONCE):
        questions = []
        for start, end in spans[part : part + ASKED_AT_ONCE]:
            mine = [run.c.job_id == job_id, run.c.declared.is_(False), run.c.first_event_at >= start]
            mine += [] if end is None else [run.c.first_event_at < end]
            newest = select(run.c.id).where(*mine).order_by(run.c.first_event_at.desc(), run.c.id.desc())
            questions.append(newest.limit(1).scalar_subquery())
        found += conn.execute(select(*questions)).one()
    return found
