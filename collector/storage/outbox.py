"""What is to be sent: written with the decision to send it, and what people and time do with it.

How it is taken out and sent is the business of ``turns``. Whoever changes rows of both tables locks those of
``receiver`` first, and those of each table by id: in another order two would wait for each other for ever.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Update, and_, delete, or_, select, update

from collector.storage import facts
from collector.storage.facts import What
from collector.storage.prepared import Prepared
from collector.storage.tables import delivery, outbox, receiver
from collector.storage.targets import changed_since_disabled
from collector.storage.upsert import among, write_rows

PRUNED_AT_ONCE = 10_000
"""Rows removed in one transaction at most."""


class Kind(StrEnum):
    """What is sent."""

    NOTIFICATION = "notification"
    """The body is that of a ``triggers.messages.Message``."""
    ACKNOWLEDGEMENT = "acknowledgement"
    """Somebody has taken a group of alerts on; the body is that of an ``Acknowledgement``."""
    TEST = "test"
    """Somebody wants to know whether a target works; the body is that of a message."""
    ACTION = "action"
    """Something that a trigger does; the body is that of a firing's action."""
    EVENT = "event"
    """An OpenLineage event of our own for another backend; the body is the event."""


class State(StrEnum):
    """What has become of a row."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Queued(NamedTuple):
    """What is to be sent to a receiver."""

    target_id: str
    kind: str
    key: str
    body: Mapping[str, Any]
    once: bool = False
    """Never send it again by itself if it may have arrived."""

    @property
    def series(self) -> str | None:
        """What it must arrive in order with: its group of alerts, or the run that an event is of."""
        if self.kind == Kind.EVENT:
            run: str | None = self.body.get("run", {}).get("runId")
            return run
        return self.body.get("group")


def put(conn: Connection, target_id: str, kind: str, key: str, body: Mapping[str, Any], now: int) -> None:
    """Queue something for a receiver, see ``put_all``."""
    put_all(conn, [Queued(target_id, kind, key, body)], now)


def put_all(conn: Connection, wanted: Collection[Queued], now: int) -> None:
    """Queue things for receivers, in this order; nothing happens to one whose key was queued before.

    A series arrives in the order in which it was queued. Something new of it makes what waits of it due now.
    """
    if not wanted:
        return
    columns = (
        "target_id", "kind", "series", "key", "body", "once", "state", "attempts", "next_at", "created_at",
        "queued_at",
    )  # fmt: skip
    rows = [
        (
            each.target_id, each.kind, each.series, each.key, json.dumps(each.body), each.once, State.PENDING, 0,
            now, now, now,
        )
        for each in wanted
    ]  # fmt: skip
    write_rows(conn, outbox, columns, rows, key=("key",))
    later = and_(outbox.c.state == State.PENDING, outbox.c.next_at > now)
    waiting = (
        select(outbox.c.target_id, outbox.c.series).where(later, outbox.c.series.is_not(None)).distinct()
    )
    new = {(each.target_id, each.series) for each in wanted}
    for target_id, series in conn.execute(waiting).all():
        if (target_id, series) in new:
            mine = and_(later, outbox.c.target_id == target_id, outbox.c.series == series)
            conn.execute(update(outbox).where(mine).values(next_at=now))
    write_rows(conn, receiver, ("id", "failures"), [(id_, 0) for id_ in sorted({row[0] for row in rows})])


def disable(conn: Connection, target_id: str, now: int, reason: str) -> None:
    """Send a receiver nothing more, until it is enabled; what waits for it is dead."""
    conn.execute(
        update(receiver)
        .where(receiver.c.id == target_id)
        .values(disabled_at=now, wait_until=None, reason=reason)
    )
    bury(conn, now)


def enable(conn: Connection, target_id: str) -> bool:
    """Send to a receiver again, at once; False if nothing was ever queued for it."""
    free = {"failures": 0, "disabled_at": None, "wait_until": None, "reason": None}
    return bool(conn.execute(update(receiver).where(receiver.c.id == target_id).values(free)).rowcount)


def refused(conn: Connection) -> bool:
    """Tell whether ``bury`` has something to do."""
    return _refused(conn.dialect).run(conn, {}).first() is not None


@lru_cache
def _refused(dialect: Dialect) -> Prepared:
    # Each dispatcher asks it whenever something has changed.
    mine = and_(outbox.c.state == State.PENDING.value, outbox.c.target_id == receiver.c.id)
    waits = select(outbox.c.id).where(mine).correlate(receiver).exists()
    return Prepared(select(receiver.c.id).where(receiver.c.disabled_at.is_not(None), waits).limit(1), dialect)


def bury(conn: Connection, now: int) -> None:
    """Enable receivers whose rule has changed since they were disabled; what waits for the others is dead."""
    conn.execute(
        update(receiver)
        .where(receiver.c.disabled_at.is_not(None), changed_since_disabled())
        .values(disabled_at=None, reason=None)
    )
    disabled = select(receiver.c.id).where(receiver.c.disabled_at.is_not(None))
    reason = select(receiver.c.reason).where(receiver.c.id == outbox.c.target_id).scalar_subquery()
    waits = and_(outbox.c.state == State.PENDING, outbox.c.target_id.in_(disabled))
    ended = {"state": State.DEAD, "ended_at": now, "holder": None, "held_until": None, "error": reason}
    _change(conn, update(outbox).where(waits).values(ended), now)


def retry(
    conn: Connection, now: int, *, ids: Sequence[int] | None = None, target_id: str | None = None
) -> int:
    """Queue again what is dead or was cancelled, and try now what waits: these ``ids``, or all for a receiver.

    Only what is dead is queued again for a receiver as a whole. What must not be sent twice is sent again as well:
    somebody wants it. Gives the number of rows.
    """
    again = [State.DEAD] if ids is None else [State.DEAD, State.CANCELLED]
    idle = and_(outbox.c.state == State.PENDING, outbox.c.holder.is_(None))
    mine = outbox.c.target_id == target_id if ids is None else among(conn, outbox.c.id, ids)
    which = and_(mine, or_(outbox.c.state.in_(again), idle))
    receivers = conn.execute(select(outbox.c.target_id).where(which).distinct()).scalars().all()
    conn.execute(
        update(receiver)
        .where(receiver.c.id.in_(receivers), receiver.c.disabled_at.is_(None))
        .values(wait_until=None, reason=None)
    )
    queued = {"state": State.PENDING, "attempts": 0, "next_at": now, "queued_at": now, "ended_at": None}
    return _change(conn, update(outbox).where(which).values(queued), now)


def cancel(conn: Connection, ids: Sequence[int], now: int) -> int:
    """Give up what waits; what is being sent right now may arrive all the same. Gives the number of rows."""
    ended = {"state": State.CANCELLED, "ended_at": now, "holder": None, "held_until": None}
    which = and_(outbox.c.state == State.PENDING, among(conn, outbox.c.id, ids))
    return _change(conn, update(outbox).where(which).values(ended), now)


def tell(conn: Connection, changed: Iterable[tuple[int, str]], now: int) -> None:
    """Tell the engine what has become of those rows, (id, kind), that triggers wait for: their actions."""
    facts.tell(conn, {id_: What.SENT for id_, kind in changed if kind == Kind.ACTION}, now)


def is_old(conn: Connection, before: int) -> bool:
    """Tell whether ``prune`` has something to do."""
    found = select(outbox.c.id).where(outbox.c.ended_at < before).limit(1)
    return conn.execute(found).first() is not None


def prune(conn: Connection, before: int) -> int:
    """Forget what ended before a time (µs UTC), with its attempts; some of it. Gives the number of rows."""
    old = conn.execute(select(outbox.c.id).where(outbox.c.ended_at < before).limit(PRUNED_AT_ONCE)).scalars()
    ids = list(old)
    conn.execute(delete(delivery).where(among(conn, delivery.c.outbox_id, ids)))
    conn.execute(delete(outbox).where(among(conn, outbox.c.id, ids)))
    return len(ids)


def _change(conn: Connection, statement: Update, now: int) -> int:
    """Change rows by hand, so to speak, and tell the engine; give their number."""
    changed = conn.execute(statement.returning(outbox.c.id, outbox.c.kind)).all()
    tell(conn, [(row.id, row.kind) for row in changed], now)
    return len(changed)
