"""What people ask of triggers: to fire now, to pause, to go on, to give up what has come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Final

from sqlalchemy import Connection

from collector.errors import FieldError, Unprocessable
from collector.questions.triggers import Shown, Triggers
from collector.storage import firing_reads, outbox, trigger_requests
from collector.storage.engine import Database
from collector.storage.firing_reads import FiringDetail
from collector.storage.firings import Progress
from collector.storage.outbox import State
from collector.storage.trigger_requests import Kind
from lineage.instants import iso, parse_instant
from triggers.arrivals import WHOLE, key_text, ticks
from triggers.conditions import Mode, Trigger
from triggers.firings import id_of, manual_key
from triggers.partitions import read

NONCE_BYTES: Final = 16
LOOK_SECONDS: Final = 0.05
SOME_KEYS: Final = 5
"""Keys that are named where one is needed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a trigger, and whether the engine has done it."""

    trigger_id: str
    kind: Kind
    key: str | None
    """Of the join; None: of the trigger as a whole, or of all of its joins."""
    nonce: str
    done: bool = False

    @property
    def firing(self) -> str | None:
        """The id of the firing, known before it is one; None if something else was asked."""
        if self.kind is not Kind.FIRE or self.key is None:
            return None
        return id_of(manual_key(self.trigger_id, self.key, self.nonce))


def ask(
    conn: Connection,
    answers: Triggers,
    trigger_id: str,
    kind: Kind,
    *,
    key: str | None = None,
    by: str,
    reason: str | None,
    now: int,
) -> Asked:
    """Ask something of a trigger, in a writing transaction; the engine does it in its next round.

    ``key`` names the join that is to fire, or to be given up, as ``key_of`` reads it; None gives up all there are.
    Raises ``NotFound`` if there is no such trigger, ``Unprocessable`` for a key that is none of it.
    """
    shown = answers.find(trigger_id)
    named = None
    if kind is Kind.FIRE or (kind is Kind.RESET and key is not None):
        named = key_of(shown, key, [join.key for join in answers.open_joins(trigger_id)], now)
        if kind is Kind.RESET and not answers.joins(trigger_id, key=named, limit=1).items:
            raise _wrong(f"Nothing has come for {trigger_id} under the key {named!r}.")
    asked = Asked(trigger_id, kind, named, token_hex(NONCE_BYTES))
    trigger_requests.put(conn, trigger_id, kind, named, asked.nonce, by, reason, now)
    return asked


def wait(database: Database, asked: Asked, seconds: float) -> Asked:
    """Wait for the engine, but not longer than so many seconds."""
    until = time.monotonic() + seconds
    while True:
        with database.read() as conn:
            done = not trigger_requests.is_waiting(conn, asked.trigger_id, asked.nonce)
            if done and asked.firing is not None:
                done = firing_reads.is_fired(conn, asked.firing)
        if done or time.monotonic() > until:
            return replace(asked, done=done)
        time.sleep(LOOK_SECONDS)


def retry(conn: Connection, found: FiringDetail, now: int) -> int:
    """Send again, in a writing transaction, what a firing could not send; to the target it is the same, by its key.

    Gives the number of actions. Raises ``Unprocessable`` if there is nothing of the kind.
    """
    given_up = (State.DEAD, State.CANCELLED)
    ids = [each.delivery.id for each in found.actions if each.delivery and each.delivery.state in given_up]
    if not ids:
        unsent = [each for each in found.actions if each.state == Progress.DEAD and each.delivery is None]
        why = "".join(f" Action {each.id}: {each.error}" for each in unsent)
        raise Unprocessable(f"Nothing of the firing {found.row.id} was given up.{why}")
    return outbox.retry(conn, now, ids=ids)


def key_of(shown: Shown, given: str | None, open_keys: Sequence[str], now: int) -> str:
    """Read the key of a join, as people write it; without one, take the only one that there can be.

    That is the empty key where joins have none, the tick that was last of an epoch, and of partitions the only one for
    which something has come. Raises ``Unprocessable`` for what is no key of the trigger.
    """
    trigger = shown.trigger
    if trigger.join.mode is Mode.EPOCH:
        return _tick(trigger, given, now)
    if trigger.join.keys is None:
        if given:
            raise _wrong(f"The joins of {trigger.id} have no keys.")
        return WHOLE
    if given is None:
        if len(open_keys) == 1:
            return open_keys[0]
        some = f", such as {', '.join(open_keys[:SOME_KEYS])}" if open_keys else ""
        raise _wrong(f"Say which partition{some}.")
    grain = trigger.join.keys.grain
    moment = read(given, grain)
    if moment is None:
        raise _wrong(f"{given!r} is no partition of a {grain.value}.")
    return key_text(moment, grain)


def _tick(trigger: Trigger, given: str | None, now: int) -> str:
    timetable = ticks(trigger)
    if given is None:
        last = timetable.before(now + trigger.join.tolerance + 1)
        if last is None:
            raise _wrong("Its schedule has had no tick yet.")
        return iso(last)
    try:
        at = parse_instant(given)[0]
    except ValueError as error:
        raise _wrong(f"{given!r} is no time.") from error
    if timetable.before(at + 1) != at:
        raise _wrong(f"{given!r} is no tick of its schedule.")
    return iso(at)


def _wrong(why: str) -> Unprocessable:
    return Unprocessable("No join is meant by that key.", errors=(FieldError("$.key", why),))
