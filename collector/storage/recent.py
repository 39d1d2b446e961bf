"""What has happened to many jobs and datasets since an instant: other facets, and how their runs ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from collector.storage.facet_reads import DELETED, bodies_of
from collector.storage.tables import facet, job, run
from collector.storage.upsert import among


@dataclass(frozen=True, slots=True)
class FacetChange:
    """A facet is not what it was. Bodies are canonical JSON; None: there was, or is, none."""

    owner_id: int
    name: str
    at: int
    """When its newest new body was first seen."""
    times: int
    """New bodies seen since."""
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class RunTally:
    """The runs of a job that began since, by state; ``before`` is the state of the newest of those before, if any."""

    states: dict[str, int]
    before: str | None


def facet_changes(
    conn: Connection, owner_ids: Collection[int], names: Sequence[str], since: int, limit: int
) -> tuple[list[FacetChange], bool]:
    """Give the facets whose body is another than at ``since``, the newest changes first; and whether there are more.

    Owners of which nothing was seen until ``since`` are new, not changed.
    """
    mine = (among(conn, facet.c.owner_id, owner_ids), facet.c.name.in_(names))
    key = (facet.c.owner_id, facet.c.name)
    newest = func.max(facet.c.first_seen_at)
    touched = conn.execute(
        select(*key, newest.label("at"), func.count().label("times"))
        .where(*mine, facet.c.first_seen_at > since)
        .group_by(*key)
        .order_by(newest.desc(), *key)
        .limit(limit + 1)
    ).all()
    owners = {row.owner_id for row in touched}
    rows = conn.execute(
        select(*key, facet.c.hash, facet.c.first_seen_at, facet.c.last_seen_at)
        .where(among(conn, facet.c.owner_id, owners), facet.c.name.in_(names))
        .order_by(facet.c.last_seen_at, facet.c.hash)
    )
    before: dict[tuple[int, str], bytes] = {}
    after: dict[tuple[int, str], bytes] = {}
    for row in rows:
        if row.first_seen_at <= since:
            before[row.owner_id, row.name] = row.hash
        after[row.owner_id, row.name] = row.hash
    known = _known_before(conn, owners, since)
    changed = [
        row
        for row in touched[:limit]
        if row.owner_id in known
        and before.get((row.owner_id, row.name), DELETED) != after[row.owner_id, row.name]
    ]
    wanted = {
        hash_
        for row in changed
        for found in (before, after)
        if (hash_ := found.get((row.owner_id, row.name), DELETED)) != DELETED
    }
    texts = bodies_of(conn, sorted(wanted))
    return [
        FacetChange(
            row.owner_id,
            row.name,
            row.at,
            row.times,
            texts.get(before.get((row.owner_id, row.name), DELETED)),
            texts.get(after[row.owner_id, row.name]),
        )
        for row in changed
    ], len(touched) > limit


def run_tallies(conn: Connection, job_ids: Collection[int], since: int) -> dict[int, RunTally]:
    """Tell how the runs of jobs went that began since an instant, of those that had any."""
    counted = (
        select(run.c.job_id, run.c.state, func.count().label("runs"))
        .where(among(conn, run.c.job_id, job_ids), run.c.declared.is_(False), run.c.first_event_at > since)
        .group_by(run.c.job_id, run.c.state)
    )
    states: dict[int, dict[str, int]] = defaultdict(dict)
    for row in conn.execute(counted):
        states[row.job_id][row.state or "OTHER"] = row.runs
    last = (
        select(run.c.state)
        .where(run.c.job_id == job.c.id, run.c.declared.is_(False), run.c.first_event_at <= since)
        .order_by(run.c.first_event_at.desc(), run.c.id.desc())
        .limit(1)
        .correlate(job)
        .scalar_subquery()
    )
    before = conn.execute(select(job.c.id, last.label("state")).where(among(conn, job.c.id, states))).all()
    return {row.id: RunTally(states[row.id], row.state) for row in before}


def _known_before(conn: Connection, owner_ids: Collection[int], since: int) -> set[int]:
    known = select(facet.c.owner_id).where(
        among(conn, facet.c.owner_id, owner_ids), facet.c.first_seen_at <= since
    )
    return {row.owner_id for row in conn.execute(known.distinct())}
