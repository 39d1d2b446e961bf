"""The rules in force: what is expected, who hears of it, and when nobody does. One row each, all read together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, select

from collector.errors import Conflict
from collector.storage import revisions, upsert
from collector.storage.freshness_tables import rule
from collector.storage.revisions import Revision
from triggers.documents import Row, ruleset_of
from triggers.rules import RuleSet

ORIGIN: Final = "origin"
"""The kind of the row that says which folder the rules are those of. It is none of the rules."""


def state(conn: Connection) -> Revision:
    """Tell how often the rules have been changed, and up to which change the engine follows them."""
    return revisions.get(conn, revisions.RULES)


def bodies(conn: Connection) -> list[Row]:
    """List the rules, in the order in which they were written."""
    found = select(rule.c.kind, rule.c.id, rule.c.body).where(rule.c.kind != ORIGIN)
    rows = conn.execute(found.order_by(rule.c.position, rule.c.kind, rule.c.id))
    return [Row(kind, id_, msgspec.json.decode(body)) for kind, id_, body in rows]


def rules(conn: Connection) -> RuleSet:
    """Give the rules, ready to be followed."""
    return ruleset_of(bodies(conn))


def replace(conn: Connection, wanted: Iterable[Row], now: int, folder: str | None = None) -> int:
    """Put rules, checked already, in place of those there are. Give the revision; the engine follows later.

    A rule that stays as it was keeps the time at which it changed (µs UTC); if all do, nothing has changed. ``folder``
    is the one whose files they are. Raises Conflict without it as long as the rules are those of a folder.
    """
    # First, as it locks the row: of two that replace the rules at once, one comes after the other.
    number = revisions.advance(conn, revisions.RULES, 0)
    if folder is not None:
        set_origin(conn, folder, now)
    elif (followed := origin(conn)) is not None:
        raise Conflict(
            f"The rules are those of the files in {followed}, which the server follows: change them there, "
            "or start the server without --rules."
        )
    known = {
        (kind, id_): (body, position)
        for kind, id_, body, position in conn.execute(
            select(rule.c.kind, rule.c.id, rule.c.body, rule.c.position).where(rule.c.kind != ORIGIN)
        )
    }
    changed: list[tuple[object, ...]] = []
    moved: list[tuple[object, ...]] = []
    for position, row in enumerate(wanted):
        text = json.dumps(row.body, ensure_ascii=False)
        before = known.pop((row.kind, row.id), (None, None))
        if before[0] != text:
            changed.append((row.kind, row.id, position, text, now))
        elif before[1] != position:
            moved.append((row.kind, row.id, position))
    upsert.write_rows(conn, rule, upsert.names(rule), changed, upsert.replace(rule))
    upsert.update_rows(conn, rule, ("position",), moved)
    upsert.delete_rows(conn, rule, list(known))
    return revisions.advance(conn, revisions.RULES) if changed or known else number


def origin(conn: Connection) -> str | None:
    """Give the folder whose files the rules are, if a server follows one: nobody else may change them then."""
    body = conn.execute(select(rule.c.body).where(rule.c.kind == ORIGIN)).scalar()
    found: Mapping[str, str] = json.loads(body) if body else {}
    return found.get("folder")


def set_origin(conn: Connection, folder: str, now: int) -> None:
    """Say that the rules are those of a folder from now on (µs UTC)."""
    row = (ORIGIN, "", 0, json.dumps({"folder": folder}), now)
    upsert.write_rows(conn, rule, upsert.names(rule), [row], upsert.replace(rule))


def release(conn: Connection) -> None:
    """Say that the rules, as they are, are anybody's again."""
    conn.execute(delete(rule).where(rule.c.kind == ORIGIN))
