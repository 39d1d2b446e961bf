"""The vocabulary: references to jobs, datasets and runs, and what one event says about them.

Times are integers: microseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple


class JobRef(NamedTuple):
    """A job as its emitter names it."""

    namespace: str
    name: str

    @property
    def id(self) -> int:
        return entity_id("job", self.namespace, self.name)


class DatasetRef(NamedTuple):
    """A dataset as its emitter names it."""

    namespace: str
    name: str

    @property
    def id(self) -> int:
        return entity_id("dataset", self.namespace, self.name)


class Point(StrEnum):
    """Where, in the flow from job to job, something stands that is no dataset."""

    AFTER = "after"
    BEFORE = "before"


class JobPoint(NamedTuple):
    """What stands between two jobs of which one is said to follow the other, without a dataset.

    The graph has edges between jobs and datasets only. "B follows A", said by B, is an edge from the point after A to
    B; said by A, from A to the point before B. Walks fold the points away.
    """

    namespace: str
    name: str
    point: Point

    @property
    def id(self) -> int:
        return entity_id(self.point, self.namespace, self.name)

    @property
    def job(self) -> JobRef:
        return JobRef(self.namespace, self.name)


class RunRef(NamedTuple):
    """A run as another run's parent facet points at it.

    ``job`` is None when the facet does not name it; the run is then found by its run id alone.
    """

    run_id: str
    job: JobRef | None


class Direction(IntEnum):
    """What a job has to do with a dataset: data flow in, or out; or, with a ``JobPoint``, which job runs first."""

    INPUT = 0
    OUTPUT = 1
    AFTER = 2
    """Control flow: the job runs after the one of the point."""
    BEFORE = 3
    """Control flow: the job runs before the one of the point."""

    @property
    def is_data(self) -> bool:
        return self < Direction.AFTER


class Reason(StrEnum):
    """Why two names are one dataset."""

    SYMLINK = "symlink"
    RENAME = "rename"
    NORMAL = "normalisation"
    RULE = "rule"


class Kind(StrEnum):
    """What an event is about: told by its shape, never by its ``schemaURL``, which real emitters get wrong."""

    RUN = "run"
    JOB = "job"
    DATASET = "dataset"


class Source(NamedTuple):
    """One source of an output: a dataset, or a field of it.

    ``target_field`` is None where the source feeds the whole output (an entity-level source, or a column that
    affects every row such as a filter). ``transformations`` is the facet's list, as sent.
    """

    dataset: DatasetRef | JobPoint
    field: str | None
    target_field: str | None
    transformations: tuple[tuple[str | None, str | None, str | None, bool], ...]
    """(type, subtype, description, masking) each."""


@dataclass(slots=True)
class DatasetUse:
    """What one event says about one dataset that a run, or a declared job, reads or writes."""

    dataset: DatasetRef | JobPoint
    direction: Direction
    sources: tuple[Source, ...] | None = None
    """Explicit sources of an output; None: not said, so every input of the job may be one."""
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None
    version: str | None = None
    partition: str | None = None
    lifecycle: str | None = None
    artificial: bool = False
    """A dataset that only stands for the passing of data between jobs (JOB_OUTPUT, TEMPORARY, ``inmemory://``)."""
    implied: bool = False
    """Not listed by the event itself; an input named only by an output's column lineage."""


class FacetSeen(NamedTuple):
    """A job or dataset facet as one event carries it. ``body`` None: the facet was deleted."""

    owner: JobRef | DatasetRef
    name: str
    body: object | None


class AssertionSeen(NamedTuple):
    """One data-quality check on one dataset, as a run reports it."""

    dataset: DatasetRef
    assertion: str
    column: str | None
    name: str | None
    success: bool
    severity: str | None
    expected: str | None
    actual: str | None


class AliasSeen(NamedTuple):
    """Two names of one dataset, and why. Of a RENAME ``other`` is the name before."""

    dataset: DatasetRef
    other: DatasetRef
    reason: Reason
    detail: str | None = None


@dataclass(slots=True)
class Observation:
    """All that one event says, in our words. The same for every kind of event.

    A JobEvent or DatasetEvent is read as a *declaration*: a pseudo-run of its job (for a DatasetEvent, of the
    hidden job that stands for "whoever makes this dataset") that is complete at its ``time``.
    """

    kind: Kind
    time: int
    received_at: int
    job: JobRef | None
    dataset: DatasetRef | None = None
    event_type: str | None = None
    run_id: str = ""
    uses: list[DatasetUse] = field(default_factory=list)
    named: list[DatasetRef] = field(default_factory=list)
    """Datasets that the event names without reading or writing them, as far as it is believed."""
    declares_lineage: bool = True
    """False for a JobEvent or DatasetEvent that says nothing about inputs and outputs."""
    incomplete: bool = False
    """The emitter says that it could not extract all lineage; a missing edge then means nothing."""
    facets: list[FacetSeen] = field(default_factory=list)
    assertions: list[AssertionSeen] = field(default_factory=list)
    aliases: list[AliasSeen] = field(default_factory=list)
    parent: RunRef | None = None
    root: RunRef | None = None
    nominal_start: int | None = None
    nominal_end: int | None = None
    error: str | None = None
    processing_type: str | None = None
    external_id: str | None = None
    """What its orchestrator calls the run, see ``lineage.facets.external_id``."""
    detail: bool = False
    """The job is a step of its parent, in a tool that reports every step (a Spark action, a SQL statement of dbt)."""


@lru_cache(maxsize=200_000)
def entity_id(kind: str, namespace: str, name: str = "") -> int:
    """Give the id of a namespace, job or dataset: 63 bits of a hash of its kind and name.

    Being a function of the name, ids need no look-up, are the same after a rebuild and in any order of events.
    Two of a million names collide with probability 5e-8; the projector compares names and refuses to merge.
    """
    text = f"{kind}\0{namespace}\0{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1


@lru_cache(maxsize=50_000)
def run_key(run_id: str) -> bytes:
    """Give the 16 bytes under which a run id is indexed: the UUID's own, else a hash of the text.

    The UUID's own bytes keep the time order of UUIDv7, which most clients send, and with it the locality of the
    index. Spelling (case, dashes) does not matter: ``550E8400…`` and ``550e8400…`` are one run.
    """
    if len(run_id) in (32, 36):
        try:
            return uuid.UUID(run_id).bytes
        except ValueError:
            pass
    return blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
