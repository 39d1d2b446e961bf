"""How often people have changed something, and up to which change the program follows.

Whoever follows compares numbers, however many changes lie between: it needs to know only that there was one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import Connection, Dialect, bindparam, select

from collector.storage.prepared import Prepared
from collector.storage.tables import revision
from collector.storage.upsert import SUM, names, write_rows

ALIASES: Final = "aliases"
"""Rules by which names are one dataset; the projector follows."""

RULES: Final = "rules"
"""Rules about freshness; the engine follows."""

ALERTS: Final = "alerts"
"""Acknowledgements and silences; the engine follows."""

CATALOG: Final = "catalog"
"""Rebuilds: anything may be otherwise than before; the engine follows."""


class Revision(NamedTuple):
    """How often something has been changed (``wanted``), and up to which change it is followed (``applied``)."""

    wanted: int
    applied: int


NONE = Revision(0, 0)


def all_revisions(conn: Connection) -> dict[str, Revision]:
    """Give what has been changed at all, by name."""
    return {row.name: Revision(row.wanted, row.applied) for row in _all(conn.dialect).run(conn, {})}


@lru_cache
def _all(dialect: Dialect) -> Prepared:
    return Prepared(select(revision), dialect)


def get(conn: Connection, name: str) -> Revision:
    """Tell how often something has been changed, and whether that is followed."""
    found = _one(conn.dialect).run(conn, {"wanted_name": name}).one_or_none()
    return Revision(found.wanted, found.applied) if found else NONE


@lru_cache
def _one(dialect: Dialect) -> Prepared:
    mine = revision.c.name == bindparam("wanted_name")
    return Prepared(select(revision.c.wanted, revision.c.applied).where(mine), dialect)


def advance(conn: Connection, name: str, by: int = 1) -> int:
    """Say that something is being changed in this transaction; give the number of the change.

    The row stays locked until the transaction ends, so changes of one name come one after the other; ``by`` 0 only
    takes the turn, for who does not know yet whether there is anything to change.
    """
    write_rows(conn, revision, names(revision), [(name, by, 0)], {"wanted": SUM})
    return get(conn, name).wanted


def follow(conn: Connection, name: str, number: int) -> None:
    """Say that a change is followed."""
    conn.execute(revision.update().where(revision.c.name == name).values(applied=number))
