"""Looking at what was sent, is to be sent, or could not be, and at those who receive it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from collector.storage import targets
from collector.storage.outbox import State
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import delivery, outbox, receiver


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something for a receiver. Times in µs UTC."""

    id: int
    target: str
    kind: str
    key: str
    state: str
    attempts: int
    created_at: int
    queued_at: int
    next_at: int | None
    """When it is tried next; None unless it waits."""
    ended_at: int | None
    error: str | None
    once: bool
    """It is not sent again by itself if it may have arrived."""
    answer: dict[str, Any] | None
    """What the target said of what it started."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt to deliver. ``took`` in µs."""

    attempt: int
    at: int
    took: int
    outcome: str
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Receiver:
    """A target, what is to become of it, and what has become of what was for it."""

    id: str
    kind: str | None
    """None: no rule has it any more."""
    tried_at: int | None = None
    wait_until: int | None = None
    disabled_at: int | None = None
    reason: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """Of its deliveries, by state."""
    oldest_pending_at: int | None = None


def page(
    conn: Connection, *, state: str | None = None, target: str | None = None, after: Key | None, limit: int
) -> Page[Delivery]:
    """List deliveries, what was queued last at the top."""
    statement = _deliveries()
    if state is not None:
        statement = statement.where(outbox.c.state == state)
    if target is not None:
        statement = statement.where(outbox.c.target_id == target)
    rows = conn.execute(ordered(statement, (outbox.c.id,), after, limit, newest=True)).all()
    return cut(rows, limit, lambda row: (row.id,)).map(_delivery)


def find(conn: Connection, delivery_id: int) -> tuple[Delivery, dict[str, Any], list[Tried]] | None:
    """Give a delivery, its body and its attempts in order; None if there is none of that id."""
    row = conn.execute(_deliveries().add_columns(outbox.c.body).where(outbox.c.id == delivery_id)).first()
    if row is None:
        return None
    columns = [delivery.c[name] for name in Tried.__slots__]
    attempts = select(*columns).where(delivery.c.outbox_id == delivery_id).order_by(delivery.c.id)
    return _delivery(row), json.loads(row.body), [Tried(*tried) for tried in conn.execute(attempts)]


def find_key(conn: Connection, key: str) -> Delivery:
    """Give the delivery with a key; there must be one."""
    return _delivery(conn.execute(_deliveries().where(outbox.c.key == key)).one())


def receivers(conn: Connection) -> list[Receiver]:
    """List the targets of the rules, and those that were sent something before, by id."""
    kinds = targets.kinds(conn)
    known = {row.id: row for row in conn.execute(select(receiver))}
    counts: dict[str, dict[str, int]] = {}
    oldest: dict[str, int] = {}
    grouped = select(outbox.c.target_id, outbox.c.state, func.count(), func.min(outbox.c.queued_at)).group_by(
        outbox.c.state, outbox.c.target_id
    )
    for target, state, count, first in conn.execute(grouped):
        counts.setdefault(target, {})[state] = count
        if state == State.PENDING:
            oldest[target] = first
    return [
        Receiver(
            id=each,
            kind=targets.OPENLINEAGE if each.startswith(targets.BACKEND) else kinds.get(each),
            **{
                name: getattr(known.get(each), name, None)
                for name in ("tried_at", "wait_until", "disabled_at", "reason")
            },
            counts={state.value: counts.get(each, {}).get(state, 0) for state in State},
            oldest_pending_at=oldest.get(each),
        )
        for each in sorted(kinds.keys() | known.keys())
    ]


def waiting(conn: Connection) -> tuple[int, int | None]:
    """Give how many deliveries wait, and since when the first of them does (µs UTC)."""
    statement = select(func.count(), func.min(outbox.c.queued_at)).where(outbox.c.state == State.PENDING)
    row = conn.execute(statement).one()
    return row[0], row[1]


def next_due(conn: Connection) -> int | None:
    """Tell when something is to be sent (µs UTC): to whom it can be, and as long as it waits for that."""
    at = case((receiver.c.wait_until > outbox.c.next_at, receiver.c.wait_until), else_=outbox.c.next_at)
    wanted = select(func.min(at)).join_from(outbox, receiver, receiver.c.id == outbox.c.target_id)
    found: int | None = conn.execute(
        wanted.where(outbox.c.state == State.PENDING, receiver.c.disabled_at.is_(None))
    ).scalar_one()
    return found


def _deliveries() -> Select[Any]:
    columns = (
        "id",
        "kind",
        "key",
        "state",
        "attempts",
        "created_at",
        "queued_at",
        "next_at",
        "ended_at",
        "error",
        "once",
        "answer",
    )
    return select(outbox.c.target_id.label("target"), *(outbox.c[name] for name in columns))


def _delivery(row: Any) -> Delivery:
    values = {name: getattr(row, name) for name in Delivery.__slots__}
    values["next_at"] = row.next_at if row.state == State.PENDING else None
    values["answer"] = json.loads(row.answer) if row.answer is not None else None
    return Delivery(**values)
