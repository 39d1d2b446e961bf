"""What people ask of triggers: waiting until the engine has done it, and the history of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select

from collector.storage import facts
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.trigger_tables import trigger_history, trigger_request
from lineage.model import JobRef
from triggers.conditions import NAMESPACE


class Kind(StrEnum):
    """What can be asked of a trigger."""

    FIRE = "fire"
    """With what is there, whatever is missing or holds it back."""
    PAUSE = "pause"
    RESUME = "resume"
    """After a pause, and after it was stopped for firing too often."""
    RESET = "reset"
    """Give up what has come under a key."""


def put(
    conn: Connection,
    trigger_id: str,
    kind: Kind,
    key: str | None,
    nonce: str,
    by: str,
    reason: str | None,
    now: int,
) -> None:
    """Ask something of a trigger, at a time (µs UTC); the engine does it in its next round.

    ``key`` is that of a join, None for the trigger as a whole; ``nonce`` tells this request from any other, see
    ``triggers.firings.manual_key``.
    """
    row = {"trigger_id": trigger_id, "kind": kind.value, "key": key, "nonce": nonce, "by": by}
    for table in (trigger_request, trigger_history):
        conn.execute(insert(table), [row | {"reason": reason, "at": now}])
    facts.tell(conn, {JobRef(NAMESPACE, trigger_id).id: facts.What.REQUEST}, now)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked of a trigger, at a time (µs UTC)."""

    id: int
    trigger_id: str
    kind: Kind
    key: str | None
    nonce: str
    by: str
    reason: str | None
    at: int
    done: bool
    """False: the engine has not got to it yet."""


def history(conn: Connection, trigger_id: str, *, after: Key | None, limit: int) -> Page[Request]:
    """List what was asked of a trigger, the newest first."""
    asked = trigger_history.c
    waits = exists().where(
        trigger_request.c.trigger_id == asked.trigger_id, trigger_request.c.nonce == asked.nonce
    )
    mine = select(trigger_history, waits.label("waits")).where(asked.trigger_id == trigger_id)
    rows = conn.execute(ordered(mine, (asked.id,), after, limit, newest=True)).all()
    return cut(rows, limit, lambda row: (row.id,)).map(_request)


def _request(row: Any) -> Request:
    values = (row.key, row.nonce, row.by, row.reason, row.at)
    return Request(row.id, row.trigger_id, Kind(row.kind), *values, done=not row.waits)


def prune(conn: Connection, before: int) -> None:
    """Forget what was asked before an instant (µs UTC)."""
    conn.execute(delete(trigger_history).where(trigger_history.c.at < before))


def is_waiting(conn: Connection, trigger_id: str, nonce: str) -> bool:
    """Tell whether the engine has not done yet what was asked."""
    mine = (trigger_request.c.trigger_id == trigger_id, trigger_request.c.nonce == nonce)
    return conn.execute(select(trigger_request.c.id).where(*mine)).first() is not None
