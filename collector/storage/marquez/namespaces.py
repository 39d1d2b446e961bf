"""Namespaces: those that events name, and those that people have made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, literal, select, union

from collector.storage.marquez.hiding import hidden_namespaces
from collector.storage.tables import dataset, facet, job, namespace, namespace_note
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import entity_id

ANONYMOUS = "anonymous"
"""The owner of what nobody owns."""


@dataclass(frozen=True, slots=True)
class NamespaceRow:
    """A namespace. Times in µs UTC; 0 where nothing tells them."""

    name: str
    created_at: int
    updated_at: int
    owner: str
    description: str | None
    hidden: bool


def list_namespaces(conn: Connection, *, visible: Visible, limit: int, offset: int) -> list[NamespaceRow]:
    """List namespaces by name, hidden ones too."""
    every = union(
        select(namespace.c.id, namespace.c.name).where(within(namespace.c.id, visible)),
        select(namespace_note.c.namespace_id, namespace_note.c.name).where(
            within(namespace_note.c.namespace_id, visible)
        ),
    ).subquery()
    page = select(every.c.id, every.c.name).order_by(every.c.name).limit(limit).offset(offset)
    return _rows(conn, {row.id: row.name for row in conn.execute(page)})


def find_namespace(conn: Connection, name: str, visible: Visible) -> NamespaceRow | None:
    """Give one namespace; None if there is none, or the caller may not see it."""
    id_ = entity_id("namespace", name)
    there = union(
        select(namespace.c.id).where(namespace.c.id == id_, within(namespace.c.id, visible)),
        select(namespace_note.c.namespace_id).where(
            namespace_note.c.namespace_id == id_, within(namespace_note.c.namespace_id, visible)
        ),
    )
    return next(iter(_rows(conn, {id_: name})), None) if conn.execute(there).first() else None


def has_namespace(conn: Connection, name: str, visible: Visible) -> bool:
    """Tell whether there is such a namespace, hidden or not, that the caller may see."""
    id_ = entity_id("namespace", name)
    there = union(
        select(namespace.c.id).where(namespace.c.id == id_, within(namespace.c.id, visible)),
        select(namespace_note.c.namespace_id).where(
            namespace_note.c.namespace_id == id_, within(namespace_note.c.namespace_id, visible)
        ),
    )
    return conn.execute(select(literal(1)).select_from(there.subquery())).first() is not None


def _rows(conn: Connection, names: dict[int, str]) -> list[NamespaceRow]:
    if not names:
        return []
    notes = {
        row.namespace_id: row
        for row in conn.execute(
            select(namespace_note).where(among(conn, namespace_note.c.namespace_id, names))
        )
    }
    hidden = hidden_namespaces(conn)
    times = _times(conn, names)
    rows = []
    for id_, name in names.items():
        note = notes.get(id_)
        first, last = times.get(id_, (0, 0))
        rows.append(
            NamespaceRow(
                name,
                note.created_at if note else first,
                max(note.updated_at, last) if note else last,
                note.owner if note else ANONYMOUS,
                note.description if note else None,
                id_ in hidden,
            )
        )
    return rows


def _times(conn: Connection, ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Give when the first and the last event about a namespace came: of its jobs, or where it has none its datasets."""
    seen = select(
        job.c.namespace_id,
        func.min(job.c.first_seen_at).label("first"),
        func.max(job.c.last_seen_at).label("last"),
    ).where(among(conn, job.c.namespace_id, ids), job.c.last_seen_at.is_not(None))
    found = {
        row.namespace_id: (row.first, row.last) for row in conn.execute(seen.group_by(job.c.namespace_id))
    }
    rest = set(ids) - found.keys()
    told = (
        select(
            dataset.c.namespace_id,
            func.min(facet.c.first_seen_at).label("first"),
            func.max(facet.c.last_seen_at).label("last"),
        )
        .join_from(dataset, facet, facet.c.owner_id == dataset.c.id)
        .where(among(conn, dataset.c.namespace_id, rest))
    )
    for row in conn.execute(told.group_by(dataset.c.namespace_id)) if rest else ():
        found[row.namespace_id] = (row.first, row.last)
    return found
