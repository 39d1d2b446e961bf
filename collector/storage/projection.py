"""Writing what events say into the catalog: jobs, datasets, runs, facets, freshness facts and edges.

A fold: the same observations in any order, in any batches, any number of times, leave the same tables (but for the
surrogate ``run.id``). ``prepare`` reads a run when it first meets it and folds in memory; ``write`` then writes every
row that changed, once a batch. They are apart because on SQLite whoever writes keeps all others, and so the
acknowledgement of new events, waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection

from collector.storage import compression, upsert
from collector.storage.changes import Changes
from collector.storage.entities import Entities, job_id_of
from collector.storage.facts import What
from collector.storage.identity import Identity
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
    run,
    run_io,
)
from collector.storage.timelines import Timelines, Touched
from lineage.edges import EdgeKey, Showing, showing
from lineage.facets import Facet
from lineage.model import Kind, Observation, Source, run_key
from lineage.runs import Run, RunUse, Update, absorb, absorb_use, updates

CACHED_RUNS = 20_000
"""Runs kept in memory between batches: a COMPLETE mostly comes soon after its START. Some 2 KB each."""

CACHED_CONTENT = 500_000
"""Derivations and facet bodies known to be written already; some 100 bytes each."""

CACHED_FACETS = 200_000
"""Facets of which it is known who has them; some 150 bytes each."""

TOLD_FACETS = frozenset({"schema", "ownership", "tags"})
"""Facets by which rules pick out datasets, or judge them."""

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


class Projection:
    """The projected tables of one database. Keeps in memory what it has read: it must be their only writer.

    ``run_ids`` gives ids to new runs; without it they are counted on from the largest there is.
    """

    def __init__(self, run_ids: RunIds | None = None) -> None:
        self.identity = Identity()
        self._run_ids = run_ids or NextRunIds()
        self._timelines = Timelines()
        self._runs: dict[RunKey, _Held] = {}
        self._entities = Entities()
        self._derivations: set[int] = set()
        self._bodies: set[bytes] = set()
        self._told: dict[tuple[int, str], bytes] = {}

    def forget(self) -> None:
        """Drop what is kept in memory: a transaction failed, or somebody else has written."""
        self.identity.forget()
        self._timelines.forget()
        self._runs.clear()
        self._entities.forget()
        self._derivations.clear()
        self._bodies.clear()
        self._told.clear()
        self._run_ids.forget()

    def prepare(self, conn: Connection, observations: Sequence[Observation]) -> Changes:
        """Fold observations in memory, reading what they touch. On any exception call ``forget``.

        Raises:
            Collision: an id stands for another name already.
        """
        changes = Changes()
        new = self._entities.prepare(conn, observations, changes)
        self._facets_of(observations, changes)
        touched = self._fold_runs(conn, observations, changes)
        self._assertions_of(observations, changes)
        aliases = [alias for seen in observations for alias in seen.aliases]
        pairs, changes.canonical = self.identity.advance(conn, new, aliases)
        changes.insert(dataset_alias, pairs, {"detail": upsert.SMALLEST})
        for id_ in (*new, *(moved for moved, _ in changes.canonical)):
            changes.tell(id_, What.NAME)
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
        for job_id in {interval[0] for interval in intervals} | changes.late.keys():
            changes.tell(job_id, What.EDGE)
        for held in touched:
            held.settle()
        self._trim()
        return changes

    def write(self, conn: Connection, changes: Changes) -> None:
        """Write what ``prepare`` gave, in a writing transaction. On any exception call ``forget``."""
        upsert.delete_rows(conn, dataset_update, changes.gone_updates)
        for table, rows, update, newest in changes.inserts:
            upsert.write_rows(conn, table, upsert.names(table), rows, update, newest=newest)
        upsert.update_rows(conn, dataset, ("canonical_id",), changes.canonical)
        self._timelines.rewalk(conn, changes.late)

    def _trim(self) -> None:
        if len(self._runs) > CACHED_RUNS:
            self._runs.clear()
        self._entities.trim()
        if len(self._told) > CACHED_FACETS:
            self._told.clear()
        for known in (self._derivations, self._bodies):
            if len(known) > CACHED_CONTENT:
                known.clear()

    # --- runs --------------------------------------------------------------------------------------------------

    def _fold_runs(
        self, conn: Connection, observations: Sequence[Observation], changes: Changes
    ) -> list[_Held]:
        """Fold the observations into their runs, in memory; give those that changed."""
        # A declaration that says nothing about lineage or data is about facets alone: no run.
        runs = [(seen, (run_key(seen.run_id), job_id_of(seen))) for seen in observations if is_run(seen)]
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
            if held.run.first_event_at is not None:
                changes.tell(held.run.job_id, What.RUN)
                changes.which.setdefault(held.run.job_id, []).append(held.run.id)
            now = list(updates(held.run, held.uses.values()))
            if now != held.updates_before:
                kept = {update[:3] for update in now}
                gone += (update[:3] for update in held.updates_before if update[:3] not in kept)
                new += (update for update in now if update not in held.updates_before)
        for dataset_id in {each[0] for each in gone} | {update.dataset_id for update in new}:
            changes.tell(dataset_id, What.UPDATE)
        for update in sorted(new, key=attrgetter("received_at")):
            changes.which.setdefault(update.dataset_id, []).append((update.event_time, update.run_id))
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
                if name in TOLD_FACETS and self._told.get(key[:2]) != hash_:
                    self._told[key[:2]] = hash_
                    changes.tell(owner.id, What.FACET)
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
            if not seen.assertions or not is_run(seen):
                continue
            run_id = self._runs[run_key(seen.run_id), job_id_of(seen)].run.id
            for check in seen.assertions:
                key = (check.dataset.id, run_id, digest(check.assertion, check.column, check.name))
                result = (check.success, check.severity, check.expected, check.actual)
                row = (
                    *key,
                    seen.time,
                    digest(*result),
                    check.assertion,
                    check.column,
                    check.name,
                    *result,
                )
                if key not in rows or row[3:5] > rows[key][3:5]:
                    rows[key] = row
                    changes.tell(check.dataset.id, What.CHECK)
        changes.insert(assertion, rows.values(), upsert.replace(assertion), ("event_time", "digest"))


def derivation_key(sources: tuple[Source, ...]) -> int:
    """Give the id of an output's explicit sources: 63 bits of a hash of what they say."""
    return digest(*sources)


def digest(*values: object) -> int:
    """Give 63 bits of a hash of values."""
    text = _canonical.encode(values)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1


def facet_hash(body: object) -> bytes:
    """Give 16 bytes that stand for the content of a facet, in whatever order its keys came."""
    return sha256(_canonical.encode(body)).digest()[:16]


def is_run(seen: Observation) -> bool:
    """Tell whether an event is about a run, or declares lineage or data: about more than facets."""
    return seen.kind is Kind.RUN or bool(seen.uses)
