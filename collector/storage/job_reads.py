"""Which jobs are part of which: what the parent facets of their newest runs say."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, select

from collector.storage.catalog import Named, names_of
from collector.storage.tables import job
from collector.storage.visibility import Visible, within
from lineage.model import entity_id


def of_parent(namespace: str, name: str) -> ColumnElement[bool]:
    """Give the condition that a job's newest run was part of a run of this one."""
    return job.c.parent_id == entity_id("job", namespace, name)


def parent_of(conn: Connection, job_id: int, *, visible: Visible) -> Named | None:
    """Give the job that the newest run of a job was part of; None also if the caller may not see it."""
    parent_id = conn.execute(select(job.c.parent_id).where(job.c.id == job_id)).scalar()
    return None if parent_id is None else names_of(conn, "job", [parent_id], visible=visible).get(parent_id)


def count_children(conn: Connection, job_id: int, *, visible: Visible, limit: int) -> int:
    """Count the jobs that are part of a job, up to ``limit``."""
    mine = (job.c.parent_id == job_id, job.c.dataset_id.is_(None), within(job.c.namespace_id, visible))
    some = select(job.c.id).where(*mine).limit(limit).subquery()
    return conn.execute(select(func.count()).select_from(some)).scalar_one()
