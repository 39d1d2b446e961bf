"""``/namespaces``."""

from __future__ import annotations

from sqlalchemy import Connection

from collector.api.access import visible
from collector.api.marquez.parameters import page
from collector.api.marquez.refusals import missing
from collector.api.marquez.routing import Routes
from collector.api.services import reading
from collector.storage.marquez import namespaces
from collector.storage.visibility import Visible
from collector.times import iso

routes = Routes()


@routes.get("/namespaces")
def list_namespaces() -> object:
    """List namespaces by name; hidden ones too, marked so."""
    part = page()
    with reading() as conn:
        rows = namespaces.list_namespaces(conn, visible=visible(conn), limit=part.limit, offset=part.offset)
    return {"namespaces": [entity(row) for row in rows]}


@routes.get("/namespaces/{namespace}")
def get_namespace(namespace: str) -> object:
    """Give one namespace, also if it is hidden."""
    with reading() as conn:
        return entity(find(conn, namespace, visible(conn)))


def find(conn: Connection, name: str, seen: Visible) -> namespaces.NamespaceRow:
    """Find a namespace. Raises ``NotFound``."""
    row = namespaces.find_namespace(conn, name, seen)
    if row is None:
        raise missing("Namespace", name)
    return row


def need(conn: Connection, name: str, seen: Visible) -> None:
    """Raise ``NotFound`` unless there is such a namespace."""
    if not namespaces.has_namespace(conn, name, seen):
        raise missing("Namespace", name)


def entity(row: namespaces.NamespaceRow) -> dict[str, object]:
    """Give a namespace as answers have it."""
    return {
        "name": row.name,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
        "ownerName": row.owner,
        "description": row.description,
        "isHidden": row.hidden,
    }
