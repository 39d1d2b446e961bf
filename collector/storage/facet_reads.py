"""The facets of jobs and datasets as they are now, and all bodies that one of them has had."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from collector.storage.compression import unpack
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import facet, facet_body

MOST_BYTES = 4 * 1024 * 1024
"""Bytes of bodies on one page of a history: one may be as long as an event, and each a little different."""

DELETED = b""
"""The hash in a row that says: from then on there is no such facet."""


@dataclass(frozen=True, slots=True)
class FacetVersion:
    """One body of a facet (canonical JSON), and when it was first and last seen."""

    body: bytes
    first_seen_at: int
    last_seen_at: int


def current_facets(conn: Connection, owner_id: int) -> dict[str, FacetVersion]:
    """Give the current facets of one job or dataset by name."""
    return facets_of(conn, [owner_id]).get(owner_id, {})


def current_facet(conn: Connection, owner_ids: Sequence[int], name: str) -> dict[int, FacetVersion]:
    """Give the current facet ``name`` of each of several owners that have it."""
    return {owner: version for (owner, _), version in _current(conn, owner_ids, name).items()}


def facets_of(conn: Connection, owner_ids: Sequence[int]) -> dict[int, dict[str, FacetVersion]]:
    """Give the current facets of several jobs or datasets, by owner and name; owners without any are left out."""
    found: dict[int, dict[str, FacetVersion]] = {}
    for (owner, name), version in _current(conn, owner_ids, None).items():
        found.setdefault(owner, {})[name] = version
    return found


def facet_history(
    conn: Connection, owner_id: int, name: str, *, after: Key | None, limit: int
) -> Page[FacetVersion]:
    """List the distinct bodies of one facet, the newest (by when it was first seen) first.

    A page ends before ``limit`` where it would have more than ``MOST_BYTES``.
    """
    columns = select(facet.c.hash, facet.c.first_seen_at, facet.c.last_seen_at)
    columns = columns.where(facet.c.owner_id == owner_id, facet.c.name == name, facet.c.hash != DELETED)
    order = (facet.c.first_seen_at, facet.c.hash)
    rows = conn.execute(ordered(columns, order, after, limit, newest=True)).all()
    packed = _packed(conn, [row.hash for row in rows[:limit]])
    found: list[FacetVersion] = []
    size = 0
    for row in rows[:limit]:
        body = unpack(packed[row.hash])
        size += len(body)
        if found and size > MOST_BYTES:
            break
        found.append(FacetVersion(body, row.first_seen_at, row.last_seen_at))
    return Page(found, cut(rows, len(found), lambda row: (row.first_seen_at, row.hash)).next)


def _current(
    conn: Connection, owner_ids: Sequence[int], name: str | None
) -> dict[tuple[int, str], FacetVersion]:
    chosen = [facet.c.owner_id.in_(owner_ids)] + ([] if name is None else [facet.c.name == name])
    # A facet that changes with every run has as many rows; grouping reads them once, along the primary key.
    latest = select(facet.c.owner_id, facet.c.name, func.max(facet.c.last_seen_at).label("at")).where(*chosen)
    last = latest.group_by(facet.c.owner_id, facet.c.name).subquery()
    same = (
        (facet.c.owner_id == last.c.owner_id)
        & (facet.c.name == last.c.name)
        & (facet.c.last_seen_at == last.c.at)
    )
    rows = conn.execute(
        select(facet).join_from(facet, last, same).where(*chosen).order_by(facet.c.hash)
    ).all()
    # Of two bodies seen at the same moment the one with the greater hash wins: any rule, but always the same.
    current = {(row.owner_id, row.name): row for row in rows}
    kept = {owner: row for owner, row in current.items() if row.hash != DELETED}
    bodies = bodies_of(conn, [row.hash for row in kept.values()])
    return {
        owner: FacetVersion(bodies[row.hash], row.first_seen_at, row.last_seen_at)
        for owner, row in kept.items()
    }


def bodies_of(conn: Connection, hashes: Collection[bytes]) -> dict[bytes, bytes]:
    """Give the bodies (canonical JSON) with these hashes."""
    return {hash_: unpack(body) for hash_, body in _packed(conn, hashes).items()}


def _packed(conn: Connection, hashes: Collection[bytes]) -> dict[bytes, bytes]:
    if not hashes:
        return {}
    rows = conn.execute(select(facet_body).where(facet_body.c.hash.in_(set(hashes))))
    return {row.hash: row.body for row in rows}
