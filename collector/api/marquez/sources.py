"""``/sources``: where datasets are, as their ``dataSource`` facets and the clients of Marquez say."""

from __future__ import annotations

from sqlalchemy import Connection

from collector.api.access import visible
from collector.api.marquez.bodies import body_of
from collector.api.marquez.parameters import page
from collector.api.marquez.refusals import missing
from collector.api.marquez.routing import Routes
from collector.api.services import reading, services
from collector.storage.notes import note_source
from collector.storage.sources import Source, sources
from collector.storage.visibility import Visible
from collector.times import iso, now_us

routes = Routes()

DEFAULT = Source("default", "POSTGRESQL", "", None, 0, 0)
"""The source of all datasets that name none."""

TYPES = {"postgres": "POSTGRESQL", "": "POSTGRESQL"}
"""What Marquez calls a source by the scheme of its URL, where that is not the scheme in capitals."""


@routes.get("/sources")
def list_sources() -> object:
    """List sources by name."""
    part = page()
    with reading() as conn:
        found = _all(conn, visible(conn))
    names = sorted(found)[part.offset : part.offset + part.limit]
    return {"sources": [shape(found[name]) for name in names]}


@routes.get("/sources/{source}")
def get_source(source: str) -> object:
    """Give one source."""
    with reading() as conn:
        return shape(find_source(conn, source, visible(conn)))


@routes.put("/sources/{source}")
def put_source(source: str) -> object:
    """Say what a source is."""
    body = body_of()
    kind, url, description = body.needed("type"), body.needed("connectionUrl"), body.text("description")
    body.check()
    with services().database.write() as conn:
        note_source(conn, source, kind.upper(), url, description, now_us())
        return shape(find_source(conn, source))


def find_source(conn: Connection, name: str, seen: Visible = None) -> Source:
    """Give one source; raises ``NotFound``."""
    found = _all(conn, seen).get(name)
    if found is None:
        raise missing("Source", name)
    return found


def shape(source: Source) -> dict[str, object]:
    """Give a source as an answer shows it."""
    scheme = source.url.partition("://")[0].lower() if "://" in source.url else ""
    return {
        "type": source.type or TYPES.get(scheme, scheme.upper()),
        "name": source.name,
        "createdAt": iso(source.created_at),
        "updatedAt": iso(source.updated_at),
        "connectionUrl": source.url,
        "description": source.description,
    }


def _all(conn: Connection, seen: Visible) -> dict[str, Source]:
    return {DEFAULT.name: DEFAULT} | {source.name: source for source in sources(conn, seen)}
