"""Jobs, datasets and namespaces by a part of their name: from an index what is called so or begins so, then the rest.

What begins like the text, or has a last part that does (``orders`` of ``shop.public.orders``), is found at once. What
holds it elsewhere no index knows: names are read one after the other, until there are enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select

from collector.storage.catalog import TABLES, NodeType, named_rows
from collector.storage.name_parts import beginning, last_part
from collector.storage.schema import SORT_PREFIX
from collector.storage.tables import namespace
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import DatasetRef, JobRef
from lineage.naming import normal

MOST_LIKE: Final = 1000
"""Names that begin alike of which the best are chosen; to order all that begin with an ``a`` would take long."""

MOST_READ: Final = 500_000
"""Names that are read for what they hold inside; some 0.8 µs each."""

FEW_READ: Final = 50_000
"""Names that are read if something is called so: that is mostly what was meant."""

MOST_SPLITS: Final = 100
"""Ways to part a text into namespace and name that are tried."""

LAST_LETTER: Final = "\U0010ffff"
"""Follows all others, letter by letter as byte by byte."""


class Match(IntEnum):
    """How a name and a text are alike, the best first."""

    EXACT = 1
    LAST = 2
    """The last part is the text."""
    BEGINS = 3
    """It begins so, or its last part does."""
    CONTAINS = 4


class Hit(NamedTuple):
    """A name that a search has found."""

    id: int
    namespace: str
    name: str
    match: Match


def search_names(
    conn: Connection, kind: NodeType, q: str, *, visible: Visible, limit: int
) -> tuple[list[Hit], bool]:
    """Find jobs or datasets, the best first, and tell whether all names were looked at; letter case does not matter.

    ``q`` may be an address: ``s3://bucket/key``, ``dataset:NS:NAME``, ``NS:NAME``.
    """
    found = {hit.id: hit for hit in _addressed(conn, kind, q, visible)}
    meant = bool(found)
    for hit in _alike(conn, kind, q, visible):
        found.setdefault(hit.id, hit)
    complete = True
    if len(found) < limit and not meant:
        called = any(hit.match <= Match.LAST for hit in found.values())
        room = FEW_READ if called else MOST_READ
        inside, complete = _inside(conn, kind, q, visible, limit + len(found), room)
        for hit in inside:
            found.setdefault(hit.id, hit)
    hits = sorted(found.values(), key=lambda hit: (hit.match, len(hit.name), hit.name, hit.namespace))
    return hits[:limit], complete


def search_namespaces(conn: Connection, q: str, *, visible: Visible, limit: int) -> list[Hit]:
    """Find namespaces, the best first. There are few: one for each database or tool."""
    name = namespace.c.name
    asked = select(namespace).where(name.icontains(q, autoescape=True), within(namespace.c.id, visible))
    hits = [Hit(row.id, "", row.name, match_of(row.name, q) or Match.CONTAINS) for row in conn.execute(asked)]
    return sorted(hits, key=lambda hit: (hit.match, len(hit.name), hit.name))[:limit]


def match_of(name: str, q: str) -> Match | None:
    """Tell how a name and a text are alike, letter case aside; None: not at all."""
    lower, wanted = name.lower(), q.lower()
    last = re.split("[./]", lower)[-1]
    if lower == wanted:
        return Match.EXACT
    if last == wanted:
        return Match.LAST
    if lower.startswith(wanted) or last.startswith(wanted):
        return Match.BEGINS
    return Match.CONTAINS if wanted in lower else None


def _addressed(conn: Connection, kind: NodeType, q: str, visible: Visible) -> Iterator[Hit]:
    """Find what the text is the address of: its namespace and its name, however they are put together."""
    table = TABLES[kind]
    ids = {ref.id for ref in _readings(kind, q)}
    if ids:
        asked = named_rows(kind).where(among(conn, table.c.id, ids), within(table.c.namespace_id, visible))
        yield from (Hit(row.id, row.namespace, row.name, Match.EXACT) for row in conn.execute(asked))


def _readings(kind: NodeType, q: str) -> Iterator[DatasetRef | JobRef]:
    rest = q.removeprefix(f"{kind}:")
    places = [at for at, letter in enumerate(rest) if letter in ":/"][:MOST_SPLITS]
    for at in places:
        # After a slash, and with it: names of files begin with one, keys of buckets mostly do not.
        for name in {rest[at + 1 :], rest[at:]} if rest[at] == "/" else {rest[at + 1 :]}:
            if kind == "job":
                yield JobRef(rest[:at], name)
            else:
                ref = DatasetRef(rest[:at], name)
                yield ref
                yield normal(ref)[0]


def _alike(conn: Connection, kind: NodeType, q: str, visible: Visible) -> Iterator[Hit]:
    """Find names that begin so, and those whose last part does; first those that are so, of which none is left out."""
    table = TABLES[kind]
    start = func.substr(q, 1, SORT_PREFIX)
    wanted, above = func.lower(start), func.lower(start.concat(LAST_LETTER))
    for part in (beginning(table.c.name), last_part(table.c.name)):
        for condition in (part == wanted, _between(conn, part, wanted, above)):
            asked = named_rows(kind).where(condition, within(table.c.namespace_id, visible))
            yield from _hits(conn.execute(asked.limit(MOST_LIKE)), q)


def _between(
    conn: Connection, part: ColumnElement[str], first: ColumnElement[str], above: ColumnElement[str]
) -> ColumnElement[bool]:
    """Say that a part lies in a range of bytes, in the words that the index answers."""
    if conn.dialect.name == "postgresql":
        return and_(part.op("~>=~", is_comparison=True)(first), part.op("~<~", is_comparison=True)(above))
    return and_(part >= first, part < above)


def _inside(
    conn: Connection, kind: NodeType, q: str, visible: Visible, enough: int, room: int
) -> tuple[list[Hit], bool]:
    """Read names, ``room`` at most, until enough hold the text; tell whether all were read, or enough found."""
    table = TABLES[kind]
    read = select(table.c.id, table.c.name).where(within(table.c.namespace_id, visible)).limit(room)
    names = read.subquery()
    holding = select(names.c.id).where(names.c.name.icontains(q, autoescape=True)).limit(enough)
    ids = list(conn.execute(holding).scalars())
    found = list(_hits(conn.execute(named_rows(kind).where(among(conn, table.c.id, ids))), q))
    more = read.offset(room).limit(1)
    return found, len(ids) == enough or conn.execute(more).first() is None


def _hits(rows: Iterable[Any], q: str) -> Iterator[Hit]:
    # What the database takes for the same letter need not be the same here.
    return (Hit(row.id, row.namespace, row.name, match_of(row.name, q) or Match.CONTAINS) for row in rows)
