"""Silences: somebody's word that some alerts need not be told until a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select

from collector.errors import NotFound
from collector.storage import revisions
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import silence
from collector.storage.upsert import names, replace, write_rows
from triggers.alerts import Matcher
from triggers.silences import Silence


class State(StrEnum):
    """How a silence stands at a moment."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


def state(found: Silence, now: int) -> State:
    """Tell how a silence stands (µs UTC)."""
    if found.ends <= now:
        return State.EXPIRED
    return State.ACTIVE if found.starts <= now else State.PENDING


def active(conn: Connection, now: int) -> list[Silence]:
    """Give the silences in force (µs UTC), by id."""
    wanted = select(silence).where(_is(State.ACTIVE, now)).order_by(silence.c.id)
    return [_silence(row) for row in conn.execute(wanted)]


def next_change(conn: Connection, now: int) -> int | None:
    """Give when the next one begins or ends (µs UTC); None if none does."""
    starts = select(func.min(silence.c.starts_at)).where(silence.c.starts_at > now)
    ends = select(func.min(silence.c.ends_at)).where(silence.c.ends_at > now)
    times = (conn.execute(statement).scalar() for statement in (starts, ends))
    return min((at for at in times if at is not None), default=None)


def list_silences(
    conn: Connection, states: Collection[State], now: int, *, after: Key | None, limit: int
) -> Page[Silence]:
    """List silences of some states, those that end last first."""
    chosen = or_(*(_is(each, now) for each in states))
    statement = ordered(
        select(silence).where(chosen), (silence.c.ends_at, silence.c.id), after, limit, newest=True
    )
    page = cut(conn.execute(statement).all(), limit, lambda row: (row.ends_at, row.id))
    return page.map(_silence)


def find(conn: Connection, id_: str) -> Silence:
    """Look a silence up; raises ``NotFound``."""
    row = conn.execute(select(silence).where(silence.c.id == id_)).one_or_none()
    if row is None:
        raise NotFound(f"There is no silence {id_!r}.")
    return _silence(row)


def known(conn: Connection, ids: Collection[str]) -> dict[str, Silence]:
    """Give those of these silences that there are, by id."""
    rows = conn.execute(select(silence).where(silence.c.id.in_(ids)))
    return {row.id: _silence(row) for row in rows}


def put(conn: Connection, wanted: Silence, changes: str | None, now: int) -> Silence:
    """Keep a new silence, or what one that is there (``changes`` is its id) becomes; give what is in force of it then.

    What a silence matches never changes: with other matchers it is ended, and the new one takes its place.
    """
    kept = (wanted,) if changes is None else find(conn, changes).changed(wanted, now)
    _write(conn, kept)
    return kept[-1]


def expire(conn: Connection, id_: str, now: int) -> Silence:
    """End a silence now (µs UTC); nothing happens to one that has ended."""
    ended = find(conn, id_).expired(now)
    _write(conn, [ended])
    return ended


def prune(conn: Connection, before: int) -> int:
    """Forget silences that ended before an instant (µs UTC); give how many."""
    return conn.execute(delete(silence).where(silence.c.ends_at < before)).rowcount


def matcher_data(matcher: Matcher) -> dict[str, Any]:
    """Give a matcher as JSON has it."""
    return {
        "label": matcher.label,
        "value": matcher.value,
        "regex": matcher.regex,
        "negative": matcher.negative,
    }


def _write(conn: Connection, silences: Iterable[Silence]) -> None:
    rows = [
        (
            each.id,
            json.dumps([matcher_data(matcher) for matcher in each.matchers]),
            each.starts,
            each.ends,
            each.author,
            each.reason,
            each.updated_at,
        )
        for each in silences
    ]
    write_rows(conn, silence, names(silence), rows, replace(silence))
    revisions.advance(conn, revisions.ALERTS)


def _silence(row: Any) -> Silence:
    matchers = tuple(Matcher(**matcher) for matcher in json.loads(row.matchers))
    return Silence(row.id, matchers, row.starts_at, row.ends_at, row.author, row.reason, row.updated_at)


def _is(wanted: State, now: int) -> ColumnElement[bool]:
    if wanted is State.EXPIRED:
        return silence.c.ends_at <= now
    started = silence.c.starts_at <= now if wanted is State.ACTIVE else silence.c.starts_at > now
    return and_(silence.c.ends_at > now, started)
