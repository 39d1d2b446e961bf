"""What people ask of triggers: kept until the engine has done it."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, insert, select

from collector.storage import facts
from collector.storage.trigger_tables import trigger_request
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
    conn.execute(insert(trigger_request), [row | {"reason": reason, "at": now}])
    facts.tell(conn, {JobRef(NAMESPACE, trigger_id).id: facts.What.REQUEST}, now)


def is_waiting(conn: Connection, trigger_id: str, nonce: str) -> bool:
    """Tell whether the engine has not done yet what was asked."""
    mine = (trigger_request.c.trigger_id == trigger_id, trigger_request.c.nonce == nonce)
    return conn.execute(select(trigger_request.c.id).where(*mine)).first() is not None
