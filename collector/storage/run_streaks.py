"""How the runs of a job went: when one completed the last time, and since when they fail, one after the other."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from collector.storage.tables import job, run
from collector.storage.upsert import among

FAILURES = ("FAIL", "ABORT")


class Streak(NamedTuple):
    """The runs of a job since the last one that completed; µs UTC."""

    last_good: int | None
    """When that ended; None: none ever completed."""
    failing_since: int | None
    """When the first after it ended that failed; None: none has."""


def streaks_of(conn: Connection, job_ids: Collection[int]) -> dict[int, Streak]:
    """Give the newest streak of each of these jobs."""
    if not job_ids:
        return {}
    mine = (run.c.job_id == job.c.id, run.c.declared.is_(False))
    # In the order of the index, so that it ends at the first one.
    complete = select(run.c.first_event_at).where(*mine, run.c.state == "COMPLETE")
    last = complete.order_by(run.c.first_event_at.desc()).limit(1)
    began = last.correlate(job).scalar_subquery()
    ended = last.with_only_columns(run.c.ended_at).correlate(job).scalar_subquery()
    failed = select(func.min(run.c.ended_at)).where(
        *mine, run.c.state.in_(FAILURES), run.c.first_event_at > func.coalesce(began, 0)
    )
    rows = conn.execute(
        select(job.c.id, ended, failed.correlate(job).scalar_subquery()).where(among(conn, job.c.id, job_ids))
    )
    return {id_: Streak(good, since) for id_, good, since in rows}
