"""The projector: takes events from the inbox, in order, and folds them into the catalog and the graph.

One is active at a time, by a lease in the database; a standby takes over when it runs out. A batch is read, decoded
and folded without holding anybody up; then its rows, the removal from the inbox and the renewal of the lease are
written in one transaction. If that fails nothing has happened, and the batch comes again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog
from sqlalchemy import Connection

from collector.errors import DatabaseUnavailable, TidegateError
from collector.ingest.envelope import EventReader
from collector.ingest.rules import RuleFollower
from collector.storage import facts, inbox
from collector.storage.changes import Changes
from collector.storage.engine import Database
from collector.storage.inbox import LoggedEvent
from collector.storage.leases import LeaseLost, Turn
from collector.storage.projection import Projection
from lineage.model import Observation
from lineage.translate import translate

LEASE = "projector"
LEASE_US = 15_000_000
"""A dead projector is followed after this time. A batch takes well under a second."""

CATCHING_UP = 4
"""How many times larger a batch may be when the one before was full. Each commit waits for the disk once."""

IDLE_SECONDS = 0.25
"""How often an idle projector looks without having been woken, and whether it is to stop."""

RETRY_SECONDS = 0.5
"""Pause after the database was away."""

log = structlog.get_logger(__name__)


class Observer(Protocol):
    """Who wants to know what the projector does."""

    def projected(self, events: int, seconds: float) -> None: ...

    def parked(self, events: int) -> None: ...


class Projector:
    """Projects what is in the inbox of ``database``.

    ``batch`` is the number of events in one transaction at most, and ``CATCHING_UP`` times that while more are waiting.
    It bounds for how long, on SQLite, those who append to the log must wait: some 40 µs an event.
    """

    def __init__(
        self, database: Database, *, holder: str, batch: int = 250, observer: Observer | None = None
    ) -> None:
        self._database = database
        self._batch = self._size = batch
        self._observer = observer
        self._turn = Turn(database, LEASE, holder, LEASE_US)
        self._target = Target(database, Projection())
        self._rules = RuleFollower(database, self._target.projection.identity)
        self._reader = EventReader()

    def run(self, stop: threading.Event) -> None:
        """Project until told to stop; survive any loss of the database."""
        active = False
        try:
            while not stop.is_set():
                try:
                    if not active:
                        active = self.take()
                    if not active or self.step() == 0:
                        self._database.wait_for_change(IDLE_SECONDS)
                except LeaseLost:
                    active = False
                except DatabaseUnavailable as error:
                    log.warning("database unavailable", error=error.detail)
                    active = False
                    stop.wait(RETRY_SECONDS)
        finally:
            if active:
                self.release()

    def drain(self, progress: Callable[[int], None] = lambda events: None) -> int | None:
        """Project all that waits and return the number of events; None if another projector is active.

        Changed alias rules are applied too.

        ``progress`` is called with the number of events of each batch.
        """
        if not self.take():
            return None
        try:
            total = 0
            while done := self.step():
                total += done
                progress(done)
            return total
        finally:
            self.release()

    def take(self) -> bool:
        """Become the active projector, if none is; tell whether we are."""
        if not self._turn.take():
            return False
        # Whoever held it since may have written what we hold in memory.
        self._target.projection.forget()
        self._rules.forget()
        return True

    def release(self) -> None:
        """Let another one be active."""
        self._turn.release()

    def step(self) -> int:
        """Project one batch; give the number of its events, 0 if none waits. Only for the active one."""
        started = time.perf_counter()
        with self._database.read() as conn:
            events = inbox.pending(conn, self._size)
            behind = self._rules.is_behind(conn)
        if behind:
            self._rules.catch_up(self._turn.keep)
        full = len(events) == self._size
        self._size = min(2 * self._size, CATCHING_UP * self._batch) if full else self._batch
        if not events:
            self._turn.keep_idle()
            return 0
        observations, errors = read(self._reader, events)
        errors |= isolate(self._write, observations)
        if errors:
            with self._database.write() as conn:
                inbox.park(conn, errors, self._turn.keep(conn))
        if self._observer:
            self._observer.projected(len(events), time.perf_counter() - started)
            if errors:
                self._observer.parked(len(errors))
        return len(events)

    def _write(self, event_ids: Sequence[int], observations: Sequence[Observation]) -> None:
        def finish(conn: Connection, changes: Changes) -> None:
            now = self._turn.keep(conn)
            inbox.remove(conn, event_ids)
            facts.tell(conn, changes.facts, now, changes.which)
            self._database.notify(conn)

        self._target.write(event_ids, observations, finish)


class Target:
    """A database and the projection that writes to it."""

    def __init__(self, database: Database, projection: Projection) -> None:
        self._database = database
        self.projection = projection

    def write(
        self,
        event_ids: Sequence[int],
        observations: Sequence[Observation],
        finish: Callable[[Connection, Changes], None] = lambda conn, changes: None,
    ) -> None:
        """Project observations in one transaction, of which ``finish`` is a part. Any error rolls all back."""
        try:
            with self._database.read() as conn:
                changes = self.projection.prepare(conn, observations)
            with self._database.write() as conn:
                finish(conn, changes)
                self.projection.write(conn, changes)
        except BaseException:
            self.projection.forget()
            raise


def isolate(
    write: Callable[[Sequence[int], Sequence[Observation]], None], observations: Mapping[int, Observation]
) -> dict[int, str]:
    """Write a batch; if that fails, each event by itself. Give the errors of those that fail alone, by event id.

    What is not the events' fault is raised: ``LeaseLost``, and the errors of the program itself.
    """
    try:
        write(list(observations), list(observations.values()))
    except (LeaseLost, TidegateError):
        raise
    except Exception as error:  # noqa: BLE001  # whatever an event does to us, the others must go on
        log.warning(
            "batch failed, trying its events one by one", events=len(observations), error=describe(error)
        )
    else:
        return {}
    errors: dict[int, str] = {}
    for event_id, seen in observations.items():
        try:
            write([event_id], [seen])
        except (LeaseLost, TidegateError):
            raise
        except Exception as error:
            log.exception("event parked", event_id=event_id)
            errors[event_id] = describe(error)
    return errors


def read(reader: EventReader, events: Sequence[LoggedEvent]) -> tuple[dict[int, Observation], dict[int, str]]:
    """Decode and translate events; give observations by event id, and errors of those that cannot be read."""
    observations: dict[int, Observation] = {}
    errors: dict[int, str] = {}
    for event in events:
        try:
            observations[event.id] = translate(reader.read(event.body), event.received_at, event.hash.hex())
        except Exception as error:  # noqa: BLE001  # a poison event must not stop the others
            errors[event.id] = describe(error)
    return observations, errors


def describe(error: Exception) -> str:
    """Say what went wrong, for people; the first kilobyte of it."""
    return f"{type(error).__name__}: {error}"[:1000]
