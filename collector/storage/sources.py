"""Data sources: what the ``dataSource`` facets of datasets name, and what people say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection, func, literal_column, select

from collector.storage.compression import unpack
from collector.storage.selects import chunks
from collector.storage.tables import dataset, facet, facet_body, source_note
from collector.storage.visibility import Visible, within

FACET = "dataSource"


@dataclass(frozen=True, slots=True)
class Source:
    """A data source. Times are µs since 1970-01-01 UTC: of the events that named it, or of what was said of it.

    ``type`` None: nobody has said; ``url`` may be empty.
    """

    name: str
    type: str | None
    url: str
    description: str | None
    created_at: int
    updated_at: int


def sources(conn: Connection, visible: Visible = None) -> list[Source]:
    """Give data sources by name: those of the datasets that the caller may see.

    There are few: one for each database or bucket, however many datasets.
    """
    found = _named_by_facets(conn, visible)
    for row in conn.execute(select(source_note)):
        seen = found.get(row.name)
        # Whose it is nobody has said but the datasets in it.
        if seen is None and visible is not None:
            continue
        created = row.created_at if seen is None else min(row.created_at, seen.created_at)
        updated = row.updated_at if seen is None else max(row.updated_at, seen.updated_at)
        found[row.name] = Source(row.name, row.type, row.connection_url, row.description, created, updated)
    return [found[name] for name in sorted(found)]


def _named_by_facets(conn: Connection, visible: Visible) -> dict[str, Source]:
    # The name of the facet is a constant of the index's condition, not a parameter, and so found in it.
    mine = facet.c.name == literal_column(f"'{FACET}'")
    first, last = func.min(facet.c.first_seen_at), func.max(facet.c.first_seen_at)
    grouped = select(facet.c.hash, first.label("first"), last.label("last")).where(mine)
    if visible is not None:
        seen = select(dataset.c.id).where(within(dataset.c.namespace_id, visible))
        grouped = grouped.where(facet.c.owner_id.in_(seen))
    rows = conn.execute(grouped.group_by(facet.c.hash)).all()
    found: dict[str, Source] = {}
    for part in chunks(rows):
        bodies = select(facet_body).where(facet_body.c.hash.in_([row.hash for row in part]))
        texts = {row.hash: unpack(row.body) for row in conn.execute(bodies)}
        for row in part:
            source = _read(texts.get(row.hash, b"null"), row.first, row.last)
            if source is None:
                continue
            known = found.get(source.name)
            if known is not None:
                newest = max(known, source, key=lambda each: (each.updated_at, each.url))
                source = replace(newest, created_at=min(known.created_at, source.created_at))
            found[source.name] = source
    return found


def _read(text: bytes, first: int, last: int) -> Source | None:
    body = msgspec.json.decode(text)
    name, url = (body.get(key) for key in ("name", "uri")) if isinstance(body, dict) else (None, None)
    if not isinstance(name, str) or not name:
        return None
    return Source(name, None, url if isinstance(url, str) else "", None, first, last)
