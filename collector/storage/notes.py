"""What people say about the catalog and no event tells: owners, tags, sources, and what they want to see no more.

Writing mostly: what hides a job, or shows its tags, is read where jobs are read. The engine, whose rules go by tags and
by what is hidden, is told in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import Connection, Table, delete, select

from collector.storage.facts import What, tell
from collector.storage.tables import (
    dataset,
    hidden,
    job,
    namespace_note,
    run_note,
    source_note,
    tag,
    tagged,
)
from collector.storage.upsert import REPLACE, among, write_rows
from lineage.model import entity_id


def note_namespace(conn: Connection, name: str, owner: str, description: str | None, now: int) -> None:
    """Set the owner and description of a namespace, and show it again if it was hidden. ``now`` in µs UTC."""
    write_rows(
        conn,
        namespace_note,
        ("namespace_id", "name", "owner", "description", "created_at", "updated_at", "hidden_at"),
        [(entity_id("namespace", name), name, owner, description, now, now, None)],
        dict.fromkeys(("owner", "description", "updated_at", "hidden_at"), REPLACE),
    )


def hide_namespace(conn: Connection, name: str, owner: str, now: int) -> None:
    """Hide a namespace with all its jobs and datasets; ``owner`` is for one that nobody has said anything about."""
    id_ = entity_id("namespace", name)
    write_rows(
        conn,
        namespace_note,
        ("namespace_id", "name", "owner", "created_at", "updated_at", "hidden_at"),
        [(id_, name, owner, now, now, now)],
        dict.fromkeys(("updated_at", "hidden_at"), REPLACE),
    )
    for table in (job, dataset):
        _hide(conn, table, id_, now)


def hide(conn: Connection, owner_ids: Collection[int], now: int) -> None:
    """Hide jobs or datasets until an event names them again."""
    write_rows(
        conn, hidden, ("owner_id", "hidden_at"), [(id_, now) for id_ in owner_ids], {"hidden_at": REPLACE}
    )
    tell(conn, dict.fromkeys(owner_ids, What.FACET), now)


def show(conn: Connection, owner_ids: Collection[int], now: int) -> None:
    """Show jobs or datasets again."""
    conn.execute(delete(hidden).where(among(conn, hidden.c.owner_id, owner_ids)))
    tell(conn, dict.fromkeys(owner_ids, What.FACET), now)


def _hide(conn: Connection, table: Table, namespace_id: int, now: int) -> None:
    hide(
        conn,
        list(conn.execute(select(table.c.id).where(table.c.namespace_id == namespace_id)).scalars()),
        now,
    )


def note_source(
    conn: Connection, name: str, kind: str, connection_url: str, description: str | None, now: int
) -> None:
    """Set what is said of a data source."""
    write_rows(
        conn,
        source_note,
        ("id", "name", "type", "connection_url", "description", "created_at", "updated_at"),
        [(entity_id("source", name), name, kind, connection_url, description, now, now)],
        dict.fromkeys(("type", "connection_url", "description", "updated_at"), REPLACE),
    )


def note_run(conn: Connection, key: bytes, job_id: int, args: Mapping[str, str], now: int) -> bool:
    """Announce a run that has not begun; False if it is announced already. ``key`` is its ``run_key``."""
    known = select(run_note.c.key).where(run_note.c.key == key, run_note.c.job_id == job_id)
    if conn.execute(known).first() is not None:
        return False
    row = (key, job_id, msgspec.json.encode(args).decode(), now)
    write_rows(conn, run_note, ("key", "job_id", "args", "created_at"), [row])
    return True


def announced(conn: Connection, keys: Collection[bytes]) -> dict[tuple[bytes, int], dict[str, str]]:
    """Give the arguments of those of these runs that were announced, by key and job id."""
    if not keys:
        return {}
    rows = conn.execute(select(run_note).where(run_note.c.key.in_(keys)))
    return {(row.key, row.job_id): msgspec.json.decode(row.args) for row in rows}


def describe_tag(conn: Connection, name: str, description: str | None) -> None:
    """Make a tag, or change what it means."""
    write_rows(conn, tag, ("name", "description"), [(name, description)], {"description": REPLACE})


def list_tags(conn: Connection, *, limit: int, offset: int) -> list[tuple[str, str | None]]:
    """List tags, with what they mean, by name."""
    rows = conn.execute(
        select(tag.c.name, tag.c.description).order_by(tag.c.name).limit(limit).offset(offset)
    )
    return [(row.name, row.description) for row in rows]


def attach_tag(conn: Connection, owner_id: int, field: str, name: str, now: int) -> None:
    """Tag a job or dataset, or a field of one (else ``field`` is empty); a tag that nobody has made is made."""
    write_rows(conn, tag, ("name",), [(name,)])
    write_rows(conn, tagged, ("owner_id", "field", "tag", "tagged_at"), [(owner_id, field, name, now)])
    tell(conn, {owner_id: What.FACET}, now)


def detach_tag(conn: Connection, owner_id: int, field: str, name: str, now: int) -> None:
    """Take a tag off; none there is none to take."""
    conn.execute(
        delete(tagged).where(tagged.c.owner_id == owner_id, tagged.c.field == field, tagged.c.tag == name)
    )
    tell(conn, {owner_id: What.FACET}, now)
