"""Since when the runs of a job fail, one after the other."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from collector.storage.tables import run
from collector.storage.upsert import among

FAILURES = ("FAIL", "ABORT")


def failing_since(conn: Connection, job_ids: Collection[int]) -> dict[int, int]:
    """Give when the first run ended that failed after the last that completed (µs UTC), for jobs that have such."""
    if not job_ids:
        return {}
    good = run.alias("good")
    last_good = (
        select(func.max(good.c.first_event_at))
        .where(good.c.job_id == run.c.job_id, good.c.state == "COMPLETE", good.c.declared.is_(False))
        .correlate(run)
        .scalar_subquery()
    )
    failed = (
        select(run.c.job_id, func.min(run.c.ended_at))
        .where(
            among(conn, run.c.job_id, job_ids),
            run.c.declared.is_(False),
            run.c.state.in_(FAILURES),
            run.c.first_event_at > func.coalesce(last_good, 0),
        )
        .group_by(run.c.job_id)
    )
    return {job_id: at for job_id, at in conn.execute(failed) if at is not None}
