"""The rules by which names are one dataset, as people have written them, and whether the catalog follows them yet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, select

from collector.storage import upsert
from collector.storage.tables import alias_rule, revision
from lineage.identity import Rules, rule_of

ALIASES: Final = "aliases"
"""The row of ``revision``."""

Body = Mapping[str, Any]
"""A rule as documents write it, see ``lineage.identity.rule_of``."""


class State(NamedTuple):
    """How often the rules have been changed (``wanted``), and up to which change the catalog follows (``applied``)."""

    wanted: int
    applied: int


def state(conn: Connection) -> State:
    """Tell whether the catalog follows the rules."""
    row = conn.execute(
        select(revision.c.wanted, revision.c.applied).where(revision.c.name == ALIASES)
    ).one_or_none()
    return State(*row) if row else State(0, 0)


def bodies(conn: Connection) -> list[dict[str, Any]]:
    """List the rules, in the order in which they were written."""
    return [json.loads(row.body) for row in conn.execute(select(alias_rule).order_by(alias_rule.c.position))]


def rules(conn: Connection) -> Rules:
    """Give the rules, ready to be applied."""
    return Rules(map(rule_of, bodies(conn)))


def replace(conn: Connection, wanted: Sequence[Body]) -> int:
    """Put rules, checked already, in place of those there are. Give the revision; the projector follows later."""
    number = _raise(conn)
    conn.execute(delete(alias_rule))
    _insert(conn, wanted, 0)
    return number


def append(conn: Connection, body: Body) -> int:
    """Add one rule, checked already; nothing is written if it is there. Give the revision."""
    # First, as it locks the row: two that append at once must not take the same position.
    number = _raise(conn)
    if body not in bodies(conn):
        last = conn.execute(select(func.max(alias_rule.c.position))).scalar()
        _insert(conn, [body], 0 if last is None else last + 1)
    return number


def mark_applied(conn: Connection, number: int) -> None:
    """Say that the catalog follows the rules up to this revision."""
    conn.execute(revision.update().where(revision.c.name == ALIASES).values(applied=number))


def _raise(conn: Connection) -> int:
    upsert.write_rows(conn, revision, upsert.names(revision), [(ALIASES, 1, 0)], {"wanted": upsert.SUM})
    return state(conn).wanted


def _insert(conn: Connection, added: Sequence[Body], first: int) -> None:
    rows = [(first + number, json.dumps(body)) for number, body in enumerate(added)]
    upsert.write_rows(conn, alias_rule, upsert.names(alias_rule), rows)
