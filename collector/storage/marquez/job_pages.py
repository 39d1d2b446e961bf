"""Which jobs a list shows, in which order, and how many there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from collector.storage.marquez.hiding import hidden_jobs, is_shown
from collector.storage.tables import job, run
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import entity_id

STATES = {
    "RUNNING": "RUNNING",
    "COMPLETE": "COMPLETED",
    "FAIL": "FAILED",
    "ABORT": "ABORTED",
}
"""Marquez's words for the states of a run. All else is NEW: nobody has said yet that it began."""

NEW = "NEW"


def state_word(state: str | None) -> str:
    """Give Marquez's word for the state of a run."""
    return STATES.get(state or "", NEW)


@dataclass(frozen=True, slots=True)
class JobTimes:
    """When the first and the last event about a job came, in µs UTC; 0 where nothing tells."""

    first: int
    last: int


def list_jobs(
    conn: Connection,
    *,
    namespace_name: str | None,
    last_states: Collection[str],
    visible: Visible,
    limit: int,
    offset: int,
) -> list[int]:
    """List the ids of jobs, those of which the newest events came first; at the end those that only others name.

    ``last_states``: only jobs whose last run is in one of these states (Marquez's words); empty: all jobs.
    """
    wanted = select(job.c.id).where(*_shown(namespace_name, visible))
    if last_states:
        wanted = wanted.where(_last_state_in(last_states))
    timed = wanted.where(job.c.last_seen_at.is_not(None))
    page = timed.order_by(job.c.last_seen_at.desc(), job.c.id.desc()).limit(limit).offset(offset)
    ids = list(conn.execute(page).scalars())
    if len(ids) == limit:
        return ids
    # The two databases disagree on where NULL sorts.
    before = 0
    if offset and not ids:
        before = conn.execute(select(func.count()).select_from(timed.subquery())).scalar_one()
    rest = wanted.where(job.c.last_seen_at.is_(None)).order_by(job.c.id)
    rest = rest.limit(limit - len(ids)).offset(max(0, offset - before) if not ids else 0)
    return ids + list(conn.execute(rest).scalars())


def count_jobs(conn: Connection, *, namespace_name: str | None, visible: Visible) -> int:
    """Count the jobs that the list has."""
    return conn.execute(
        select(func.count()).select_from(job).where(*_shown(namespace_name, visible))
    ).scalar_one()


def shown_jobs(conn: Connection, ids: Collection[int]) -> frozenset[int]:
    """Give those of these jobs that are not hidden."""
    hidden = set(conn.execute(hidden_jobs()).scalars()) if ids else set()
    return frozenset(ids) - hidden


def job_times(conn: Connection, ids: Sequence[int]) -> dict[int, JobTimes]:
    """Give the times of jobs; of one of which no event has come, those of the jobs that name it as their parent."""
    rows = list(
        conn.execute(
            select(job.c.id, job.c.first_seen_at, job.c.last_seen_at).where(among(conn, job.c.id, ids))
        )
    )
    found = {
        row.id: JobTimes(row.first_seen_at, row.last_seen_at) for row in rows if row.last_seen_at is not None
    }
    rest = [row.id for row in rows if row.last_seen_at is None]
    named = select(
        job.c.parent_id,
        func.min(job.c.first_seen_at).label("first"),
        func.max(job.c.last_seen_at).label("last"),
    ).where(among(conn, job.c.parent_id, rest), job.c.last_seen_at.is_not(None))
    for row in conn.execute(named.group_by(job.c.parent_id)) if rest else ():
        found[row.parent_id] = JobTimes(row.first, row.last)
    return {id_: found.get(id_, JobTimes(0, 0)) for id_ in ids}


def _shown(namespace_name: str | None, visible: Visible) -> list[ColumnElement[bool]]:
    conditions = [is_shown(job), within(job.c.namespace_id, visible)]
    if namespace_name is not None:
        conditions.append(job.c.namespace_id == entity_id("namespace", namespace_name))
    return conditions


def _last_state_in(states: Collection[str]) -> ColumnElement[bool]:
    ours = [word for word, theirs in STATES.items() if theirs in states]
    state = last_runs(1, run.c.state).scalar_subquery()
    known = state.in_(ours)
    if NEW not in states:
        return known
    # A job that has no run is in no state at all.
    begun = last_runs(1, run.c.id).exists()
    return or_(known, begun & or_(state.is_(None), state.not_in(list(STATES))))


def last_runs(count: int, column: ColumnElement[Any]) -> Select[Any]:
    """Select the runs of the job of the enclosing statement that began last."""
    mine = (run.c.job_id == job.c.id, run.c.declared.is_(False), run.c.first_event_at.is_not(None))
    order = (run.c.first_event_at.desc(), run.c.id.desc())
    return select(column).where(*mine).order_by(*order).limit(count).correlate(job)
