"""Writing down what became of what was sent: many attempts in one transaction, and as long as it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import structlog

from collector.errors import DatabaseUnavailable
from collector.outbound.backoff import LONGEST_PAUSE, away, next_attempt
from collector.outbound.sending import Outcome, Result
from collector.redaction import redact
from collector.storage import outbox, turns
from collector.storage.engine import Database
from collector.storage.outbox import State
from collector.storage.turns import Attempt, Record, Taken

RETRY_SECONDS: Final = 0.5
"""Pause after the database was away."""

LONGEST_ERROR: Final = 1000

log = structlog.get_logger(__name__)


class Sent(NamedTuple):
    """Something that was sent, and what became of it."""

    taken: Taken
    outcome: Outcome
    at: int
    """µs UTC, when it began."""
    took: int
    """µs."""


def write(
    database: Database,
    records: Sequence[Record],
    unsent: Sequence[Taken],
    now: int,
    patience: float,
    done: Callable[[], None],
) -> None:
    """Write down what became of attempts, and give back what was taken and not sent.

    The database may be away for ``patience`` seconds. Then leases end by themselves, and what was sent is sent again.
    ``done`` is called when nothing more is to come but the commit, or when it is given up.
    """
    until = time.monotonic() + patience
    while True:
        try:
            _write(database, records, unsent, now, done)
            break
        except DatabaseUnavailable as unavailable:
            if time.monotonic() > until:
                done()
                for each in records:
                    log.warning("delivery not recorded", delivery=each.taken.id, error=unavailable.detail)
                return
            time.sleep(RETRY_SECONDS)
    for record in records:
        taken, attempt = record.taken, record.attempt
        told = log.info if attempt.outcome == Result.DELIVERED else log.warning
        told(
            "delivery", id=taken.id, target=taken.target_id, attempt=taken.attempt, outcome=attempt.outcome,
            state=record.state.value, error=attempt.error,
        )  # fmt: skip


def _write(
    database: Database, records: Sequence[Record], unsent: Sequence[Taken], now: int, done: Callable[[], None]
) -> None:
    with database.write() as conn:
        turns.record(conn, records, now)
        turns.give_back(conn, unsent, now)
        for taken, attempt, *_ in records:
            if attempt.outcome == Result.GONE:
                outbox.disable(conn, taken.target_id, now, attempt.error or attempt.outcome)
        database.notify(conn)
        # Before the commit, which wakes whoever takes more.
        done()


def record_of(sent: Sent, chance: Callable[[], float]) -> Record:
    """Say what follows from an attempt; ``chance`` as in ``backoff.pause``."""
    taken, outcome = sent.taken, sent.outcome
    now = sent.at + sent.took
    state, error = State.DEAD, outcome.error
    next_at = wait_until = None
    if outcome.result is Result.DELIVERED:
        state = State.DELIVERED
    elif taken.once and outcome.may_have_arrived:
        error = f"{error} {turns.ONCE}" if error else turns.ONCE
    elif outcome.result in (Result.RETRY, Result.UNKNOWN):
        # That whoever sent it ended says nothing of the receiver.
        number = taken.attempt - taken.lost
        next_at = next_attempt(number, taken.queued_at, now, outcome.retry_after, chance)
        state = State.DEAD if next_at is None else State.PENDING
    if outcome.retry_after is not None:
        wait_until = now + min(outcome.retry_after, LONGEST_PAUSE)
    elif outcome.away:
        wait_until = now + away(taken.failures + 1)
    attempt = Attempt(
        sent.at, sent.took, outcome.result.value, outcome.status, _kept(error) if error else None
    )
    answer = None if outcome.answer is None else json.dumps(_cleaned(outcome.answer))
    return Record(taken, attempt, state, next_at, wait_until, outcome.away, answer)


def _kept(error: str) -> str:
    """Give an error as it is stored."""
    cleaned: str = _cleaned(error)
    return cleaned[:LONGEST_ERROR]


def _cleaned(value: Any) -> Any:
    """Give an answer, or a text, without secrets, and without what no database keeps: receivers may say anything."""
    match value:
        case str():
            return redact(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()
        case Mapping():
            return {_cleaned(name): _cleaned(each) for name, each in value.items()}
        case list() | tuple():
            return [_cleaned(each) for each in value]
    return value
