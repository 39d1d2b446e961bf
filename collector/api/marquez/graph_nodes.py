"""What the nodes of a graph show, for very many at once: a few statements for all, little work for each.

A run comes without its facets and versions of datasets, which would have to be read from its events, 20,000 times for
a graph of 20,000 jobs. The web UI shows of it what is here, and asks for the run that somebody opens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from collector.api.marquez import facet_values
from collector.storage.marquez import bulk
from collector.storage.marquez.identifiers import job_uuid, run_uuid
from collector.storage.marquez.job_names import full_names
from collector.storage.marquez.job_pages import state_word
from collector.times import iso
from lineage.facets import mapping
from lineage.traverse import Named

T = TypeVar("T")
Json = dict[str, Any]

JOB_FACETS = ("documentation", "jobType", "sourceCodeLocation")
DATASET_FACETS = ("dataSource", "datasetType", "documentation", "lifecycleStateChange", "schema")


class Facets:
    """The current facets of many jobs or datasets; what several share is read once."""

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
    """What is shown of jobs. ``names`` are the store's, by id."""

    def __init__(self, conn: Connection, names: Mapping[int, Named]) -> None:
        self._names = names
        self._rows = bulk.job_rows(conn, names)
        self._full = full_names(conn, [id_ for id_, row in self._rows.items() if row.parent_id is not None])
        self._runs = bulk.latest_runs(conn, names)
        self._facets = Facets(conn, names, JOB_FACETS)

    def name(self, job_id: int) -> str:
        """Give the name that Marquez has for a job: with its parents'."""
        known = self._full.get(job_id)
        return self._names[job_id].name if known is None else known.full

    def data(self, job_id: int, inputs: list[Json], outputs: list[Json]) -> Json:
        """Give the data of the node; ``inputs`` and ``outputs`` are names of datasets as answers have them."""
        row, known, run = self._rows[job_id], self._full.get(job_id), self._runs.get(job_id)
        name, namespace = self.name(job_id), self._names[job_id].namespace
        mine = (job_id,)
        created = iso(row.created_at or 0)
        return {
            "id": {"namespace": namespace, "name": name},
            "type": self._facets.get(mine, "jobType", facet_values.job_type) or "BATCH",
            "name": name,
            "simpleName": name if known is None else known.simple,
            "parentJobName": None if known is None else known.parent,
            "parentJobUuid": None if row.parent_id is None else job_uuid(row.parent_id),
            "currentRunUuid": None if run is None else run_uuid(run.run_id),
            "createdAt": created,
            "updatedAt": created if row.updated_at is None else iso(row.updated_at),
            "namespace": namespace,
            "inputs": inputs,
            "outputs": outputs,
            "location": self._facets.get(mine, "sourceCodeLocation", facet_values.url),
            "description": self._facets.get(mine, "documentation", facet_values.description),
            "latestRun": None if run is None else _run(run),
        }


class DatasetNodes:
    """What is shown of datasets, whatever names each has."""

    def __init__(self, conn: Connection, names: Mapping[int, Named]) -> None:
        self._names = names
        self._owners = {id_: (id_, *(ref.id for ref in named.others)) for id_, named in names.items()}
        owners = [owner for mine in self._owners.values() for owner in mine]
        self._times = bulk.dataset_times(conn, names)
        self._facets = Facets(conn, owners, DATASET_FACETS)
        self._tags = bulk.field_tags(conn, owners)

    def data(self, dataset_id: int) -> Json:
        """Give the data of the node."""
        named, mine = self._names[dataset_id], self._owners[dataset_id]
        created_at, written_at = self._times.get(dataset_id, (None, None))
        created, written = iso(created_at or written_at or 0), iso(written_at)
        get = self._facets.get
        return {
            "id": {"namespace": named.namespace, "name": named.name},
            "type": get(mine, "datasetType", facet_values.dataset_type) or "DB_TABLE",
            "name": named.name,
            "physicalName": named.name,
            "createdAt": created,
            "updatedAt": written or created,
            "namespace": named.namespace,
            "sourceName": get(mine, "dataSource", facet_values.source_name) or "default",
            "fields": self._tagged(mine, get(mine, "schema", facet_values.fields) or []),
            "tags": [],
            "lastModifiedAt": written,
            "description": get(mine, "documentation", facet_values.description),
            "lastLifecycleState": get(mine, "lifecycleStateChange", facet_values.lifecycle),
        }

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


def _run(run: bulk.LatestRun) -> Json:
    ended = run.ended_at
    started = run.started_at if run.started_at is not None else run.first_event_at
    return {
        "id": run_uuid(run.run_id),
        "createdAt": iso(run.first_event_at),
        "updatedAt": iso(run.last_event_at),
        "nominalStartTime": iso(run.nominal_start_at),
        "nominalEndTime": iso(run.nominal_end_at),
        "state": state_word(run.state),
        "startedAt": iso(started),
        "endedAt": iso(ended),
        "durationMs": None if ended is None or started is None else max(0, ended - started) // 1000,
        "args": {},
        "jobVersion": None,
        "inputDatasetVersions": [],
        "outputDatasetVersions": [],
        "facets": {},
    }
