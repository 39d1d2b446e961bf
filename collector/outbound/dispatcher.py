"""The dispatcher: takes what is to be sent out of the outbox, sends it, and writes down what became of it.

Any number of them may run, in any number of processes. Nothing is sent twice unless a dispatcher dies, or loses the
database, between the sending and the writing down; then it is sent again, with the same key.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, Protocol

import structlog

from collector.errors import DatabaseUnavailable
from collector.outbound.backoff import LONGEST_PAUSE, away, next_attempt
from collector.outbound.guard import Forbidden, Guard, Unreachable
from collector.outbound.http import Http, NoAnswer
from collector.outbound.secrets import SecretForbidden, SecretMissing, Secrets
from collector.outbound.senders import SENDERS
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, Unusable
from collector.redaction import redact
from collector.settings import Settings
from collector.storage import outbox, targets
from collector.storage.engine import Database
from collector.storage.outbox import Attempt, State, Taken
from collector.times import now_us
from triggers.errors import RuleError
from triggers.rules import Target

WORKERS: Final = 4
"""Things sent at once, each to another receiver."""

LEASE_MARGIN: Final = 30.0
"""Seconds beyond the time limit of a receiver after which whoever sends is taken for dead."""

IDLE_SECONDS: Final = 0.25
"""How often an idle dispatcher looks without having been woken: something may be due, or it is to stop."""

RETRY_SECONDS: Final = 0.5
"""Pause after the database was away."""

PRUNE_SECONDS: Final = 3600.0

DAY_US: Final = 86_400_000_000

LONGEST_ERROR: Final = 1000

log = structlog.get_logger(__name__)


class Observer(Protocol):
    """Who wants to know what the dispatcher does."""

    def attempted(self, kind: str, outcome: str, seconds: float) -> None: ...


class Dispatcher:
    """Sends what is in the outbox of ``database``. Of the settings those of outgoing requests are used."""

    def __init__(
        self,
        database: Database,
        holder: str,
        settings: Settings,
        *,
        clock: Callable[[], int] = now_us,
        chance: Callable[[], float] = random.random,
        observer: Observer | None = None,
    ) -> None:
        """Raises ``ConfigurationError`` if what may be sent, or where to, cannot be read."""
        guard = Guard.of(settings.outbound_allow)
        self._secrets = Secrets.of(settings)
        timeout = settings.outbound_timeout
        self._context = Context(guard, Http(guard, timeout), timeout, settings.allow_commands)
        self._database = database
        self._holder = holder
        self._lease_us = int((timeout + LEASE_MARGIN) * 1e6)
        self._keep_us = settings.evaluation_days * DAY_US
        self._clock = clock
        self._chance = chance
        self._observer = observer
        self._pruned_at = 0.0
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="sender")
        self._busy: set[Future[None]] = set()

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop; survive any loss of the database. What is being sent then is sent to its end."""
        while not stop.is_set():
            try:
                self.prune()
                if not self._begin():
                    self._database.wait_for_change(IDLE_SECONDS)
            except DatabaseUnavailable as error:
                log.warning("database unavailable", error=error.detail)
                stop.wait(RETRY_SECONDS)
        wait(self._busy)

    def step(self) -> int:
        """Send what is due, one thing a receiver and ``WORKERS`` at most, to the end; give their number."""
        begun = self._begin()
        wait(self._busy)
        return begun

    def close(self) -> None:
        """Let go of the threads. Call it when nothing runs."""
        self._workers.shutdown()

    def _begin(self) -> int:
        """Take as much as there are idle workers, and give it to them."""
        for future in [future for future in self._busy if future.done()]:
            self._busy.discard(future)
            future.result()  # what nobody expected is for whoever runs this
        idle = WORKERS - len(self._busy)
        now = self._clock()
        with self._database.read() as conn:
            # Looking costs others nothing; on SQLite, taking does.
            due = idle > 0 and bool(outbox.ready(conn, now, 1))
            refused = outbox.refused(conn)
        if not (due or refused):
            return 0
        with self._database.write() as conn:
            if refused:
                outbox.bury(conn, now)
            taken = outbox.claim(conn, self._holder, now, self._lease_us, idle)
        self._busy |= {self._workers.submit(self._deliver, each) for each in taken}
        return len(taken)

    def _deliver(self, taken: Taken) -> None:
        started, began = self._clock(), time.monotonic()
        try:
            kind, outcome = self._attempt(taken, started)
        except DatabaseUnavailable as error:
            # Nothing was sent. The lease ends by itself, and somebody sends it then.
            log.warning("database unavailable", error=error.detail)
            return
        took = time.monotonic() - began
        if self._observer:
            self._observer.attempted(kind, outcome.result, took)
        self._settle(taken, outcome, started, int(took * 1e6))

    def _attempt(self, taken: Taken, now: int) -> tuple[str, Outcome]:
        """Send something once; give also the kind of its target."""
        kind = "none"
        try:
            with self._database.read() as conn:
                target = targets.find(conn, taken.target_id)
            if target is None:
                raise Unusable(f"There is no target {taken.target_id} in the rules.")
            kind = target.kind
            if kind not in SENDERS:
                raise Unusable(f"Nothing here sends to targets of kind {kind}.")
            parcel = Parcel(Kind(taken.kind), taken.key, taken.body, taken.attempt, now)
            with_secrets = Target(target.id, kind, self._secrets.resolve(target.options))
            return kind, SENDERS[kind](with_secrets, parcel, self._context)
        except DatabaseUnavailable:
            raise
        except SecretMissing as error:
            return kind, Outcome(Result.RETRY, error=str(error))
        except (Forbidden, SecretForbidden, Unusable, RuleError) as error:
            return kind, Outcome(Result.REFUSED, error=str(error))
        except NoAnswer as error:
            return kind, Outcome(Result.UNKNOWN, error=str(error), away=True)
        except Unreachable as error:
            return kind, Outcome(Result.RETRY, error=str(error), away=True)
        except Exception as error:
            # Whatever a library does with a strange answer or option, the others must go on.
            log.exception("sender failed", target=taken.target_id, kind=kind, delivery=taken.id)
            return kind, Outcome(Result.UNKNOWN, error=f"{type(error).__name__}: {error}")

    def _settle(self, taken: Taken, outcome: Outcome, started: int, took: int) -> None:
        """Write down what became of it; the database may be away for a while."""
        error = _kept(outcome.error) if outcome.error else None
        attempt = Attempt(started, took, outcome.result, outcome.status, error)
        until = time.monotonic() + LEASE_MARGIN
        while True:
            try:
                state = self._write(taken, outcome, attempt)
                break
            except DatabaseUnavailable as unavailable:
                if time.monotonic() > until:
                    log.warning("delivery not recorded", delivery=taken.id, error=unavailable.detail)
                    return
                time.sleep(RETRY_SECONDS)
        told = log.info if outcome.result is Result.DELIVERED else log.warning
        told(
            "delivery", id=taken.id, target=taken.target_id, attempt=taken.attempt, outcome=outcome.result.value,
            state=state.value, error=error,
        )  # fmt: skip

    def _write(self, taken: Taken, outcome: Outcome, attempt: Attempt) -> State:
        now = attempt.at + attempt.took
        next_at = wait_until = None
        state = State.DEAD
        if outcome.result is Result.DELIVERED:
            state = State.DELIVERED
        elif outcome.result in (Result.RETRY, Result.UNKNOWN):
            next_at = next_attempt(taken.attempt, taken.queued_at, now, outcome.retry_after, self._chance)
            state = State.DEAD if next_at is None else State.PENDING
            if outcome.retry_after is not None:
                wait_until = now + min(outcome.retry_after, LONGEST_PAUSE)
            elif outcome.away:
                wait_until = now + away(taken.failures + 1)
        with self._database.write() as conn:
            outbox.record(
                conn, taken, attempt, state, next_at=next_at, wait_until=wait_until, away=outcome.away
            )
            if outcome.result is Result.GONE:
                outbox.disable(conn, taken.target_id, now, attempt.error or outcome.result.value)
            self._database.notify(conn)
        return state

    def prune(self) -> None:
        """Forget what is old, once an hour."""
        if self._pruned_at and time.monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = time.monotonic()
        with self._database.read() as conn:
            old = outbox.is_old(conn, self._clock() - self._keep_us)
        while old:
            with self._database.write() as conn:
                old = outbox.prune(conn, self._clock() - self._keep_us) > 0


def _kept(error: str) -> str:
    """Give an error as it is stored: without secrets, and without what no database keeps."""
    text = redact(error).replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode()[:LONGEST_ERROR]
