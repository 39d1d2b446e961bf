"""What is to be sent: written with the decision to send it, taken out by dispatchers, each receiver's things in turn.

A dispatcher takes a receiver's turn, and with it what is next for that receiver. So no receiver is sent two things at
once, whoever waits longest is served next, and one that hangs or is flooded holds up nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from collector.storage.tables import delivery, outbox, receiver
from collector.storage.targets import changed_since_disabled
from collector.storage.upsert import among, write_rows

LOST = "Whoever sent it ended before it was written down what became of it."
"""The error of an attempt of which nothing but its beginning is known."""

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


class Taken(NamedTuple):
    """What is to be sent now by whoever has taken it. Times in µs UTC."""

    id: int
    target_id: str
    kind: str
    key: str
    body: dict[str, Any]
    attempt: int
    """1 is the first since it was queued."""
    queued_at: int
    failures: int
    """How many times running the receiver could not be reached before."""
    holder: str
    held_until: int
    """Until then nobody else sends it."""
    once: bool = False
    """It is never sent again by itself if it may have arrived."""


class Attempt(NamedTuple):
    """How an attempt went, for the delivery log."""

    at: int
    took: int
    """µs."""
    outcome: str
    status: int | None = None
    error: str | None = None


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


def ready(conn: Connection, now: int, limit: int) -> list[str]:
    """Name receivers for which something is due, whoever was served longest ago first."""
    head = _head(receiver.c.id, now).correlate(receiver).scalar_subquery()
    found = conn.execute(
        select(receiver.c.id)
        .where(_free(now), head.is_not(None))
        .order_by(func.coalesce(receiver.c.tried_at, 0), receiver.c.id)
        .limit(limit)
    )
    return list(found.scalars())


def claim(conn: Connection, holder: str, now: int, lease_us: int, limit: int) -> list[Taken]:
    """Take what is next for up to ``limit`` receivers, for ``lease_us`` µs.

    If whoever took something before has not said until then what became of it, it is taken again: it may arrive twice,
    with the same key.
    """
    # On SQLite, which has no such clause, no other transaction writes at the same time.
    locked = (
        select(receiver.c.id, receiver.c.failures)
        .where(receiver.c.id.in_(ready(conn, now, limit)), _free(now))
        .with_for_update(skip_locked=True)
    )
    held_until = now + lease_us
    taken = []
    for target_id, failures in conn.execute(locked).all():
        row = conn.execute(
            select(outbox).where(outbox.c.id == _head(target_id, now).scalar_subquery())
        ).first()
        if row is None:
            continue
        if row.holder is not None:
            _log(conn, row.id, row.attempts, Attempt(row.held_until, 0, "unknown", error=LOST))
        held = {"attempts": row.attempts + 1, "holder": holder, "held_until": held_until}
        conn.execute(update(outbox).where(outbox.c.id == row.id).values(held))
        conn.execute(
            update(receiver).where(receiver.c.id == target_id).values(tried_at=now, busy_until=held_until)
        )
        taken.append(
            Taken(
                row.id, row.target_id, row.kind, row.key, json.loads(row.body), row.attempts + 1,
                row.queued_at, failures, holder, held_until, row.once,
            )
        )  # fmt: skip
    return taken


def record(
    conn: Connection,
    taken: Taken,
    attempt: Attempt,
    state: State,
    *,
    next_at: int | None = None,
    wait_until: int | None = None,
    away: bool = False,
) -> None:
    """Write down how an attempt went, and what becomes of the row; the receiver's turn ends.

    ``next_at`` is when to try again, if it stays pending, and nothing later of its series before; until ``wait_until``
    the receiver is left alone altogether; ``away``: it could not be reached. What was taken by somebody else meanwhile,
    or cancelled, stays as they have it, unless it is delivered.
    """
    # The receiver first, as in ``claim``: two that lock rows in another order wait for each other for ever.
    conn.execute(
        update(receiver)
        .where(receiver.c.id == taken.target_id, receiver.c.busy_until == taken.held_until)
        .values(busy_until=None)
    )
    conn.execute(
        update(receiver)
        .where(receiver.c.id == taken.target_id, receiver.c.disabled_at.is_(None))
        .values(
            failures=taken.failures + 1 if away else 0,
            wait_until=wait_until,
            reason=attempt.error if wait_until is not None else None,
        )
    )
    _log(conn, taken.id, taken.attempt, attempt)
    which = and_(outbox.c.id == taken.id, outbox.c.state == State.PENDING)
    if state is not State.DELIVERED:
        which = and_(which, outbox.c.holder == taken.holder, outbox.c.held_until == taken.held_until)
    values: dict[str, object] = {"state": state, "holder": None, "held_until": None, "error": attempt.error}
    values |= {"next_at": next_at} if state is State.PENDING else {"ended_at": attempt.at + attempt.took}
    changed = conn.execute(update(outbox).where(which).values(values))
    if changed.rowcount and state is State.PENDING:
        series = select(outbox.c.series).where(outbox.c.id == taken.id).scalar_subquery()
        later = and_(outbox.c.series == series, outbox.c.id > taken.id, outbox.c.next_at < next_at)
        conn.execute(update(outbox).where(_pending(taken.target_id), later).values(next_at=next_at))


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
    found = select(receiver.c.id).where(receiver.c.disabled_at.is_not(None), _waiting_for(receiver.c.id))
    return conn.execute(found.limit(1)).first() is not None


def bury(conn: Connection, now: int) -> None:
    """Enable receivers whose rule has changed since they were disabled; what waits for the others is dead."""
    conn.execute(
        update(receiver)
        .where(receiver.c.disabled_at.is_not(None), changed_since_disabled())
        .values(disabled_at=None, reason=None)
    )
    disabled = select(receiver.c.id).where(receiver.c.disabled_at.is_not(None))
    reason = select(receiver.c.reason).where(receiver.c.id == outbox.c.target_id).scalar_subquery()
    conn.execute(
        update(outbox)
        .where(outbox.c.state == State.PENDING, outbox.c.target_id.in_(disabled))
        .values(state=State.DEAD, ended_at=now, holder=None, held_until=None, error=reason)
    )


def retry(
    conn: Connection, now: int, *, ids: Sequence[int] | None = None, target_id: str | None = None
) -> int:
    """Queue again what is dead or was cancelled, and try now what waits: these ``ids``, or all for a receiver.

    Only what is dead is queued again for a receiver as a whole. Gives the number of rows.
    """
    again = [State.DEAD] if ids is None else [State.DEAD, State.CANCELLED]
    idle = and_(outbox.c.state == State.PENDING, outbox.c.holder.is_(None))
    which = outbox.c.target_id == target_id if ids is None else among(conn, outbox.c.id, ids)
    found = conn.execute(
        select(outbox.c.id, outbox.c.target_id).where(which, or_(outbox.c.state.in_(again), idle))
    ).all()
    conn.execute(
        update(outbox)
        .where(among(conn, outbox.c.id, [row.id for row in found]))
        .values(state=State.PENDING, attempts=0, next_at=now, queued_at=now, ended_at=None)
    )
    conn.execute(
        update(receiver)
        .where(receiver.c.id.in_({row.target_id for row in found}), receiver.c.disabled_at.is_(None))
        .values(wait_until=None, reason=None)
    )
    return len(found)


def cancel(conn: Connection, ids: Sequence[int], now: int) -> int:
    """Give up what waits; what is being sent right now may arrive all the same. Gives the number of rows."""
    ended = {"state": State.CANCELLED, "ended_at": now, "holder": None, "held_until": None}
    which = and_(outbox.c.state == State.PENDING, among(conn, outbox.c.id, ids))
    return conn.execute(update(outbox).where(which).values(ended)).rowcount


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


def _pending(target_id: str | ColumnElement[str]) -> ColumnElement[bool]:
    return and_(outbox.c.state == State.PENDING, outbox.c.target_id == target_id)


def _waiting_for(target_id: ColumnElement[str]) -> ColumnElement[bool]:
    return select(outbox.c.id).where(_pending(target_id)).exists()


def _head(target_id: str | ColumnElement[str], now: int) -> Any:
    """Select the id of what is next for a receiver."""
    due = select(outbox.c.id).where(_pending(target_id), outbox.c.next_at <= now)
    return due.order_by(outbox.c.next_at, outbox.c.id).limit(1)


def _free(now: int) -> ColumnElement[bool]:
    return and_(
        receiver.c.disabled_at.is_(None),
        func.coalesce(receiver.c.wait_until, 0) <= now,
        func.coalesce(receiver.c.busy_until, 0) <= now,
    )


def _log(conn: Connection, outbox_id: int, number: int, attempt: Attempt) -> None:
    row = {"outbox_id": outbox_id, "attempt": number} | attempt._asdict()
    conn.execute(insert(delivery), [row])
