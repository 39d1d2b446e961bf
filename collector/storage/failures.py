"""When the runs of jobs failed, over a stretch of time."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, select

from collector.storage.run_streaks import FAILURES
from collector.storage.tables import run
from collector.storage.upsert import among


class Failing(NamedTuple):
    """Runs of a job that failed one after the other; times in µs UTC."""

    job_id: int
    since: int
    """When the first of them ended."""
    until: int | None
    """When one had completed again; None: none has."""
    last_good: int | None
    """When one had completed before; None: none that is known."""


def streaks(conn: Connection, job_ids: Collection[int], since: int, until: int) -> list[Failing]:
    """Give what failed of the runs of jobs that began in ``since <= t < until`` (µs UTC), by job and time."""
    began = (
        select(run.c.job_id, run.c.state, run.c.ended_at)
        .where(
            among(conn, run.c.job_id, job_ids),
            run.c.declared.is_(False),
            run.c.first_event_at >= since,
            run.c.first_event_at < until,
            run.c.ended_at.is_not(None),
        )
        .order_by(run.c.job_id, run.c.first_event_at, run.c.key)
    )
    found: list[Failing] = []
    good: dict[int, int] = {}
    for job_id, state, ended_at in conn.execute(began):
        current = found[-1] if found and found[-1].job_id == job_id and found[-1].until is None else None
        if state in FAILURES and current is None:
            found.append(Failing(job_id, ended_at, None, good.get(job_id)))
        elif state == "COMPLETE":
            good[job_id] = ended_at
            if current is not None:
                found[-1] = current._replace(until=max(ended_at, current.since))
    return found
