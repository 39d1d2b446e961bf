"""Writing what events say into the catalog: jobs, datasets, runs, facets, freshness facts and edges.

A fold: the same observations in any order, in any batches, any number of times, leave the same tables (but for the
surrogate ``run.id``). ``prepare`` reads a run when it first meets it and folds in memory; ``write`` then writes every
row that changed, once a batch. They are apart because on SQLite whoever writes keeps all others, and so the
acknowledgement of new events, waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, select

from collector.storage import compression, upsert
from collector.storage.run_ids import NextRunIds, RunIds, RunKey
from collector.storage.selects import chunks, run_uses, runs_of
from collector.storage.tables import (
    assertion,
    dataset,
    dataset_alias,
    dataset_update,
    derivation,
    edge,
    facet,
    facet_body,
    job,
    namespace,
    run,
    run_io,
)
from collector.storage.timelines import LateJobs, Timelines, Touched
from lineage.edges import EdgeKey, Showing, showing
from lineage.facets import Facet
from lineage.model import DatasetRef, Kind, Observation, Source, entity_id, run_key
from lineage.runs import Run, RunUse, Update, absorb, absorb_use, updates

CACHED_RUNS = 20_000
"""Runs kept in memory between batches: a COMPLETE mostly comes soon after its START. Some 2 KB each."""

CACHED_NAMES = 500_000
"""Ids of rows known to be written already (names, derivations, facet bodies); some 100 bytes each."""

DELETED = b""
"""The hash of a facet that was deleted."""

_RUN_PLACE = {"first_event_at": upsert.REPLACE, "parent_key": upsert.REPLACE}
_RUN_STATE = {
    column: rule
    for column, rule in upsert.replace(run).items()
    if column not in {"key", "job_id", *_RUN_PLACE}  # the first two are what the run is
}

_canonical = msgspec.json.Encoder(order="sorted")
_run_row: Callable[[Run], tuple[Any, ...]] = attrgetter(*upsert.names(run))
_use_row: Callable[[RunUse], tuple[Any, ...]] = attrgetter(*upsert.names(run_io))


class Collision(Exception):
    """Two names have the same id. One of 10^7 catalogs of a million names meets this; the event is parked."""


@dataclass(slots=True)
class _Held:
    """A run in memory, and what the current batch did to it."""

    run: Run
    uses: dict[EdgeKey, RunUse]
    stored: bool
    touched: bool = False
    changed_uses: dict[EdgeKey, RunUse] = field(default_factory=dict)
    before: Showing | None = None
    updates_before: list[Update] = field(default_factory=list)
    indexed_before: tuple[int | None, bytes | None] | None = None

    @property
    def indexed(self) -> tuple[int | None, bytes | None]:
        return self.run.first_event_at, self.run.parent_key

    def touch(self) -> None:
        if not self.touched:
            self.touched = True
            self.indexed_before = self.indexed if self.stored else None
            if self.stored and self.run.first_event_at is not None:
                self.before = showing(self.run, self.uses)
                self.updates_before = list(updates(self.run, self.uses.values()))

    def settle(self) -> None:
        self.stored, self.touched, self.before, self.updates_before = True, False, None, []
        self.changed_uses = {}


Row = Sequence[Any]
"""Values in the order of a table's columns."""


class Insert(NamedTuple):
    """Arguments of ``upsert.write_rows``."""

    table: Table
    rows: list[Row]
    update: Mapping[str, str] | None
    newest: Sequence[str]


@dataclass(slots=True)
class Changes:
    """The rows that a batch writes."""

    inserts: list[Insert] = field(default_factory=list)
    gone_updates: list[tuple[int, int, int]] = field(default_factory=list)
    late: LateJobs = field(default_factory=dict)

    def insert(
        self,
        table: Table,
        rows: Iterable[Row],
        update: Mapping[str, str] | None = None,
        newest: Sequence[str] = (),
    ) -> None:
        self.inserts.append(Insert(table, list(rows), update, newest))


class Projection:
    """The projected tables of one database. Keeps in memory what it has read: it must be their only writer.

    ``run_ids`` gives ids to new runs; without it they are counted on from the largest there is.
    """

    def __init__(self, run_ids: RunIds | None = None) -> None:
        self._run_ids = run_ids or NextRunIds()
        self._timelines = Timelines()
        self._runs: dict[RunKey, _Held] = {}
        self._names: set[int] = set()
        self._derivations: set[int] = set()
        self._bodies: set[bytes] = set()

    def forget(self) -> None:
        """Drop what is kept in memory: a transaction failed, or somebody else has written."""
        self._timelines.forget()
        self._runs.clear()
        self._names.clear()
        self._derivations.clear()
        self._bodies.clear()
        self._run_ids.forget()

    def prepare(self, conn: Connection, observations: Sequence[Observation]) -> Changes:
        """Fold observations in memory, reading what they touch. On any exception call ``forget``.

        Raises:
            Collision: an id stands for another name already.
        """
        changes = Changes()
        self._names_of(conn, observations, changes)
        self._facets_of(observations, changes)
        touched = self._fold_runs(conn, observations, changes)
        self._assertions_of(observations, changes)
        aliases = {(a.dataset.id, a.other.id, a.reason) for seen in observations for a in seen.aliases}
        changes.insert(dataset_alias, aliases)
        self._timelines.load(conn, {held.run.job_id for held in touched})
        self._runs_of(touched, changes)
        intervals, changes.late = self._timelines.advance(
            [
                Touched(held.run.job_id, held.before, showing(held.run, held.uses))
                for held in touched
                if held.run.first_event_at is not None
            ]
        )
        changes.insert(edge, intervals, upsert.replace(edge))
        for held in touched:
            held.settle()
        self._trim()
        return changes

    def write(self, conn: Connection, changes: Changes) -> None:
        """Write what ``prepare`` gave, in a writing transaction. On any exception call ``forget``."""
        upsert.delete_rows(conn, dataset_update, changes.gone_updates)
        for table, rows, update, newest in changes.inserts:
            upsert.write_rows(conn, table, upsert.names(table), rows, update, newest=newest)
        self._timelines.rewalk(conn, changes.late)

    def _trim(self) -> None:
        if len(self._runs) > CACHED_RUNS:
            self._runs.clear()
        for known in (self._names, self._derivations, self._bodies):
            if len(known) > CACHED_NAMES:
                known.clear()

    # --- names -------------------------------------------------------------------------------------------------

    def _names_of(self, conn: Connection, observations: Iterable[Observation], changes: Changes) -> None:
        namespaces: dict[int, tuple[Any, ...]] = {}
        jobs: dict[int, tuple[Any, ...]] = {}
        datasets: dict[int, tuple[Any, ...]] = {}

        def add(rows: dict[int, tuple[Any, ...]], id_: int, place: str, name: str, *rest: Any) -> None:
            if id_ not in self._names and id_ not in rows:
                namespace_id = entity_id("namespace", place)
                rows[id_] = (id_, namespace_id, name, *rest)
                if namespace_id not in self._names:
                    namespaces[namespace_id] = (namespace_id, place)

        def add_dataset(ref: DatasetRef) -> None:
            add(datasets, ref.id, *ref)

        # Facets and assertions are of these too: of the job, the dataset, or one that is used.
        for seen in observations:
            for ref in (seen.parent, seen.root):
                if ref and ref.job:
                    add(jobs, ref.job.id, *ref.job, None)
            if seen.job:
                add(jobs, seen.job.id, *seen.job, None)
            if seen.dataset:
                add_dataset(seen.dataset)
                if seen.uses:
                    add(jobs, _job_id(seen), *seen.dataset, seen.dataset.id)
            for use in seen.uses:
                add_dataset(use.dataset)
            for alias in seen.aliases:
                add_dataset(alias.other)
        for table, rows in ((namespace, namespaces), (job, jobs), (dataset, datasets)):
            for part in chunks(list(rows)):
                for found in conn.execute(select(table).where(table.c.id.in_(part))):
                    if tuple(found) != rows[found.id]:
                        raise Collision(f"{tuple(found)!r} and {rows[found.id]!r} have the same id")
            self._names.update(rows)
            changes.insert(table, rows.values())

    # --- runs --------------------------------------------------------------------------------------------------

    def _fold_runs(
        self, conn: Connection, observations: Sequence[Observation], changes: Changes
    ) -> list[_Held]:
        """Fold the observations into their runs, in memory; give those that changed."""
        # A declaration that says nothing about lineage or data is about facets alone: no run.
        runs = [(seen, (run_key(seen.run_id), _job_id(seen))) for seen in observations if _is_run(seen)]
        stubs: dict[RunKey, str] = {}
        for seen, _ in runs:
            for ref in (seen.parent, seen.root):
                if ref and ref.job:
                    stub = run_key(ref.run_id), ref.job.id
                    stubs[stub] = min(stubs.get(stub, ref.run_id), ref.run_id)
        self._read_runs(conn, {**stubs, **{key: seen.run_id for seen, key in runs}})
        touched: dict[RunKey, _Held] = {}
        for key, run_id in stubs.items():
            held = self._runs[key]
            if not held.stored or run_id < held.run.run_id:
                touched[key] = held
                held.touch()
                held.run.run_id = min(held.run.run_id, run_id)
        sources: dict[int, tuple[Source, ...]] = {}
        for seen, key in runs:
            held = touched[key] = self._runs[key]
            held.touch()
            held.run.declared = seen.kind is not Kind.RUN
            absorb(held.run, seen)
            for use in seen.uses:
                edge_key = (use.dataset.id, int(use.direction))
                kept = held.uses.get(edge_key)
                if kept is None:
                    kept = held.uses[edge_key] = RunUse(held.run.id, *edge_key)
                derivation_id = None
                if use.sources is not None:
                    derivation_id = derivation_key(use.sources)
                    sources[derivation_id] = use.sources
                absorb_use(kept, use, derivation_id, seen.time)
                held.changed_uses[edge_key] = kept
        self._derivations_of(sources, changes)
        return list(touched.values())

    def _read_runs(self, conn: Connection, wanted: dict[RunKey, str]) -> None:
        """Have the wanted runs, given with their run ids as sent, in memory; new ones get an id."""
        missing = [key for key in wanted if key not in self._runs]
        for part in chunks(sorted({key for key, _ in missing})):
            found = runs_of(conn, run.c.key.in_(part))
            uses = run_uses(conn, [row.id for row in found])
            for row in found:
                # All jobs of a run id come along; one that is in memory already may be newer than its row.
                self._runs.setdefault((row.key, row.job_id), _Held(row, uses.get(row.id, {}), stored=True))
        new = [key for key in missing if key not in self._runs]
        for key, id_ in zip(new, self._run_ids.give(conn, new), strict=True):
            self._runs[key] = _Held(Run(id_, *key, wanted[key]), {}, stored=False)

    def _runs_of(self, touched: Sequence[_Held], changes: Changes) -> None:
        # SQLite writes an index anew for each column that is set, even to the same value: twice the cost.
        same = [held for held in touched if held.indexed == held.indexed_before]
        rest = [held for held in touched if held.indexed != held.indexed_before]
        changes.insert(run, [_run_row(held.run) for held in same], _RUN_STATE)
        changes.insert(run, [_run_row(held.run) for held in rest], _RUN_STATE | _RUN_PLACE)
        uses = [_use_row(use) for held in touched for use in held.changed_uses.values()]
        changes.insert(run_io, uses, upsert.replace(run_io))
        gone: list[tuple[int, int, int]] = []
        new: list[Update] = []
        for held in touched:
            now = list(updates(held.run, held.uses.values()))
            if now != held.updates_before:
                kept = {update[:3] for update in now}
                gone += (update[:3] for update in held.updates_before if update[:3] not in kept)
                new += (update for update in now if update not in held.updates_before)
        changes.gone_updates = gone
        changes.insert(dataset_update, new, upsert.replace(dataset_update))

    def _derivations_of(self, sources: dict[int, tuple[Source, ...]], changes: Changes) -> None:
        new = sources.keys() - self._derivations
        rows = [
            (
                id_,
                position,
                source.dataset.id,
                source.field,
                source.target_field,
                _canonical.encode(source.transformations).decode() if source.transformations else None,
            )
            for id_ in new
            for position, source in enumerate(sources[id_])
        ]
        changes.insert(derivation, rows)
        self._derivations |= new

    # --- facets, assertions ------------------------------------------------------------------------------------

    def _facets_of(self, observations: Iterable[Observation], changes: Changes) -> None:
        found: dict[tuple[int, str, bytes], tuple[int, int]] = {}
        bodies: dict[bytes, bytes] = {}
        for seen in observations:
            for owner, name, body in seen.facets:
                if body is None:
                    hash_ = DELETED
                else:
                    hash_ = body.hash if isinstance(body, Facet) else facet_hash(body)
                    if hash_ not in self._bodies and hash_ not in bodies:
                        bodies[hash_] = _canonical.encode(body)
                key = (owner.id, name, hash_)
                first, last = found.get(key, (seen.time, seen.time))
                found[key] = (min(first, seen.time), max(last, seen.time))
        widen = {"first_seen_at": upsert.SMALLEST, "last_seen_at": upsert.LARGEST}
        changes.insert(facet, [(*key, *times) for key, times in found.items()], widen)
        packed = [(hash_, compression.pack(encoded)) for hash_, encoded in bodies.items()]
        changes.insert(facet_body, packed)
        self._bodies.update(bodies)

    def _assertions_of(self, observations: Iterable[Observation], changes: Changes) -> None:
        rows: dict[tuple[int, ...], tuple[Any, ...]] = {}
        for seen in observations:
            if not seen.assertions or not _is_run(seen):
                continue
            run_id = self._runs[run_key(seen.run_id), _job_id(seen)].run.id
            for check in seen.assertions:
                key = (check.dataset.id, run_id, _digest(check.assertion, check.column, check.name))
                result = (check.success, check.severity, check.expected, check.actual)
                row = (
                    *key,
                    seen.time,
                    _digest(*result),
                    check.assertion,
                    check.column,
                    check.name,
                    *result,
                )
                if key not in rows or row[3:5] > rows[key][3:5]:
                    rows[key] = row
        changes.insert(assertion, rows.values(), upsert.replace(assertion), ("event_time", "digest"))


def derivation_key(sources: tuple[Source, ...]) -> int:
    """Give the id of an output's explicit sources: 63 bits of a hash of what they say."""
    return _digest(*sources)


def _digest(*values: object) -> int:
    text = _canonical.encode(values)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1


def facet_hash(body: object) -> bytes:
    """Give 16 bytes that stand for the content of a facet, in whatever order its keys came."""
    return sha256(_canonical.encode(body)).digest()[:16]


def _is_run(seen: Observation) -> bool:
    return seen.kind is Kind.RUN or bool(seen.uses)


def _job_id(seen: Observation) -> int:
    """Give the job of a run or declaration; for a DatasetEvent the hidden one that stands for its maker."""
    if seen.job is not None:
        return seen.job.id
    return entity_id("declaration", *(seen.dataset or ("", "")))
