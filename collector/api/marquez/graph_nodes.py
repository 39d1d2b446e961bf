"""What the nodes of a graph show, for very many at once: a few statements for all, little work for each.

A run comes without its facets and versions of datasets, which would have to be read from its events, 20,000 times for
a graph of 20,000 jobs. The web UI shows of it what is here, and asks for the run that somebody opens. For the same
reason graphs of more than ``DETAILED`` nodes come without what the facets of jobs and datasets say: descriptions,
locations, fields. Nobody reads the columns of ten thousand tables in a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from collector.api.access import principal
from collector.api.marquez import facet_values
from collector.storage.marquez import bulk
from collector.storage.marquez.identifiers import job_uuid
from collector.storage.marquez.job_names import full_names
from collector.storage.marquez.job_pages import state_word
from collector.times import EPOCH
from lineage.facets import mapping

T = TypeVar("T")
Json = dict[str, Any]

DETAILED = 5000
"""Nodes of a graph up to which facets are read, some 25 µs each."""

JOB_FACETS = ("documentation", "jobType", "sourceCodeLocation")
DATASET_FACETS = ("dataSource", "datasetType", "documentation", "lifecycleStateChange", "schema")

NO_ARGS: dict[str, str] = {}
NOTHING: tuple[()] = ()


class Name(msgspec.Struct, frozen=True, gc=False):
    """A job or dataset, as answers name it."""

    namespace: str
    name: str


class Run(msgspec.Struct, frozen=True, gc=False):
    """The latest run of a job; names are the answer's."""

    id: str
    createdAt: datetime
    updatedAt: datetime
    nominalStartTime: datetime | None
    nominalEndTime: datetime | None
    state: str
    startedAt: datetime | None
    endedAt: datetime | None
    durationMs: int | None
    args: dict[str, str] = NO_ARGS
    jobVersion: None = None
    inputDatasetVersions: tuple[()] = NOTHING
    outputDatasetVersions: tuple[()] = NOTHING
    facets: dict[str, str] = NO_ARGS


class Job(msgspec.Struct, frozen=True, gc=False):
    """The data of a job's node."""

    id: Name
    type: str
    name: str
    simpleName: str
    parentJobName: str | None
    parentJobUuid: str | None
    currentRunUuid: str | None
    createdAt: datetime
    updatedAt: datetime
    namespace: str
    inputs: list[Name]
    outputs: list[Name]
    location: str | None
    description: str | None
    latestRun: Run | None


class Dataset(msgspec.Struct, frozen=True, gc=False):
    """The data of a dataset's node; Marquez has no tags here."""

    id: Name
    type: str
    name: str
    physicalName: str
    createdAt: datetime
    updatedAt: datetime
    namespace: str
    sourceName: str
    fields: list[Json]
    tags: tuple[()]
    lastModifiedAt: datetime | None
    description: str | None
    lastLifecycleState: str | None


class Facets:
    """The current facets of jobs or datasets; what several share is read once."""

    def __init__(self, conn: Connection, owner_ids: Collection[int], names: Collection[str]) -> None:
        self._hashes = bulk.facet_hashes(conn, owner_ids, names)
        self._texts = dict(bulk.facet_texts(conn, set(self._hashes.values())))
        self._read: dict[tuple[bytes, str], Any] = {}

    def get(self, owners: Iterable[int], name: str, read: Callable[[Mapping[str, Any]], T]) -> T | None:
        """Read a facet of the first of ``owners`` that has it; None if none has."""
        for owner in owners:
            digest = self._hashes.get((owner, name))
            if digest is not None:
                key = (digest, name)
                if key not in self._read:
                    self._read[key] = read(mapping(msgspec.json.decode(self._texts[digest])))
                found: T = self._read[key]
                return found
        return None


class JobNodes:
    """What is shown of jobs; ``detailed`` with what their facets say."""

    def __init__(self, conn: Connection, rows: Mapping[int, bulk.JobRow], *, detailed: bool) -> None:
        self._rows = rows
        parts = [id_ for id_, row in rows.items() if row.parent_id is not None]
        self._full = full_names(conn, parts, principal().sees)
        self._facets = Facets(conn, rows, JOB_FACETS) if detailed else None

    def name(self, job_id: int) -> str:
        """Give the name that Marquez has for a job: with its parents'."""
        known = self._full.get(job_id)
        return self._rows[job_id].name if known is None else known.full

    def data(self, job_id: int, inputs: list[Name], outputs: list[Name]) -> Job:
        """Give the data of the node."""
        row, known = self._rows[job_id], self._full.get(job_id)
        name = row.name if known is None else known.full
        latest = None if row.latest_run is None else _run(row.latest_run)
        kind, location, description = "BATCH", None, None
        if self._facets is not None:
            get, mine = self._facets.get, (job_id,)
            kind = get(mine, "jobType", facet_values.job_type) or kind
            location = get(mine, "sourceCodeLocation", facet_values.url)
            description = get(mine, "documentation", facet_values.description)
        return Job(
            Name(row.namespace, name),
            kind,
            name,
            name if known is None else known.simple,
            None if known is None else known.parent,
            None if known is None or known.parent_id is None else job_uuid(known.parent_id),
            None if latest is None else latest.id,
            _moment(row.created_at),
            _moment(row.updated_at),
            row.namespace,
            inputs,
            outputs,
            location,
            description,
            latest,
        )


class DatasetNodes:
    """What is shown of datasets, whatever names each has; ``detailed`` with what their facets say."""

    def __init__(self, conn: Connection, rows: Mapping[int, bulk.DatasetRow], *, detailed: bool) -> None:
        self._rows = rows
        owners = [id_ for row in rows.values() for id_ in row.names] if detailed else []
        self._facets = Facets(conn, owners, DATASET_FACETS) if detailed else None
        self._tags = bulk.field_tags(conn, owners) if detailed else {}

    def data(self, dataset_id: int) -> Dataset:
        """Give the data of the node."""
        row = self._rows[dataset_id]
        created = _moment(row.created_at)
        written = None if row.written_at is None else _moment(row.written_at)
        kind, source, description, lifecycle = "DB_TABLE", "default", None, None
        fields: list[Json] = []
        if self._facets is not None:
            get, mine = self._facets.get, row.names
            kind = get(mine, "datasetType", facet_values.dataset_type) or kind
            named = get(mine, "dataSource", facet_values.source_name)
            source = named or source
            fields = self._tagged(mine, get(mine, "schema", facet_values.fields) or [])
            description = get(mine, "documentation", facet_values.description)
            lifecycle = get(mine, "lifecycleStateChange", facet_values.lifecycle)
        return Dataset(
            Name(row.namespace, row.name),
            kind,
            row.name,
            row.name,
            created,
            written or created,
            row.namespace,
            source,
            fields,
            NOTHING,
            written,
            description,
            lifecycle,
        )

    def _tagged(self, owners: Iterable[int], fields: list[Json]) -> list[Json]:
        if not self._tags:
            return fields
        return [
            field
            | {
                "tags": sorted(
                    {tag for owner in owners for tag in self._tags.get((owner, field["name"]), ())}
                )
            }
            for field in fields
        ]


def _run(run: bulk.LatestRun) -> Run:
    key, started, ended = run.key.hex(), run.started_at, run.ended_at
    first, last = _moment(run.first_event_at), _moment(run.last_event_at)
    return Run(
        f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}",
        first,
        last,
        None if run.nominal_start_at is None else _moment(run.nominal_start_at),
        None if run.nominal_end_at is None else _moment(run.nominal_end_at),
        state_word(run.state),
        first if started == run.first_event_at else None if started is None else _moment(started),
        last if ended == run.last_event_at else None if ended is None else _moment(ended),
        None if ended is None or started is None else max(0, ended - started) // 1000,
    )


def _moment(instant: int) -> datetime:
    # The encoder writes these as text, and twice as fast as we would. Microseconds, by place: by name
    # they take half as long again, and a graph has very many.
    return EPOCH + timedelta(0, 0, instant)
