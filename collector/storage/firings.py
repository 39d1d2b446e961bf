"""Firings, what they do, and how far that has come."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Dialect, Select, bindparam, delete, func, or_, select

from collector.storage.prepared import Prepared
from collector.storage.selects import chunks
from collector.storage.tables import firing, firing_action, job, namespace, outbox, run
from collector.storage.upsert import (
    MANY,
    among,
    among_parameter,
    many,
    names,
    replace,
    update_rows,
    write_rows,
)
from triggers.firings import Firing


class Progress(StrEnum):
    """How far a firing, or one of its actions, has come. Of a firing: the least of what it starts, or the worst."""

    WAITING = "waiting"
    """For another action of the same firing."""
    QUEUED = "queued"
    FIRED = "fired"
    """Of a firing: nothing has been taken by its target yet."""
    STARTED = "started"
    """The target took it."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    LOST = "lost"
    """Nothing was heard of it in time."""
    DEAD = "dead"
    """It could not be sent."""
    LEFT_OUT = "left_out"
    """What it waited for did not come about."""
    SKIPPED = "skipped"
    """Of a firing: its time passed while nobody looked."""


OPEN = (Progress.FIRED, Progress.STARTED, Progress.RUNNING)
"""Of firings: something may still come of them."""


@dataclass(slots=True)
class Doing:
    """An action of a firing: the columns of table ``firing_action``. Times in µs UTC."""

    firing_id: str
    action_id: str
    position: int
    target_id: str
    starts: bool
    state: str
    body: str
    outbox_key: str
    handle: str | None = None
    external_id: str | None = None
    run_key: bytes | None = None
    run_id: str | None = None
    job_namespace: str | None = None
    job_name: str | None = None
    error: str | None = None
    started_at: int | None = None
    running_at: int | None = None
    ended_at: int | None = None


@dataclass(slots=True)
class Fired:
    """A firing as it is kept, the columns that change or that are needed later."""

    id: str
    trigger_id: str
    key: str
    at: int
    consumed: str
    chain: str
    state: str
    next_at: int | None
    ended_at: int | None = None
    error: str | None = None


class Sent(NamedTuple):
    """What became of a row of the outbox."""

    key: str
    state: str
    answer: Mapping[str, Any]
    error: str | None


class Seen(NamedTuple):
    """A run, as it may be one that a firing started. Times in µs UTC."""

    id: int
    key: bytes
    run_id: str
    job_namespace: str
    job_name: str
    state: str | None
    parent_key: bytes | None
    root_key: bytes | None
    external_id: str | None
    started_at: int | None
    ended_at: int | None
    error: str | None


_FIRED = tuple(Fired.__slots__)

_LOST = firing_action.c.state == Progress.LOST.value


def insert(conn: Connection, fired: Sequence[tuple[Firing, Progress, int | None]], now: int) -> None:
    """Write firings, each with its state and when what it starts is taken for lost; one that is there stays."""
    rows = [
        (
            each.id, each.fire_key, each.trigger, each.key, each.at, now, each.cause.value, each.by, each.reason,
            each.partial, each.consumed_json(), json.dumps(each.tree, ensure_ascii=False), json.dumps(each.chain),
            state.value, next_at, None if state in OPEN else now, None,
        )
        for each, state, next_at in fired
    ]  # fmt: skip
    write_rows(conn, firing, names(firing), rows)


def update_firings(conn: Connection, changed: Iterable[Fired]) -> None:
    """Keep how far firings have come."""
    rows = [(each.id, each.state, each.next_at, each.ended_at, each.error) for each in changed]
    update_rows(conn, firing, ("state", "next_at", "ended_at", "error"), rows)


def write_actions(conn: Connection, changed: Iterable[Doing]) -> None:
    """Keep how far actions have come."""
    columns = names(firing_action)
    rows = [tuple(getattr(each, name) for name in columns) for each in changed]
    write_rows(conn, firing_action, columns, rows, replace(firing_action))


def there(conn: Connection, ids: Collection[str]) -> set[str]:
    """Give those of these firings that there are."""
    found: set[str] = set()
    for part in chunks(sorted(ids)):
        found |= set(conn.execute(select(firing.c.id).where(firing.c.id.in_(part))).scalars())
    return found


def open_firings(conn: Connection) -> tuple[list[Fired], list[Doing]]:
    """Give the firings of which something may still come, with all that they do."""
    mine = firing.c.state.in_([each.value for each in OPEN])
    fired = [Fired(*row) for row in conn.execute(select(*(firing.c[name] for name in _FIRED)).where(mine))]
    joined = select(firing_action).join(firing, firing.c.id == firing_action.c.firing_id)
    return fired, [Doing(*row) for row in conn.execute(joined.where(mine).order_by(firing_action.c.position))]


def doing(conn: Connection, outbox_keys: Collection[str]) -> tuple[list[Fired], list[Doing]]:
    """Give the firings, with all that they do, of which actions have these keys."""
    return _of_actions(conn, firing_action.c.outbox_key.in_(list(outbox_keys)))


def any_lost(conn: Connection) -> bool:
    """Tell whether anything that was started is taken for lost."""
    return conn.execute(select(firing_action.c.firing_id).where(_LOST).limit(1)).first() is not None


def lost(
    conn: Connection, run_keys: Collection[bytes], external_ids: Collection[str]
) -> tuple[list[Fired], list[Doing]]:
    """Give the firings, with all that they do, that are taken for lost and started one of these runs."""
    named = (firing_action.c.run_key.in_(run_keys), firing_action.c.external_id.in_(external_ids))
    return _of_actions(conn, _LOST, or_(*named), firing.c.state == Progress.LOST.value)


def _of_actions(conn: Connection, *which: ColumnElement[bool]) -> tuple[list[Fired], list[Doing]]:
    found = select(firing_action.c.firing_id).join(firing, firing.c.id == firing_action.c.firing_id)
    ids = set(conn.execute(found.where(*which)).scalars())
    columns = select(*(firing.c[name] for name in _FIRED))
    fired = [Fired(*row) for row in conn.execute(columns.where(firing.c.id.in_(ids)))]
    mine = select(firing_action).where(firing_action.c.firing_id.in_(ids))
    return fired, [Doing(*row) for row in conn.execute(mine.order_by(firing_action.c.position))]


def sent(conn: Connection, ids: Collection[int]) -> list[Sent]:
    """Give what became of rows of the outbox."""
    wanted = select(outbox.c.key, outbox.c.state, outbox.c.answer, outbox.c.error)
    rows = conn.execute(wanted.where(among(conn, outbox.c.id, ids)).order_by(outbox.c.id))
    return [Sent(row.key, row.state, json.loads(row.answer) if row.answer else {}, row.error) for row in rows]


def seen(conn: Connection, run_ids: Collection[int]) -> list[Seen]:
    """Give runs by the ids of their rows, the earliest first."""
    rows = _seen_by_id(conn.dialect).run(conn, {"ids": many(conn, run_ids)})
    return [Seen._make(row) for row in rows]


@lru_cache
def _seen_by_id(dialect: Dialect) -> Prepared:
    # Asked with every run that tells of itself, while anything that was fired goes on.
    asked = among_parameter(dialect, run.c.id, bindparam("ids", type_=MANY))
    return Prepared(_seen().where(asked), dialect)


def seen_by_key(conn: Connection, keys: Collection[bytes]) -> list[Seen]:
    """Give runs by their keys, the earliest first; several jobs may have one run id."""
    found: list[Seen] = []
    for part in chunks(sorted(keys)):
        found += [Seen._make(row) for row in conn.execute(_seen().where(run.c.key.in_(part)))]
    return found


def _seen() -> Select[Any]:
    columns = (
        run.c.id, run.c.key, run.c.run_id, namespace.c.name.label("space"), job.c.name, run.c.state, run.c.parent_key,
        run.c.root_key, run.c.external_id, run.c.started_at, run.c.ended_at, run.c.error,
    )  # fmt: skip
    joined = select(*columns).join_from(run, job, job.c.id == run.c.job_id)
    joined = joined.join(namespace, namespace.c.id == job.c.namespace_id)
    known = joined.where(run.c.declared.is_(False), run.c.first_event_at.is_not(None))
    return known.order_by(run.c.first_event_at, run.c.id)


def in_flight(conn: Connection, trigger_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """Count the firings of which something may still come, by trigger and key."""
    if not trigger_ids:
        return {}
    mine = (firing.c.state.in_([each.value for each in OPEN]), firing.c.trigger_id.in_(list(trigger_ids)))
    counted = select(firing.c.trigger_id, firing.c.key, func.count().label("number"))
    rows = conn.execute(counted.where(*mine).group_by(firing.c.trigger_id, firing.c.key))
    return {(row.trigger_id, row.key): row.number for row in rows}


def times(conn: Connection, trigger_id: str, since: int) -> list[int]:
    """Give when a trigger fired, but by hand, since an instant (µs UTC)."""
    mine = (
        firing.c.trigger_id == trigger_id,
        firing.c.at > since,
        firing.c.cause != "manual",
        firing.c.state != Progress.SKIPPED.value,
    )
    return list(conn.execute(select(firing.c.at).where(*mine)).scalars())


def prune(conn: Connection, before: int, limit: int) -> int:
    """Forget firings that ended before an instant (µs UTC), some of them; give how many."""
    old = list(conn.execute(select(firing.c.id).where(firing.c.ended_at < before).limit(limit)).scalars())
    for part in chunks(old):
        conn.execute(delete(firing_action).where(firing_action.c.firing_id.in_(part)))
        conn.execute(delete(firing).where(firing.c.id.in_(part)))
    return len(old)
