"""Taking out of the outbox what is to be sent, and writing down what became of it.

What is of a series takes its receiver's turn, which one thing has at a time: so a series arrives in order. What is of
none is sent while other things are, as many as whoever sends has connections for. Whichever receiver was served longest
ago is next, and gets its share of what is free: one that hangs or is flooded holds up nobody else. One that could not
be reached is tried with one thing at a time, and one that wants a pause, or nothing more, gets nothing at all.

An attempt is committed before it is made. So whatever dies in between, it is known that something may have arrived:
then it is taken again, under the same key, unless it must not come twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from collector.storage.outbox import State, tell
from collector.storage.prepared import Prepared
from collector.storage.tables import delivery, outbox, receiver
from collector.storage.upsert import MANY, among, among_parameter, many, update_rows, write_rows

LOST: Final = "Whoever sent it ended before it was written down what became of it."
"""The error of an attempt of which nothing but its beginning is known."""

ONCE: Final = "It may have arrived; it is not sent again, as the rule says at_most_once."
"""Follows the error of what must not come twice."""

NOTHING: Final[Mapping[str, int]] = {}

NOW: Final = bindparam("now", type_=BigInteger)

BUSY: Final = func.coalesce(receiver.c.busy_until, 0)

OPEN: Final = and_(receiver.c.disabled_at.is_(None), func.coalesce(receiver.c.wait_until, 0) <= NOW)
"""Says of a receiver that it may be sent something."""


class Taken(NamedTuple):
    """What is to be sent now by whoever has taken it. Times in µs UTC."""

    id: int
    target_id: str
    kind: str
    series: str | None
    key: str
    body: dict[str, Any]
    once: bool
    """It must not be sent again by itself if it may have arrived."""
    attempt: int
    """1 is the first since it was queued."""
    queued_at: int
    failures: int
    """How many times running the receiver could not be reached before."""
    holder: str
    held_until: int
    """Until then nobody else sends it."""
    lost: int = 0
    """Of the attempts before this, those of which nothing but their beginning is known."""


class Attempt(NamedTuple):
    """How an attempt went, for the delivery log."""

    at: int
    took: int
    """µs."""
    outcome: str
    status: int | None = None
    error: str | None = None


class Record(NamedTuple):
    """How an attempt went, and what follows from it. Times in µs UTC."""

    taken: Taken
    attempt: Attempt
    state: State
    next_at: int | None = None
    """When to try again, if it stays pending."""
    wait_until: int | None = None
    """Until then the receiver is left alone altogether."""
    away: bool = False
    """The receiver could not be reached."""
    answer: str | None = None
    """JSON of what is needed later of the receiver's answer."""


class Claim(NamedTuple):
    """What was taken, and whether something else was found that has ended: then others must be told."""

    taken: list[Taken]
    ended: bool


def ready(
    conn: Connection, now: int, most: int = 1, under_way: Mapping[str, int] = NOTHING
) -> list[tuple[str, int]]:
    """Name receivers for which something is due, and how much to take for each; that served longest ago is first.

    ``most`` may be taken for one; of what is ``under_way`` half must be done with before more is taken, so that a busy
    one costs few transactions.
    """
    found = _ready(conn.dialect).run(conn, {"now": now})
    limits = [(row.id, 1 if row.failures else most) for row in found]
    rooms = ((id_, limit, limit - under_way.get(id_, 0)) for id_, limit in limits)
    return [(id_, room) for id_, limit, room in rooms if room * 2 >= limit]


def claim(conn: Connection, holder: str, now: int, lease_us: int, rooms: Iterable[tuple[str, int]]) -> Claim:
    """Take what is due for receivers, as much for each as ``ready`` has it or less, for ``lease_us`` µs.

    If whoever took something before has not said until then what became of it, it is taken again: it may arrive twice,
    with the same key. If it must not, it is dead.
    """
    held_until = now + lease_us
    taken: list[Taken] = []
    turns: list[tuple[str, int, int | None]] = []
    lost: list[Any] = []
    for id_, room in sorted(rooms):
        each = _lock(conn.dialect).run(conn, {"id": id_, "now": now}).first()
        if each is None:
            continue
        turn = each.busy_until
        asked = {"target": id_, "now": now, "turn": int((turn or 0) <= now), "limit": room}
        for row in _next(conn.dialect).run(conn, asked).all():
            if row.series is not None and turn == held_until:
                continue
            if row.holder is not None:
                lost.append(row)
                if row.once:
                    continue
            if row.series is not None:
                turn = held_until
            taken.append(
                Taken(
                    row.id, row.target_id, row.kind, row.series, row.key, json.loads(row.body), bool(row.once),
                    row.attempts + 1, row.queued_at, each.failures, holder, held_until,
                )
            )  # fmt: skip
        turns.append((id_, now, turn))
    dead = [row for row in lost if row.once]
    _log(conn, ((row.id, row.attempts, Attempt(row.held_until, 0, "unknown", error=LOST)) for row in lost))
    _end(conn, [(row.id, State.DEAD, f"{LOST} {ONCE}", row.next_at, now, row.answer) for row in dead])
    tell(conn, [(row.id, row.kind) for row in dead], now)
    counts = _lost(conn, [each for each in taken if each.attempt > 1])
    taken = [each._replace(lost=counts.get(each.id, 0)) for each in taken]
    # What is of no series is due again when the lease ends. A series keeps its times, and with them its order: that it
    # is under way is known by the turn.
    held = [(row.id, row.attempt, holder, held_until) for row in taken]
    update_rows(conn, outbox, ("attempts", "holder", "held_until"), held)
    update_rows(conn, outbox, ("next_at",), [(row.id, held_until) for row in taken if row.series is None])
    update_rows(conn, receiver, ("tried_at", "busy_until"), turns)
    return Claim(taken, bool(dead))


def record(conn: Connection, records: Sequence[Record], now: int) -> None:
    """Write down how attempts went, and what becomes of the rows; the turns of their receivers end.

    What stays pending is not tried before its time, and nothing later of its series either. What was taken by somebody
    else meanwhile, or given up, stays as they have it, unless it is delivered; what was cancelled stays cancelled.
    """
    _receivers(conn, records)
    _log(conn, ((each.taken.id, each.taken.attempt, each.attempt) for each in records))
    ids = {"ids": many(conn, [each.taken.id for each in records])}
    rows = {row.id: row for row in _held(conn.dialect).run(conn, ids)}
    changes: list[tuple[object, ...]] = []
    ended: list[tuple[int, str]] = []
    for each in records:
        row = rows.get(each.taken.id)
        if row is None or not _is_ours(row, each):
            continue
        del rows[row.id]
        attempt, waits = each.attempt, each.state is State.PENDING
        next_at = each.next_at if waits else row.next_at
        ended_at = None if waits else attempt.at + attempt.took
        changes.append((row.id, each.state, attempt.error, next_at, ended_at, each.answer or row.answer))
        if not waits:
            ended.append((row.id, row.kind))
        elif each.taken.series is not None:
            later = and_(
                outbox.c.state == State.PENDING,
                outbox.c.target_id == each.taken.target_id,
                outbox.c.series == each.taken.series,
                outbox.c.id > row.id,
                outbox.c.next_at < next_at,
            )
            conn.execute(update(outbox).where(later).values(next_at=next_at))
    _end(conn, changes)
    tell(conn, ended, now)


def give_back(conn: Connection, taken: Iterable[Taken], now: int) -> None:
    """Let others have what was taken and not sent."""
    for each in sorted(taken, key=lambda each: each.id):
        mine = and_(outbox.c.holder == each.holder, outbox.c.held_until == each.held_until)
        back = {"attempts": outbox.c.attempts - 1, "holder": None, "held_until": None, "next_at": now}
        waits = and_(outbox.c.id == each.id, outbox.c.state == State.PENDING)
        conn.execute(update(outbox).where(waits, mine).values(back))


def _is_ours(row: Any, each: Record) -> bool:
    if each.state is State.DELIVERED:
        return row.state in (State.PENDING, State.DEAD)
    mine = (row.holder, row.held_until) == (each.taken.holder, each.taken.held_until)
    return row.state == State.PENDING and mine


def _lost(conn: Connection, tried: Sequence[Taken]) -> dict[int, int]:
    """Count the attempts of which nothing but their beginning is known, since each was queued."""
    if not tried:
        return {}
    queued = select(delivery.c.outbox_id, func.count()).join(outbox, outbox.c.id == delivery.c.outbox_id)
    mine = (among(conn, delivery.c.outbox_id, [each.id for each in tried]), delivery.c.error == LOST)
    counted = queued.where(*mine, delivery.c.at >= outbox.c.queued_at).group_by(delivery.c.outbox_id)
    return {row[0]: row[1] for row in conn.execute(counted)}


def _receivers(conn: Connection, records: Sequence[Record]) -> None:
    """End the turns of receivers, and keep what is known of how they are."""
    changes = []
    for id_ in sorted({each.taken.target_id for each in records}):
        row = _receiver(conn.dialect).run(conn, {"id": id_}).one()
        known = row.busy_until, row.failures, row.wait_until, row.reason
        busy_until, failures, wait_until, reason = known
        for each in records:
            if each.taken.target_id != id_:
                continue
            if each.taken.series is not None and each.taken.held_until == busy_until:
                busy_until = None
            if row.disabled_at is not None:
                continue
            failures = each.taken.failures + 1 if each.away else 0
            if each.wait_until is not None:
                wait_until, reason = max(wait_until or 0, each.wait_until), each.attempt.error
            elif wait_until is not None and wait_until <= each.attempt.at:
                # What was under way already when it asked to be left alone does not show that it is well.
                wait_until = reason = None
        if (busy_until, failures, wait_until, reason) != known:
            changes.append((id_, busy_until, failures, wait_until, reason))
    update_rows(conn, receiver, ("busy_until", "failures", "wait_until", "reason"), changes)


@lru_cache
def _ready(dialect: Dialect) -> Prepared:
    due = select(outbox.c.id).where(_due(receiver.c.id), or_(outbox.c.series.is_(None), BUSY <= NOW))
    found = select(receiver.c.id, receiver.c.failures).where(OPEN, due.correlate(receiver).exists())
    return Prepared(found.order_by(func.coalesce(receiver.c.tried_at, 0), receiver.c.id), dialect)


@lru_cache
def _lock(dialect: Dialect) -> Prepared:
    # On SQLite, which has no such clause, no other transaction writes at the same time.
    found = select(receiver).where(receiver.c.id == bindparam("id"), OPEN)
    return Prepared(found.with_for_update(skip_locked=True), dialect)


@lru_cache
def _next(dialect: Dialect) -> Prepared:
    """Lock and give what is due for a receiver; of what is of series, only the first is next."""
    turn = bindparam("turn", type_=Integer) == 1
    due = select(outbox).where(_due(bindparam("target")), or_(outbox.c.series.is_(None), turn))
    limited = due.order_by(outbox.c.next_at, outbox.c.id).limit(bindparam("limit", type_=Integer))
    return Prepared(limited.with_for_update(), dialect)


@lru_cache
def _receiver(dialect: Dialect) -> Prepared:
    return Prepared(select(receiver).where(receiver.c.id == bindparam("id")).with_for_update(), dialect)


@lru_cache
def _held(dialect: Dialect) -> Prepared:
    found = select(outbox).where(among_parameter(dialect, outbox.c.id, bindparam("ids", type_=MANY)))
    return Prepared(found.order_by(outbox.c.id).with_for_update(), dialect)


def _due(target_id: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(
        outbox.c.state == State.PENDING.value,
        outbox.c.target_id == target_id,
        outbox.c.next_at <= NOW,
    )


def _end(conn: Connection, rows: Sequence[Sequence[object]]) -> None:
    """Let rows go: each is (id, state, error, next_at, ended_at, answer)."""
    columns = ("state", "error", "next_at", "ended_at", "answer", "holder", "held_until")
    update_rows(conn, outbox, columns, [(*row, None, None) for row in rows])


def _log(conn: Connection, attempts: Iterable[tuple[int, int, Attempt]]) -> None:
    columns = ("outbox_id", "attempt", *Attempt._fields)
    write_rows(conn, delivery, columns, [(id_, number, *how) for id_, number, how in attempts], key=("id",))
