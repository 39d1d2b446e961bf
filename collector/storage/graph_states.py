"""How the nodes of a graph stand, as little of it as a drawing needs: for thousands of nodes, a statement each."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Dialect, bindparam, func, select

from collector.storage.facet_reads import DELETED, bodies_of
from collector.storage.prepared import Prepared
from collector.storage.tables import facet, job, run
from collector.storage.upsert import MANY, among_parameter, many


class LastRun(NamedTuple):
    """The run of a job that began last; times in µs UTC."""

    run_id: str
    state: str | None
    started_at: int | None
    """When it was first heard of, if nothing told of its start."""
    ended_at: int | None


def last_runs(conn: Connection, job_ids: Collection[int]) -> dict[int, LastRun]:
    """Give the last run of each of these jobs, of those that have one."""
    if not job_ids:
        return {}
    rows = _last_runs(conn.dialect).run(conn, {"ids": many(conn, job_ids)})
    return {row.id: LastRun(row.run_id, row.state, row.began, row.ended_at) for row in rows}


@lru_cache
def _last_runs(dialect: Dialect) -> Prepared:
    other = run.alias("other")
    newest = (
        select(other.c.id)
        .where(other.c.job_id == job.c.id, other.c.declared.is_(False), other.c.first_event_at.is_not(None))
        .order_by(other.c.first_event_at.desc(), other.c.id.desc())
        .limit(1)
        .correlate(job)
        .scalar_subquery()
    )
    began = func.coalesce(run.c.started_at, run.c.first_event_at).label("began")
    return Prepared(
        select(job.c.id, run.c.run_id, run.c.state, began, run.c.ended_at)
        .join_from(job, run, run.c.id == newest)
        .where(among_parameter(dialect, job.c.id, bindparam("ids", type_=MANY))),
        dialect,
    )


def tools(conn: Connection, job_ids: Collection[int]) -> dict[int, str]:
    """Give the tools of jobs: SPARK, DBT and so on, as the ``jobType`` facet has them.

    Most jobs share one of a few bodies of that facet, which are read once.
    """
    if not job_ids:
        return {}
    rows = _job_types(conn.dialect).run(conn, {"ids": many(conn, job_ids)})
    hashes = {row.id: row.hash for row in rows if row.hash not in (None, DELETED)}
    named = {hash_: _integration(body) for hash_, body in bodies_of(conn, set(hashes.values())).items()}
    return {id_: tool for id_, hash_ in hashes.items() if (tool := named[hash_]) is not None}


def _integration(body: bytes) -> str | None:
    decoded = msgspec.json.decode(body)
    tool = decoded.get("integration") if isinstance(decoded, dict) else None
    return tool if isinstance(tool, str) else None


@lru_cache
def _job_types(dialect: Dialect) -> Prepared:
    # The one that was seen last; of two at the same moment that with the greater hash, as everywhere.
    newest = (
        select(facet.c.hash)
        .where(facet.c.owner_id == job.c.id, facet.c.name == "jobType")
        .order_by(facet.c.last_seen_at.desc(), facet.c.hash.desc())
        .limit(1)
        .correlate(job)
        .scalar_subquery()
        .label("hash")
    )
    mine = among_parameter(dialect, job.c.id, bindparam("ids", type_=MANY))
    return Prepared(select(job.c.id, newest).where(mine), dialect)
