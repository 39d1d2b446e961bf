"""Joins as the engine keeps them from one round to the next, what holds of triggers, and what people ask of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Integer,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from collector.storage.prepared import Prepared
from collector.storage.tables import trigger_join, trigger_request, trigger_state
from collector.storage.upsert import names, replace, write_rows
from triggers.arrivals import Arrived
from triggers.joins import Standing, State

AT_ONCE = 0
"""When a join is looked at as soon as may be, whatever the engine's clock says."""

FAIR = 200
"""Joins of one trigger whose turn comes in one round, while others wait as well."""

Key = tuple[str, str]
"""A trigger, and the key of one of its joins."""

Words = tuple[str, int, str]
"""What people are told of a join: (rule, since in µs UTC, text)."""


@dataclass(slots=True)
class Kept:
    """A join, with what has come for it and waits to be folded in."""

    state: State = field(default_factory=State)
    waiting: list[Arrived] = field(default_factory=list)


class Row(NamedTuple):
    """What is written of a join; times in µs UTC."""

    trigger_id: str
    key: str
    standing: Standing
    kept: Kept
    tree: Mapping[str, Any]
    next_at: int | None
    alert: Words | None


@dataclass(slots=True)
class Whole:
    """What holds of a trigger as a whole: the columns of table ``trigger_state``."""

    trigger_id: str
    since: int
    shape: str
    paused_at: int | None = None
    paused_by: str | None = None
    paused_reason: str | None = None
    broken_at: int | None = None
    tick_at: int | None = None
    unkeyed: int = 0
    unkeyed_at: int | None = None
    failing_since: int | None = None
    failing: str | None = None


class Request(NamedTuple):
    """What somebody asks of a trigger."""

    id: int
    trigger_id: str
    kind: str
    key: str | None
    nonce: str
    by: str
    reason: str | None
    at: int


def load(conn: Connection, keys: Collection[Key]) -> dict[Key, Kept]:
    """Give joins; those of which nothing has come yet are new."""
    found = {key: Kept() for key in keys}
    by_trigger: dict[str, list[str]] = {}
    for trigger_id, key in keys:
        by_trigger.setdefault(trigger_id, []).append(key)
    for trigger_id, own in by_trigger.items():
        for row in _mine(conn.dialect).run(conn, {"trigger": trigger_id, "keys": json.dumps(own)}):
            found[trigger_id, row.key] = _kept(row.body)
    return found


@lru_cache
def _mine(dialect: Dialect) -> Prepared:
    keys = bindparam("keys", type_=Text)
    listed: Any
    if dialect.name == "postgresql":
        listed = select(func.jsonb_array_elements_text(cast(keys, JSONB)))
    else:
        listed = select(func.json_each(keys).table_valued("value").c.value)
    mine = and_(trigger_join.c.trigger_id == bindparam("trigger"), trigger_join.c.key.in_(listed))
    return Prepared(select(trigger_join.c.key, trigger_join.c.body).where(mine), dialect)


def due(conn: Connection, now: int, limit: int) -> list[Key]:
    """Give joins whose time has come, of each trigger the longest waiting in turn: none waits behind another's many.

    What one trigger has left over comes in the next round (airflow#49508).
    """
    found = _due(conn.dialect).run(conn, {"now": now, "fair": FAIR, "limit": limit})
    return [(row.trigger_id, row.key) for row in found]


@lru_cache
def _due(dialect: Dialect) -> Prepared:
    order = (trigger_join.c.next_at, trigger_join.c.key)
    place = func.row_number().over(partition_by=trigger_join.c.trigger_id, order_by=order).label("place")
    ranked = (
        select(trigger_join.c.trigger_id, trigger_join.c.key, place)
        .where(trigger_join.c.next_at <= bindparam("now", type_=BigInteger))
        .subquery()
    )
    fair = ranked.c.place <= bindparam("fair", type_=Integer)
    chosen = (
        select(ranked.c.trigger_id, ranked.c.key).where(fair).order_by(ranked.c.place, ranked.c.trigger_id)
    )
    return Prepared(chosen.limit(bindparam("limit", type_=Integer)), dialect)


def next_look(conn: Connection) -> int | None:
    """Give when time alone changes something of a join (µs UTC)."""
    found: int | None = _next_look(conn.dialect).run(conn, {}).scalar()
    return found


@lru_cache
def _next_look(dialect: Dialect) -> Prepared:
    return Prepared(select(func.min(trigger_join.c.next_at)), dialect)


def write(conn: Connection, rows: Iterable[Row], now: int) -> None:
    """Keep joins."""
    write_rows(
        conn,
        trigger_join,
        names(trigger_join),
        [
            (
                each.trigger_id,
                each.key,
                each.standing.value,
                _body(each.kept),
                json.dumps(each.tree, ensure_ascii=False, separators=(",", ":")),
                each.kept.state.begun_at,
                each.next_at,
                each.kept.state.overdue_at,
                None if each.alert is None else json.dumps(each.alert),
                now,
            )
            for each in rows
        ],
        replace(trigger_join),
    )


def prompt(conn: Connection, wanted: Iterable[tuple[str, str | None]]) -> None:
    """Have joins of triggers (one key, or all: None) looked at, where something waits."""
    for trigger_id, key in wanted:
        mine = [trigger_join.c.trigger_id == trigger_id, trigger_join.c.state.not_in(_RESTING)]
        if key is not None:
            mine.append(trigger_join.c.key == key)
        conn.execute(update(trigger_join).where(*mine).values(next_at=AT_ONCE))


def keys_of(conn: Connection, trigger_id: str) -> list[str]:
    """Give the keys of the joins of a trigger that wait for something."""
    mine = (trigger_join.c.trigger_id == trigger_id, trigger_join.c.state.not_in(_RESTING))
    return list(conn.execute(select(trigger_join.c.key).where(*mine).order_by(trigger_join.c.key)).scalars())


def alerts(conn: Connection) -> dict[Key, Words]:
    """Give what people are told of joins."""
    told = select(trigger_join.c.trigger_id, trigger_join.c.key, trigger_join.c.alert)
    rows = conn.execute(told.where(trigger_join.c.alert.is_not(None)))
    return {(row.trigger_id, row.key): _words(*json.loads(row.alert)) for row in rows}


def _words(rule: str, since: int, text: str) -> Words:
    return rule, since, text


def wholes(conn: Connection) -> dict[str, Whole]:
    """Give what holds of triggers, of those that have been followed, by id."""
    return {row.trigger_id: Whole(*row) for row in conn.execute(select(trigger_state))}


def write_wholes(conn: Connection, changed: Iterable[Whole]) -> None:
    """Keep what holds of triggers."""
    columns = names(trigger_state)
    rows = [tuple(getattr(each, name) for name in columns) for each in changed]
    write_rows(conn, trigger_state, columns, rows, replace(trigger_state))


def requests(conn: Connection) -> list[Request]:
    """Give what people ask, in the order in which they did."""
    return [Request(*row) for row in conn.execute(select(trigger_request).order_by(trigger_request.c.id))]


def answer(conn: Connection, done: Collection[Request]) -> None:
    """Take out what has been done."""
    if done:
        conn.execute(delete(trigger_request).where(trigger_request.c.id.in_([each.id for each in done])))


def clear(conn: Connection, trigger_id: str) -> None:
    """Forget the joins of a trigger."""
    conn.execute(delete(trigger_join).where(trigger_join.c.trigger_id == trigger_id))


def forget(conn: Connection, trigger_ids: Collection[str]) -> None:
    """Forget triggers that are no more; what they fired stays."""
    for table in (trigger_join, trigger_state, trigger_request):
        conn.execute(delete(table).where(table.c.trigger_id.in_(list(trigger_ids))))


def known(conn: Connection) -> set[str]:
    """Name the triggers of which anything is kept."""
    ids = (select(table.c.trigger_id).distinct() for table in (trigger_join, trigger_state))
    return {id_ for each in ids for id_ in conn.execute(each).scalars()}


def prune(conn: Connection, before: int) -> None:
    """Forget joins that have been at rest since before an instant (µs UTC)."""
    rest = trigger_join.c.state.in_(_RESTING)
    conn.execute(
        delete(trigger_join).where(rest, trigger_join.c.changed_at < before, trigger_join.c.key != "")
    )


_RESTING: Sequence[str] = (Standing.IDLE.value, Standing.DONE.value)


def _body(kept: Kept) -> str:
    data = {"state": kept.state.data(), "waiting": kept.waiting}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _kept(body: str) -> Kept:
    data = json.loads(body)
    return Kept(State.read(data["state"]), [Arrived.read(each) for each in data["waiting"]])
