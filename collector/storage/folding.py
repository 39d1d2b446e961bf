"""Which job stands for which, as SQL: see ``lineage.fold``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Select,
    case,
    func,
    select,
    union_all,
)

from collector.storage.tables import job
from collector.storage.upsert import among
from lineage.fold import Fold


def stand(fold: Fold, jobs: FromClause = job) -> ColumnElement[int]:
    """Give the id of the job that stands for the one in table ``job``, or in an alias of it."""
    own: ColumnElement[int] = jobs.c.id
    parent, root = func.coalesce(jobs.c.parent_id, own), func.coalesce(jobs.c.root_id, own)
    step = case((jobs.c.detail, parent), else_=own)
    return {Fold.NONE: own, Fold.AUTO: step, Fold.PARENT: parent, Fold.ROOT: root}[fold]


def members(conn: Connection, fold: Fold, job_ids: Collection[int]) -> Select[Any] | CompoundSelect[Any]:
    """Give (id, stand): the jobs for which any of these stands."""
    return members_where(fold, lambda leader: among(conn, leader, job_ids))


def members_where(
    fold: Fold, asked: Callable[[ColumnElement[Any]], ColumnElement[bool]]
) -> Select[Any] | CompoundSelect[Any]:
    """Give (id, stand) of jobs; ``asked`` gives the condition that the id of one that stands for others is meant."""
    stands = stand(fold)
    columns = select(job.c.id, stands.label("stand"))
    own = columns.where(asked(job.c.id), stands == job.c.id)
    if fold is Fold.NONE:
        return own
    leader = job.c.root_id if fold is Fold.ROOT else job.c.parent_id
    return union_all(own, columns.where(asked(leader), stands == leader, leader != job.c.id))
