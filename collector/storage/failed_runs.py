"""What has failed lately."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from collector.storage.runs import RunRow, last_run_ids, runs_by_id
from collector.storage.tables import job, run
from collector.storage.visibility import Visible, within

WINDOW: Final = 2_000
"""Runs that are looked at, those heard of last: no index knows states, and most runs do not fail."""

FAILURES: Final = 100
"""Failed runs among them that are looked at: a job that fails every minute is one line."""


class FailedRun(NamedTuple):
    """The newest failed run of a job."""

    run: RunRow
    newest: RunRow | None
    """The newest run of the job: whether it has recovered."""


def failed_lately(conn: Connection, visible: Visible, limit: int) -> list[FailedRun]:
    """Give the newest failed run of each job, the last first, of the ``WINDOW`` runs heard of last."""
    before = select(run.c.id).order_by(run.c.id.desc()).limit(1).offset(WINDOW).scalar_subquery()
    statement = (
        select(run.c.id, run.c.job_id)
        .join_from(run, job, job.c.id == run.c.job_id)
        .where(
            run.c.id > func.coalesce(before, 0), run.c.state == "FAIL", within(job.c.namespace_id, visible)
        )
        .order_by(run.c.id.desc())
        .limit(FAILURES)
    )
    of_jobs: dict[int, int] = {}
    for id_, job_id in conn.execute(statement):
        of_jobs.setdefault(job_id, id_)
    chosen = dict(list(of_jobs.items())[:limit])
    last = last_run_ids(conn, list(chosen))
    runs = runs_by_id(conn, {*chosen.values(), *last.values()}, visible)
    return [
        FailedRun(runs[id_], runs.get(last.get(job_id, id_))) for job_id, id_ in chosen.items() if id_ in runs
    ]
