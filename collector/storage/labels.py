"""What datasets are picked out by besides their names: their tags, owners and tools. Canonical ids everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from collector.storage.facet_reads import DELETED, bodies_of
from collector.storage.node_facts import owners_in
from collector.storage.node_facts import tools as tools_of
from collector.storage.selects import chunks
from collector.storage.tables import dataset, edge, facet, job, namespace, tagged
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import Direction


def tags(
    conn: Connection, only: Collection[int] | None = None, *, visible: Visible = None
) -> dict[int, set[str]]:
    """Give the tags of datasets, or of ``only`` some, under all names that are ``visible``.

    They are those of people, and of the ``tags`` facet. A tag of the facet is written ``key:value``; just ``key`` where
    the value is "true" or there is none. Those of fields are left out.
    """
    found: defaultdict[int, set[str]] = defaultdict(set)
    by_people = (
        select(dataset.c.canonical_id, tagged.c.tag)
        .join_from(dataset, tagged, tagged.c.owner_id == dataset.c.id)
        .where(tagged.c.field == "", *_only(conn, only, visible))
    )
    for id_, tag in conn.execute(by_people):
        found[id_].add(tag)
    for id_, _, body in _bodies(conn, "tags", only, visible):
        listed = body.get("tags")
        found[id_].update(filter(None, map(_tag, listed if isinstance(listed, list) else ())))
    return dict(found)


def owners(
    conn: Connection, only: Collection[int] | None = None, *, visible: Visible = None
) -> dict[int, list[str]]:
    """Give the owners of datasets, or of ``only`` some: first those that it has under its canonical name."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for id_, _, body in sorted(
        _bodies(conn, "ownership", only, visible), key=lambda each: (each[0] != each[1], each[1])
    ):
        found[id_] += (owner.name for owner in owners_in(body))
    return dict(found)


def tools(conn: Connection, only: Collection[int], *, visible: Visible = None) -> dict[int, set[str]]:
    """Give the tools that write datasets: SPARK, DBT and so on, as the ``jobType`` facets of their jobs have them.

    Of jobs that are ``visible``, and write them now.
    """
    writes = (edge.c.direction == Direction.OUTPUT, edge.c.valid_to.is_(None))
    rows = conn.execute(
        select(dataset.c.canonical_id, edge.c.job_id)
        .join_from(dataset, edge, edge.c.dataset_id == dataset.c.id)
        .join(job, job.c.id == edge.c.job_id)
        .where(*writes, within(job.c.namespace_id, visible), *_only(conn, only, visible))
        .distinct()
    ).all()
    known: dict[int, str] = {}
    for part in chunks(sorted({row.job_id for row in rows})):
        known |= tools_of(conn, part)
    found: defaultdict[int, set[str]] = defaultdict(set)
    for row in rows:
        if row.job_id in known:
            found[row.canonical_id].add(known[row.job_id])
    return dict(found)


def names(
    conn: Connection, only: Collection[int], *, visible: Visible = None
) -> dict[int, set[tuple[str, str]]]:
    """Give the names that datasets have: (namespace, name)."""
    rows = conn.execute(
        select(dataset.c.canonical_id, namespace.c.name.label("namespace"), dataset.c.name)
        .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
        .where(*_only(conn, only, visible))
    )
    found: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        found[row.canonical_id].add((row.namespace, row.name))
    return dict(found)


def _tag(entry: Any) -> str | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or entry.get("field"):
        return None
    key, value = entry["key"], entry.get("value")
    return f"{key}:{value}" if value not in (None, "", "true", True) else key


def _bodies(
    conn: Connection, name: str, only: Collection[int] | None, visible: Visible
) -> list[tuple[int, int, dict[str, Any]]]:
    """Give (canonical id, id of the name, body) of the current facets of datasets that are objects."""
    rows = conn.execute(
        select(dataset.c.canonical_id, facet.c.owner_id, facet.c.hash)
        .join_from(dataset, facet, facet.c.owner_id == dataset.c.id)
        .where(facet.c.name == name, *_only(conn, only, visible))
        # The last one wins, as in ``facet_reads``.
        .order_by(facet.c.last_seen_at, facet.c.hash)
    )
    current = {(row.canonical_id, row.owner_id): bytes(row.hash) for row in rows}
    bodies: dict[bytes, Any] = {}
    for part in chunks(sorted(set(current.values()) - {DELETED})):
        bodies |= {hash_: msgspec.json.decode(body) for hash_, body in bodies_of(conn, part).items()}
    return [(*key, body) for key, hash_ in current.items() if isinstance(body := bodies.get(hash_), dict)]


def _only(conn: Connection, only: Collection[int] | None, visible: Visible) -> list[ColumnElement[bool]]:
    seen = within(dataset.c.namespace_id, visible)
    return [seen] if only is None else [seen, among(conn, dataset.c.canonical_id, only)]
