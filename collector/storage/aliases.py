"""The rules by which names are one dataset, as people have written them, and whether the catalog follows them yet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select

from collector.storage import revisions, upsert
from collector.storage.revisions import Revision
from collector.storage.tables import alias_rule
from lineage.identity import Rules, rule_of

Body = Mapping[str, Any]
"""A rule as documents write it, see ``lineage.identity.rule_of``."""


def state(conn: Connection) -> Revision:
    """Tell whether the catalog follows the rules."""
    return revisions.get(conn, revisions.ALIASES)


def bodies(conn: Connection) -> list[dict[str, Any]]:
    """List the rules, in the order in which they were written."""
    return [json.loads(row.body) for row in conn.execute(select(alias_rule).order_by(alias_rule.c.position))]


def rules(conn: Connection) -> Rules:
    """Give the rules, ready to be applied."""
    return Rules(map(rule_of, bodies(conn)))


def replace(conn: Connection, wanted: Sequence[Body]) -> int:
    """Put rules, checked already, in place of those there are. Give the revision; the projector follows later."""
    number = revisions.advance(conn, revisions.ALIASES)
    conn.execute(delete(alias_rule))
    _insert(conn, wanted, 0)
    return number


def append(conn: Connection, body: Body) -> int:
    """Add one rule, checked already; nothing is written if it is there. Give the revision."""
    # First, as it locks the row: two that append at once must not take the same position.
    number = revisions.advance(conn, revisions.ALIASES)
    if body not in bodies(conn):
        last = conn.execute(select(func.max(alias_rule.c.position))).scalar()
        _insert(conn, [body], 0 if last is None else last + 1)
    return number


def mark_applied(conn: Connection, number: int) -> None:
    """Say that the catalog follows the rules up to this revision."""
    revisions.follow(conn, revisions.ALIASES, number)


def _insert(conn: Connection, added: Sequence[Body], first: int) -> None:
    rows = [(first + number, json.dumps(body)) for number, body in enumerate(added)]
    upsert.write_rows(conn, alias_rule, upsert.names(alias_rule), rows)
