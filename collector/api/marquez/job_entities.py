"""Jobs as Marquez writes them: as many statements for one as for a page of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from collector.api.encoding import stored
from collector.api.marquez import facet_values
from collector.api.marquez.run_entities import Entity, Sees, run_entities
from collector.storage.facet_reads import FacetVersion, facets_of
from collector.storage.marquez.dataset_pages import tags_of
from collector.storage.marquez.identifiers import job_uuid
from collector.storage.marquez.job_names import JobName, full_names
from collector.storage.marquez.job_pages import JobTimes, job_times
from collector.storage.marquez.job_versions import History, JobVersion, Side, histories
from collector.storage.marquez.run_data import last_runs_of
from collector.storage.visibility import Visible
from collector.times import iso
from lineage.facets import Json, mapping
from lineage.model import Direction

T = TypeVar("T")

LATEST_RUNS = 10
"""Runs that each job shows."""


def job_entities(conn: Connection, ids: Sequence[int], *, visible: Visible, sees: Sees) -> list[Entity]:
    """Give jobs in the order of ``ids``, each with its last runs. Of these only the last has its facets."""
    if not ids:
        return []
    names = full_names(conn, ids, sees)
    times = job_times(conn, ids)
    facets = facets_of(conn, ids)
    tags = tags_of(conn, ids)
    latest = last_runs_of(conn, ids, LATEST_RUNS, visible)
    runs = [run for some in latest.values() for run in some]
    created = {id_: time.first for id_, time in times.items()}
    known = histories(conn, names, created, [run.id for run in runs])
    last = {some[0].id for some in latest.values() if some}
    written = run_entities(conn, runs, sees, known=known, with_facets=last)
    return [
        _entity(
            names[id_],
            times[id_],
            known[id_],
            facets.get(id_, {}),
            [written[run.id] for run in latest.get(id_, ())],
            tags.get(id_, {}).get("", []),
            sees,
        )
        for id_ in ids
    ]


def job_version_entity(name: JobName, version: JobVersion, latest: Entity | None, sees: Sees) -> Entity:
    """Give a version of a job, with the last of its runs."""
    return {
        "id": {"namespace": name.namespace, "name": name.full, "version": version.uuid},
        "name": name.full,
        "createdAt": iso(version.created_at),
        "version": version.uuid,
        "namespace": name.namespace,
        "location": version.location,
        "inputs": _ids(version.inputs, sees),
        "outputs": _ids(version.outputs, sees),
        "latestRun": latest,
    }


def read_facet(facets: Mapping[str, FacetVersion], name: str, read: Callable[[Json], T], default: T) -> T:
    """Read something of a facet, if it is there."""
    version = facets.get(name)
    return default if version is None else read(mapping(msgspec.json.decode(version.body)))


def _entity(
    name: JobName,
    times: JobTimes,
    history: History,
    facets: Mapping[str, FacetVersion],
    latest: list[Entity],
    tags: list[str],
    sees: Sees,
) -> Entity:
    nothing: Any = None
    none: list[str] = []
    return {
        "id": {"namespace": name.namespace, "name": name.full},
        "type": read_facet(facets, "jobType", facet_values.job_type, "BATCH"),
        "name": name.full,
        "simpleName": name.simple,
        "parentJobName": name.parent,
        "parentJobUuid": None if name.parent_id is None else job_uuid(name.parent_id),
        "createdAt": iso(times.first),
        "updatedAt": iso(times.last),
        "namespace": name.namespace,
        "inputs": _ids(history.open(Direction.INPUT), sees),
        "outputs": _ids(history.open(Direction.OUTPUT), sees),
        "location": read_facet(facets, "sourceCodeLocation", facet_values.url, nothing),
        "description": read_facet(facets, "documentation", facet_values.description, nothing),
        "latestRun": latest[0] if latest else None,
        "latestRuns": latest or None,
        "facets": stored(dict(facets)),
        "currentVersion": history.now,
        "labels": read_facet(facets, "jobType", facet_values.labels, none),
        "tags": tags,
    }


def _ids(side: Side, sees: Sees) -> list[Entity]:
    """Name datasets as the graph does: each once, whatever its names, by the first of them that may be seen."""
    shown = {next((ref for ref in (canonical, own) if sees(ref.namespace)), None) for own, canonical in side}
    refs = sorted(ref for ref in shown if ref is not None)
    return [{"namespace": ref.namespace, "name": ref.name} for ref in refs]
