"""The recorded log as changes of datasets, in the order in which they became known: what a replay is fed with.

Events are translated and folded by the same functions that the projector uses. Which names are one dataset, and which
jobs write it, is taken from the tables as they are now. Events that wait to be projected, or that are parked, are not
part of it: no engine has seen what they say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection

from collector.ingest.envelope import EventReader
from collector.ingest.projector import read
from collector.storage import log_history
from collector.storage.entities import job_id_of
from collector.storage.facet_reads import bodies_of
from collector.storage.inbox import LoggedEvent
from collector.storage.node_facts import check_name
from collector.storage.projection import digest, facet_hash, is_run
from collector.storage.selects import chunks
from lineage.facets import RUN_BOUND, Facet
from lineage.model import DatasetRef, Direction, Kind, Observation, run_key
from lineage.runs import Run, RunUse, absorb, absorb_use, updates
from triggers.facts import Check
from triggers.growing import Change, SchemaSighting

RunKey = tuple[bytes, int]
"""(lineage.model.run_key, id of the job)."""

CheckKey = tuple[int, int, int]
"""(id of a name, id of a run, digest of what is checked)."""


JUDGED = RUN_BOUND | {"version", "lifecycleStateChange", "datasetType", "schema", "jobType", "lineage"}
"""Facets of jobs and datasets on which updates, checks or schemas depend."""

LOOKED_BACK = 200_000
"""Events before the start among which is looked for when a schema that came back had been seen last."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be known, by canonical id: of all of them their updates, of some their checks or schemas."""

    datasets: Collection[int]
    checks: Collection[int] = ()
    schemas: Collection[int] = ()


@dataclass(slots=True)
class _Held:
    """A run, as far as it writes what is watched."""

    run: Run
    uses: dict[int, RunUse] = field(default_factory=dict)


class _Narrow(EventReader):
    """Leaves out what no update, check or schema of the watched datasets depends on: most of what events say."""

    def __init__(self, names: Collection[int], *, inputs: bool) -> None:
        super().__init__()
        self._names = names
        self._inputs = inputs

    def _open(self, event: Any) -> dict[str, Any]:
        event.inputs = self._watched(event.inputs) if self._inputs else None
        event.outputs = self._watched(event.outputs)
        for entity in (event.job, event.dataset, *(event.inputs or ()), *(event.outputs or ())):
            if entity is not None and entity.facets:
                entity.facets = {name: raw for name, raw in entity.facets.items() if name in JUDGED}
        return super()._open(event)

    def _watched(self, entries: list[Any] | None) -> list[Any]:
        return [
            entry
            for entry in entries or ()
            if isinstance(entry.namespace, str)
            and isinstance(entry.name, str)
            and DatasetRef(entry.namespace, entry.name).id in self._names
        ]


class History:
    """What happened in ``since <= received < until`` (µs UTC), and what was known before.

    ``before`` gives the latter, and must be read to its end first; ``changes`` gives the former.
    """

    def __init__(self, conn: Connection, wanted: Wanted, since: int, until: int) -> None:
        self._conn = conn
        self._since = since
        self._until = until
        self._stretch = log_history.stretch(conn, since, until)
        self._names = log_history.names_of(conn, wanted.datasets)
        self._checked = set(wanted.checks)
        self._schemas = set(wanted.schemas)
        self._runs: dict[RunKey, _Held] = {}
        self._results: dict[CheckKey, tuple[tuple[int, int], Check]] = {}
        self._reader = _Narrow(self._names, inputs=bool(self._checked or self._schemas))
        self._jobs = log_history.jobs_of(conn, self._names, reading=bool(self._checked))
        # A schema may be told by anybody who names the dataset: its jobs are not known beforehand.
        entities = None if self._schemas else self._jobs | self._names.keys()
        self._ids = log_history.event_ids(conn, self._stretch, entities)

    @property
    def size(self) -> int:
        """How many events there are to go through."""
        return len(self._ids)

    def before(self) -> Iterator[Change]:
        """Give what was known at ``since``, in any order."""
        names = self._names
        keys = log_history.run_keys(self._conn, self._stretch)
        # Runs of which some events came earlier: their rows tell of all events, so these are folded anew.
        earlier = log_history.earlier_events(self._conn, keys, self._stretch.first)
        for page in log_history.pages(self._conn, earlier):
            yield from self._fold(page)
        for update in log_history.updates_of(self._conn, names, keys):
            yield Change(self._since, names[update.dataset_id], new=[update])
        if self._checked:
            checked = [id_ for id_, canonical_id in names.items() if canonical_id in self._checked]
            for row in log_history.checks_of(self._conn, checked, keys):
                name = check_name(row.name, row.assertion, row.column)
                check = Check(name, row.event_time, row.run_id, bool(row.success), row.severity)
                yield Change(self._since, names[row.dataset_id], new_checks=[check])
        if self._schemas:
            yield from self._schemas_before()

    def changes(self, progress: Callable[[int], None] = lambda events: None) -> Iterator[Change]:
        """Give what became known, in order of receipt. ``progress`` is called with the events gone through."""
        done = 0
        for page in log_history.pages(self._conn, self._ids):
            yield from (change for change in self._fold(page) if change.at < self._until)
            done += len(page)
            progress(done)

    # --- folding -----------------------------------------------------------------------------------------------

    def _fold(self, page: list[LoggedEvent]) -> Iterator[Change]:
        observations, _ = read(self._reader, page)
        self._find_runs(observations.values())
        for seen in observations.values():
            changes: dict[int, Change] = {}
            if is_run(seen):
                self._fold_run(seen, changes)
            if self._schemas:
                self._see_schemas(seen, changes)
            yield from changes.values()

    def _is_relevant(self, seen: Observation) -> bool:
        return seen.kind is Kind.DATASET or job_id_of(seen) in self._jobs

    def _find_runs(self, observations: Iterable[Observation]) -> None:
        new = {
            key: seen
            for seen in observations
            if is_run(seen)
            and self._is_relevant(seen)
            and (key := (run_key(seen.run_id), job_id_of(seen))) not in self._runs
        }
        ids = log_history.run_ids(self._conn, {key for key, _ in new})
        for key in new.keys() & ids.keys():
            seen = new[key]
            self._runs[key] = _Held(Run(ids[key], *key, seen.run_id, declared=seen.kind is not Kind.RUN))

    def _fold_run(self, seen: Observation, changes: dict[int, Change]) -> None:
        held = self._runs.get((run_key(seen.run_id), job_id_of(seen)))
        if held is None:
            return
        before = set(updates(held.run, held.uses.values()))
        absorb(held.run, seen)
        for use in seen.uses:
            name_id = use.dataset.id
            if use.direction is Direction.OUTPUT and name_id in self._names:
                kept = held.uses.get(name_id)
                if kept is None:
                    kept = held.uses[name_id] = RunUse(held.run.id, name_id, int(use.direction))
                absorb_use(kept, use, None, seen.time)
        now = set(updates(held.run, held.uses.values()))
        if now != before:
            for update in before - now:
                self._change(seen, update.dataset_id, changes).gone.append(update)
            for update in now - before:
                self._change(seen, update.dataset_id, changes).new.append(update)
        if self._checked:
            self._see_checks(seen, held.run.id, changes)

    def _see_checks(self, seen: Observation, run_id: int, changes: dict[int, Change]) -> None:
        for each in seen.assertions:
            name_id = each.dataset.id
            if self._names.get(name_id) not in self._checked:
                continue
            key = (name_id, run_id, digest(each.assertion, each.column, each.name))
            result = (seen.time, digest(each.success, each.severity, each.expected, each.actual))
            known = self._results.get(key)
            if known is not None and result <= known[0]:
                continue
            name = check_name(each.name, each.assertion, each.column)
            check = Check(name, seen.time, run_id, each.success, each.severity)
            self._results[key] = result, check
            change = self._change(seen, name_id, changes)
            change.new_checks.append(check)
            if known is not None:
                change.gone_checks.append(known[1])

    def _see_schemas(self, seen: Observation, changes: dict[int, Change]) -> None:
        for owner_id, sighting in _sightings(seen):
            if self._names.get(owner_id) in self._schemas:
                self._change(seen, owner_id, changes).schemas.append(sighting)

    def _schemas_before(self) -> Iterator[Change]:
        owners = [id_ for id_, canonical_id in self._names.items() if canonical_id in self._schemas]
        rows = [row for row in log_history.schemas_of(self._conn, owners) if row.first_seen_at < self._since]
        bodies: dict[bytes, Any] = {}
        for part in chunks(sorted({bytes(row.hash) for row in rows})):
            bodies |= {
                hash_: msgspec.json.decode(body) for hash_, body in bodies_of(self._conn, part).items()
            }
        versions = Counter(self._names[row.owner_id] for row in rows)
        doubtful = {
            (row.owner_id, bytes(row.hash))
            for row in rows
            if row.last_seen_at >= self._since and versions[self._names[row.owner_id]] > 1
        }
        last = self._last_before(doubtful)
        for row in rows:
            hash_ = bytes(row.hash)
            if isinstance(facet := bodies[hash_], dict):
                until = last.get((row.owner_id, hash_), min(row.last_seen_at, self._since - 1))
                sighting = SchemaSighting(hash_, facet, row.first_seen_at, until)
                yield Change(self._since, self._names[row.owner_id], schemas=[sighting])

    def _last_before(self, wanted: set[tuple[int, bytes]]) -> dict[tuple[int, bytes], int]:
        """Find when versions that came back after the start had been seen last: back through the log, not too far."""
        found: dict[tuple[int, bytes], int] = {}
        end = self._stretch.first
        earlier = log_history.Stretch(max(0, end - LOOKED_BACK), end - 1)
        names = {id_ for id_, _ in wanted}
        jobs = log_history.jobs_of(self._conn, names, reading=True)
        ids = log_history.event_ids(self._conn, earlier, jobs | names)
        while ids and found.keys() < wanted:
            ids, part = ids[: -log_history.PAGE], ids[-log_history.PAGE :]
            for page in log_history.pages(self._conn, part):
                for seen in read(self._reader, page)[0].values():
                    for owner_id, sighting in _sightings(seen):
                        key = owner_id, sighting.hash
                        if key in wanted:
                            found[key] = max(seen.time, found.get(key, seen.time))
        return found

    def _change(self, seen: Observation, name_id: int, changes: dict[int, Change]) -> Change:
        canonical_id = self._names[name_id]
        return changes.setdefault(canonical_id, Change(seen.received_at, canonical_id))


def _sightings(seen: Observation) -> Iterator[tuple[int, SchemaSighting]]:
    """Give the schemas that an event tells of, each with the id of its dataset's name."""
    for owner, name, body in seen.facets:
        if name == "schema" and isinstance(body, dict):
            hash_ = body.hash if isinstance(body, Facet) else facet_hash(body)
            yield owner.id, SchemaSighting(hash_, body, seen.time, seen.time)
