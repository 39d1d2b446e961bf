"""What people want to see no more, until an event names it again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select, union

from collector.storage.tables import (
    dataset,
    dataset_update,
    edge,
    facet,
    hidden,
    job,
    namespace_note,
    run,
    run_io,
)

job_, dataset_ = job.alias(), dataset.alias()
"""As the questions here stand inside others that have the tables too."""


def hidden_jobs() -> Select[tuple[int]]:
    """Select the ids of the jobs that are not shown; there may be ids of datasets among them.

    As below, this begins with the few rows of ``hidden``, whatever the number of jobs.
    """
    named_after = exists().where(job_.c.id == hidden.c.owner_id, job_.c.last_seen_at > hidden.c.hidden_at)
    return select(hidden.c.owner_id).where(~named_after)


def hidden_datasets() -> Select[tuple[int]]:
    """Select the ids of the datasets that are not shown; there may be ids of jobs among them."""
    return select(hidden.c.owner_id).where(~_named_after(hidden.c.owner_id, hidden.c.hidden_at))


def hidden_ids(conn: Connection) -> set[int]:
    """Give the ids of the jobs and datasets that are hidden now."""
    every = union(_only(hidden_jobs(), job_), _only(hidden_datasets(), dataset_))
    return {row.owner_id for row in conn.execute(every)}


def is_shown(table: Any) -> ColumnElement[bool]:
    """Say that a row of ``job`` or ``dataset`` is shown, and is no stand-in of ours."""
    if table is job:
        return and_(job.c.dataset_id.is_(None), job.c.id.not_in(hidden_jobs()))
    return and_(dataset.c.job_id.is_(None), dataset.c.id.not_in(hidden_datasets()))


def hidden_namespaces(conn: Connection) -> frozenset[int]:
    """Give the ids of the namespaces that were hidden and of which no event has named anything since."""
    since = namespace_note.c.hidden_at
    job_seen = exists().where(
        job_.c.namespace_id == namespace_note.c.namespace_id, job_.c.last_seen_at > since
    )
    dataset_seen = exists().where(
        dataset_.c.namespace_id == namespace_note.c.namespace_id, _named_after(dataset_.c.id, since)
    )
    quiet = select(namespace_note.c.namespace_id).where(since.is_not(None), ~job_seen, ~dataset_seen)
    return frozenset(conn.execute(quiet).scalars())


def _only(ids: Select[tuple[int]], table: Any) -> Select[tuple[int]]:
    return ids.where(exists().where(table.c.id == hidden.c.owner_id))


def _named_after(dataset_id: ColumnElement[int], since: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say that an event later than ``since`` has named a dataset.

    It has then changed or shown again a facet, brought new data, opened an edge, or is of a run that began since.
    """
    newest = (
        select(func.max(facet.c.last_seen_at)).where(facet.c.owner_id == dataset_id),
        select(func.max(dataset_update.c.event_time)).where(dataset_update.c.dataset_id == dataset_id),
        select(func.max(edge.c.valid_from)).where(edge.c.dataset_id == dataset_id),
    )
    again = (
        select(run.c.id)
        .join_from(edge, run, run.c.job_id == edge.c.job_id)
        .join(run_io, and_(run_io.c.run_id == run.c.id, run_io.c.dataset_id == edge.c.dataset_id))
        .where(edge.c.dataset_id == dataset_id, run.c.first_event_at > since)
    )
    return or_(*(func.coalesce(last.scalar_subquery(), since) > since for last in newest), again.exists())
