"""Runs as Marquez writes them: as many statements for one as for a page of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from collector.api.stored_events import newest_facets
from collector.storage.marquez.identifiers import dataset_version_uuid, run_uuid
from collector.storage.marquez.job_names import full_names
from collector.storage.marquez.job_pages import state_word
from collector.storage.marquez.job_versions import History, histories
from collector.storage.marquez.run_data import UsedDataset, data_of, events_of
from collector.storage.notes import announced
from collector.storage.runs import RunRow
from collector.times import iso
from lineage.facets import Json, items, mapping, text
from lineage.model import Direction, run_key

Entity = dict[str, Any]
About = tuple[str, ...]
"""What facets are about: ``("run",)``, ``("job",)``, or ``("input" or "output", namespace, name)``."""

NEWEST_EVENTS = 20
OLDEST_EVENTS = 5
"""Of a run with more events than both together (a streaming job has millions) facets are read from these only."""

Sees = Callable[[str], bool]


def run_entities(
    conn: Connection,
    runs: Sequence[RunRow],
    sees: Sees,
    *,
    known: Mapping[int, History] | None = None,
    with_facets: Collection[int] | None = None,
) -> dict[int, Entity]:
    """Give runs by the numbers of their rows. ``sees`` tells which namespaces the caller may see.

    ``known`` are the histories of their jobs, if they have been read. Facets are read from the log, for which each
    event has to be unpacked: ``with_facets`` says for which rows; None: for all.
    """
    if known is None:
        names = full_names(conn, {run.job.id for run in runs}, sees)
        known = histories(conn, names, {}, [run.id for run in runs])
    data = data_of(conn, [run.id for run in runs])
    notes = announced(conn, {run_key(run.run_id) for run in runs})
    wanted = [run for run in runs if with_facets is None or run.id in with_facets]
    events = events_of(conn, wanted, newest=NEWEST_EVENTS, oldest=OLDEST_EVENTS)
    entities = {}
    for run in runs:
        facets = newest_facets(events.get(run.id, ()), facets_in)
        used = [use for use in data.get(run.id, ()) if sees(use.dataset.namespace)]
        args = args_of(run) | notes.get((run_key(run.run_id), run.job.id), {})
        entities[run.id] = _entity(run, args, known[run.job.id], used, facets)
    return entities


def facets_in(event: Json) -> Iterator[tuple[About, Json]]:
    """Give the sets of facets in an event that belong to its run."""
    for part in ("run", "job"):
        yield (part,), mapping(mapping(event.get(part)).get("facets"))
    for word in ("input", "output"):
        for entry in map(mapping, items(event.get(f"{word}s"))):
            namespace, name = entry.get("namespace"), text(entry.get("name"))
            if isinstance(namespace, str) and name:
                yield (word, namespace, name), mapping(entry.get(f"{word}Facets"))


def args_of(run: RunRow) -> dict[str, str]:
    """Give the arguments that Marquez makes of a run's facets: nominal times, and the parent."""
    parent = run.parent
    args = {
        "nominal_start_time": iso(run.nominal_start_at),
        "nominal_end_time": iso(run.nominal_end_at),
        "run_id": parent.run_id if parent else None,
        "name": parent.job.name if parent and parent.job else None,
        "namespace": parent.job.namespace if parent and parent.job else None,
    }
    return {key: value for key, value in args.items() if value is not None}


def new_run(run_id: str, args: dict[str, str], at: int) -> Entity:
    """Give a run that has been announced, and of which nothing else is known."""
    return {
        "id": run_uuid(run_id),
        "createdAt": iso(at),
        "updatedAt": iso(at),
        "nominalStartTime": args.get("nominal_start_time"),
        "nominalEndTime": args.get("nominal_end_time"),
        "state": state_word(None),
        "startedAt": None,
        "endedAt": None,
        "durationMs": None,
        "args": args,
        "jobVersion": None,
        "inputDatasetVersions": [],
        "outputDatasetVersions": [],
        "facets": {},
    }


def _entity(
    run: RunRow,
    args: dict[str, str],
    history: History,
    used: Sequence[UsedDataset],
    facets: Mapping[About, dict[str, msgspec.Raw]],
) -> Entity:
    duration = run.duration
    version = None
    if run.ended_at is not None and run.first_event_at is not None:
        version = {
            "namespace": history.name.namespace,
            "name": history.name.full,
            "version": history.uuid_at(run.first_event_at),
        }
    return {
        "id": run_uuid(run.run_id),
        "createdAt": iso(run.first_event_at or 0),
        "updatedAt": iso(run.last_event_at or 0),
        "nominalStartTime": iso(run.nominal_start_at),
        "nominalEndTime": iso(run.nominal_end_at),
        "state": state_word(run.state),
        "startedAt": iso(run.started_at),
        "endedAt": iso(run.ended_at),
        "durationMs": None if duration is None else round(duration * 1000),
        "args": args,
        "jobVersion": version,
        "inputDatasetVersions": _versions(used, Direction.INPUT, facets),
        "outputDatasetVersions": _versions(used, Direction.OUTPUT, facets),
        "facets": facets.get(("run",), {}),
    }


def _versions(
    used: Sequence[UsedDataset], direction: Direction, facets: Mapping[About, dict[str, msgspec.Raw]]
) -> list[Entity]:
    word = "input" if direction is Direction.INPUT else "output"
    return [
        {
            "datasetVersionId": {
                "namespace": use.dataset.namespace,
                "name": use.dataset.name,
                "version": dataset_version_uuid(*use.version_of),
            },
            "facets": facets.get((word, *use.dataset), {}),
        }
        for use in used
        if use.direction is direction
    ]
