"""A made-up graph of any size, written straight into the tables of the projection: what the lineage benchmark walks.

Layers of datasets; a job reads one to four datasets of the layers before it, mostly of the last, and writes one or
two. Which ones it reads is heavy-tailed: half of the reads go to a sixteenth of a layer, and a few datasets have
thousands of readers in a large stack. One dataset in twenty has another name, which half of its jobs use; to every
ten edges comes one that is closed; one job in three says from what its outputs are made. Stacks of 100,000 edges and
more have a hub, whose 25,000 readers and what they write are 50,000 of the edges.

The same arguments make the same stack.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Table, text

from collector.storage import upsert
from collector.storage.engine import Database
from collector.storage.tables import dataset, dataset_alias, derivation, edge, job, namespace, run
from lineage.model import DatasetRef, Direction, JobRef, entity_id, run_key
from lineage.traverse import Way

LAYERS = 12
READS = (1, 1, 2, 2, 2, 3, 4)
PER_JOB = 3.24
"""Edges of a job on average: READS, and a second output of one job in ten."""

TAIL = 4.0
"""The rank of the dataset that is read is the size of the layer times a random number to this power."""

ALIASED = 20
HUB_READERS = 25_000
WITH_HUB = 4 * HUB_READERS
"""Edges from which on a stack has the hub."""

WAREHOUSE = "postgres://warehouse.example.com:5432"
LOADER = "loader.destinations.postgres://r7FtJZ18aIlaIoeSroVb"
JOBS = "shop"

MONDAY = 1_795_392_000_000_000
"""2026-11-23T00:00:00Z."""

PIECE = 20_000


class Stack:
    """Jobs and datasets are numbers here."""

    def __init__(self, edges: int, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.reads: list[tuple[int, ...]] = []
        self.writes: list[tuple[int, ...]] = []
        self.layer: list[int] = []
        """The layer of each dataset."""
        self.hub: int | None = None
        has_hub = edges >= WITH_HUB
        self._fill(edges - 2 * HUB_READERS * has_hub)
        if has_hub:
            self._add_hub()
        self.readers: list[list[int]] = [[] for _ in self.layer]
        self.writers: list[list[int]] = [[] for _ in self.layer]
        for ends, uses in ((self.readers, self.reads), (self.writers, self.writes)):
            for number, datasets in enumerate(uses):
                for each in datasets:
                    ends[each].append(number)

    def _fill(self, edges: int) -> None:
        jobs = round(edges / PER_JOB)
        layers = [range(max(4, jobs // 10))]
        self.layer += [0] * len(layers[0])
        for level in range(1, LAYERS):
            start = len(self.layer)
            for _ in range(jobs // (LAYERS - 1)):
                self.reads.append(self._read(layers))
                self.writes.append(self._write(level))
            layers.append(range(start, len(self.layer)))

    def _read(self, layers: Sequence[range]) -> tuple[int, ...]:
        found: set[int] = set()
        for _ in range(self._random.choice(READS)):
            layer = layers[-1] if self._random.random() < 0.85 else self._random.choice(layers)
            found.add(layer[int(len(layer) * self._random.random() ** TAIL)])
        return tuple(sorted(found))

    def _write(self, level: int) -> tuple[int, ...]:
        outputs = 2 if self._random.random() < 0.1 else 1
        self.layer += [level] * outputs
        return tuple(range(len(self.layer) - outputs, len(self.layer)))

    def _add_hub(self) -> None:
        self.hub = len(self.layer)
        self.layer.append(0)
        for _ in range(HUB_READERS):
            self.reads.append((self.hub,))
            self.writes.append((len(self.layer),))
            self.layer.append(LAYERS)

    def ref(self, number: int) -> DatasetRef:
        """Give the name that stands for a dataset."""
        return DatasetRef(WAREHOUSE, f"shop.layer_{self.layer[number]:02d}.orders_{number:07d}")

    def other(self, number: int) -> DatasetRef | None:
        """Give the other name of a dataset, if it has one."""
        if number % ALIASED:
            return None
        return DatasetRef(LOADER, f"layer_{self.layer[number]:02d}.orders_{number:07d}")

    def named(self, job_number: int, number: int) -> DatasetRef:
        """Give the name that a job uses for a dataset."""
        other = self.other(number) if job_number % 2 else None
        return other or self.ref(number)

    def job(self, number: int) -> JobRef:
        """Give the name of a job."""
        return JobRef(JOBS, f"shop.build_{number:07d}")


class Probe(NamedTuple):
    """A question, and the keys of the edges in its answer."""

    node: DatasetRef
    way: Way
    depth: int
    keys: array[int]
    """(job id, dataset id, direction) after one another."""

    @property
    def size(self) -> int:
        return len(self.keys) // 3


Step = tuple[int, int, Direction]
"""An edge, in numbers of the stack: job, dataset, direction."""


def walk(stack: Stack, start: int, way: Way, depth: int, most: int) -> Iterator[list[Step]]:
    """Give the edges that are met, distance by distance, at most ``most`` and one distance more."""
    downstream = way is Way.DOWNSTREAM
    jobs_of, datasets_of = (stack.readers, stack.writes) if downstream else (stack.writers, stack.reads)
    near, far = (Direction.INPUT, Direction.OUTPUT) if downstream else (Direction.OUTPUT, Direction.INPUT)
    seen_jobs: set[int] = set()
    seen_datasets = {start}
    datasets, jobs, met = [start], [0], 0
    for distance in range(depth):
        steps: list[Step] = []
        if distance % 2 == 0:
            jobs = []
            for each in datasets:
                for job_number in jobs_of[each]:
                    steps.append((job_number, each, near))
                    if job_number not in seen_jobs:
                        seen_jobs.add(job_number)
                        jobs.append(job_number)
        else:
            datasets = []
            for job_number in jobs:
                for each in datasets_of[job_number]:
                    steps.append((job_number, each, far))
                    if each not in seen_datasets:
                        seen_datasets.add(each)
                        datasets.append(each)
        met += len(steps)
        yield steps
        if met > most or not steps:
            return


def find_probes(
    stack: Stack, depths: Sequence[int], sizes: Sequence[int], most: int, seed: int = 2
) -> dict[tuple[int, int], list[Probe]]:
    """Find questions whose answers, at each depth, have about so many edges (a fifth less to a quarter more).

    Of each kind at most ``most``, and of edges at most a million; few small stacks have large answers.
    """
    random_ = random.Random(seed)
    numbers = range(len(stack.layer))
    popular = [number for number in numbers if len(stack.readers[number]) > sizes[0] // 4]
    tried = [(number, Way.DOWNSTREAM) for number in random_.sample(popular, min(len(popular), 1500))]
    tried += [(random_.choice(numbers), random_.choice((Way.UPSTREAM, Way.DOWNSTREAM))) for _ in range(2500)]
    found: dict[tuple[int, int], list[Probe]] = {(depth, size): [] for depth in depths for size in sizes}
    for start, way in tried:
        met: list[Step] = []
        for distance, steps in enumerate(walk(stack, start, way, max(depths), 2 * max(sizes)), start=1):
            met += steps
            for size in sizes:
                wanted = found.get((distance, size))
                limit = min(most, 1_000_000 // size)
                if wanted is not None and 0.8 * size <= len(met) <= 1.25 * size and len(wanted) < limit:
                    wanted.append(_probe(stack, start, way, distance, met))
    return found


def hub_probe(stack: Stack) -> Probe | None:
    """Give the question for all that lies downstream of the hub."""
    if stack.hub is None:
        return None
    met = [step for steps in walk(stack, stack.hub, Way.DOWNSTREAM, 20, 10**9) for step in steps]
    return _probe(stack, stack.hub, Way.DOWNSTREAM, 20, met)


def _probe(stack: Stack, start: int, way: Way, depth: int, met: Iterable[Step]) -> Probe:
    keys = array("q")
    for job_number, number, direction in met:
        keys.extend((stack.job(job_number).id, stack.named(job_number, number).id, int(direction)))
    return Probe(stack.ref(start), way, depth, keys)


def write(stack: Stack, database: Database) -> None:
    """Write the stack into an empty, migrated database."""
    spaces = {name: entity_id("namespace", name) for name in (WAREHOUSE, LOADER, JOBS)}
    _write(database, namespace, ("id", "name"), ((id_, name) for name, id_ in spaces.items()))
    jobs = [stack.job(number) for number in range(len(stack.reads))]
    order = sorted(range(len(jobs)), key=lambda number: jobs[number].id)
    _write(
        database,
        job,
        ("id", "namespace_id", "name", "detail", "first_seen_at", "last_seen_at"),
        ((jobs[n].id, spaces[JOBS], jobs[n].name, False, MONDAY, MONDAY) for n in order),
    )
    _write(
        database,
        run,
        ("id", "key", "job_id", "run_id", "declared", "state", "first_event_at", "last_event_at", "started_at",
         "ended_at", "incomplete"),
        ((n + 1, run_key(f"run-{n}"), jobs[n].id, f"run-{n}", False, "COMPLETE", MONDAY, MONDAY + 60_000_000, MONDAY,
          MONDAY + 60_000_000, False) for n in range(len(jobs))),
    )  # fmt: skip
    names = []
    aliases = []
    for number in range(len(stack.layer)):
        ref, other = stack.ref(number), stack.other(number)
        names.append((ref.id, spaces[WAREHOUSE], ref.name, ref.id, False))
        if other:
            names.append((other.id, spaces[LOADER], other.name, ref.id, False))
            aliases.append((ref.id, other.id, "symlink"))
    columns = ("id", "namespace_id", "name", "canonical_id", "artificial")
    _write(database, dataset, columns, sorted(names))
    _write(database, dataset_alias, ("dataset_id", "other_id", "reason"), sorted(aliases))
    _write(
        database,
        edge,
        ("job_id", "dataset_id", "direction", "valid_from", "valid_to", "derivation_id", "implied", "opened_by",
         "closed_by"),
        (row for number in order for row in _edges(stack, number, jobs[number].id)),
    )  # fmt: skip
    _write(
        database,
        derivation,
        ("id", "position", "dataset_id", "field", "target_field"),
        sorted(row for number in range(0, len(jobs), 3) for row in _sources(stack, number)),
    )
    if database.dialect == "postgresql":
        # Autovacuum does it in a server that has run for a minute; SQLite is never told.
        with database.write() as conn:
            conn.execute(text("ANALYZE"))


def _write(database: Database, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    waiting = iter(rows)
    while piece := list(islice(waiting, PIECE)):
        with database.write() as conn:
            upsert.write_rows(conn, table, columns, piece)


def _edges(stack: Stack, number: int, job_id: int) -> list[tuple[Any, ...]]:
    derivation_id = entity_id("derivation", str(number)) if number % 3 == 0 else None
    rows: list[tuple[Any, ...]] = []
    for each in stack.reads[number]:
        read = stack.named(number, each).id
        rows.append((job_id, read, 0, MONDAY, None, None, False, number + 1, None))
    for each in stack.writes[number]:
        written = stack.named(number, each).id
        rows.append((job_id, written, 1, MONDAY, None, derivation_id, False, number + 1, None))
    if number % 3 == 1:
        # What it read the week before: a tenth as many edges as are open.
        was = stack.ref(number * 7919 % len(stack.layer)).id
        rows.append(
            (job_id, was, 0, MONDAY - 604_800_000_000, MONDAY - 1, None, False, number + 1, number + 1)
        )
    return sorted(rows)


def _sources(stack: Stack, number: int) -> list[tuple[Any, ...]]:
    """Make an output of one column for each input but the last, of which only a filter is known."""
    id_ = entity_id("derivation", str(number))
    inputs = stack.reads[number]
    return [
        (
            id_,
            position,
            stack.named(number, each).id,
            "id",
            None if each == inputs[-1] else f"column_{position}",
        )
        for position, each in enumerate(inputs)
    ]
