"""The writer of the log: one thread that takes all that waits, commits once, and then answers everybody.

A commit costs a wait for the disk whatever it holds. Requests that come while one is under way wait together
and share the next, so the more of them come, the cheaper each is.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import structlog
from sqlalchemy import text

from collector.errors import DatabaseUnavailable, QueueFull, TidegateError, Unavailable
from collector.storage.engine import Database
from collector.storage.event_log import NewEvent, NewRejection, append, reject

MOST_EVENTS = 512
"""Events of one transaction, if there are several submissions. It bounds how long other writers wait."""

MOST_BYTES = 4_000_000
"""Packed bytes of one transaction, likewise."""

MOST_WAITING_BYTES = 256 * 1024 * 1024
"""Bytes of requests that wait to be read: memory of this process."""

RETRY_SECONDS = 0.2
"""How often a database that is away is tried. Clients come back after a second."""

log = structlog.get_logger(__name__)


class Outcome(NamedTuple):
    """What became of one submission: ``error``, or for each item whether it is stored and was not before."""

    new: Sequence[bool]
    error: TidegateError | None = None


Item = NewEvent | NewRejection
Work = Callable[[], Sequence[Item]]
"""Reads a request and gives what is to be written, if anything."""

Done = Callable[[Outcome], None]
Deliver = Callable[[Sequence[tuple[Done, Outcome]]], None]


class Observer(Protocol):
    """Who wants to know what the writer does; called in its thread after each commit."""

    def committed(self, events: Mapping[str, int], duplicates: int, rejected: int, seconds: float) -> None:
        """``events`` counts the new ones by kind."""


@dataclass(slots=True)
class _Submission:
    work: Work
    size: int
    done: Done
    items: Sequence[Item] = ()


def deliver_here(answers: Sequence[tuple[Done, Outcome]]) -> None:
    """Call back from the writer's own thread."""
    for done, outcome in answers:
        done(outcome)


class LogWriter:
    """Writes submissions to the log, in order, each in one transaction with others.

    ``deliver`` takes all call-backs of one commit together and must not raise or wait; an event loop hands
    them to itself in one go. ``submit`` may be called from any thread.
    """

    def __init__(
        self,
        database: Database,
        *,
        queue_limit: int,
        observer: Observer | None = None,
    ) -> None:
        self._database = database
        self._limit = queue_limit
        self._observer = observer
        self.deliver: Deliver = deliver_here
        self._queue: deque[_Submission] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._away: DatabaseUnavailable | None = None
        # A daemon: whoever leaves without closing loses what was not answered, as when killed.
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def submit(self, work: Work, size: int, done: Done) -> None:
        """Queue a request; what ``work`` gives is written in one transaction, and ``done`` hears of it, once.

        ``work`` is called in the writer's thread; ``size`` says how many bytes wait with it. Raises
        ``QueueFull``, ``DatabaseUnavailable`` or, once the writer is closing, ``Unavailable``; nothing is
        called then.
        """
        with self._changed:
            if self._closing:
                raise Unavailable("The server is stopping; try again in a second.")
            if self._away:
                raise DatabaseUnavailable(self._away.detail)
            if self._queue and (
                len(self._queue) >= self._limit or self._waiting_bytes + size > MOST_WAITING_BYTES
            ):
                raise QueueFull
            if self._thread.ident is None:
                self._thread.start()
            self._waiting_bytes += size
            self._queue.append(_Submission(work, size, done))
            if len(self._queue) == 1:
                self._changed.notify()

    def close(self, timeout: float | None = None) -> bool:
        """Refuse new submissions, finish those that wait; False if that took longer than ``timeout``
        seconds.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closing:
                    self._changed.wait()
                if not self._queue:
                    return
            taken = self._take()
            try:
                answers = self._write(taken)
            except DatabaseUnavailable as error:
                self._fail(taken, error)
                self._await_database()
            except Exception as error:  # noqa: BLE001  # one bad submission must not stop the log
                self.deliver(self._one_by_one(taken, error))
            else:
                self.deliver(answers)

    def _take(self) -> list[_Submission]:
        """Read requests until enough is together; those that come meanwhile are among them."""
        taken: list[_Submission] = []
        events = size = 0
        while events < MOST_EVENTS and size < MOST_BYTES:
            with self._changed:
                if not self._queue:
                    break
                submission = self._queue.popleft()
                self._waiting_bytes -= submission.size
            try:
                submission.items = submission.work()
            except Exception:
                log.exception("request not read")
                error = TidegateError("The request could not be read; the server's log says why.")
                self.deliver([(submission.done, Outcome((), error))])
                continue
            taken.append(submission)
            events += len(submission.items)
            size += sum(len(item.body) for item in submission.items)
        return taken

    def _write(self, taken: Sequence[_Submission]) -> list[tuple[Done, Outcome]]:
        started = time.perf_counter()
        items = [item for submission in taken for item in submission.items]
        events = [item for item in items if isinstance(item, NewEvent)]
        rejections = [item for item in items if isinstance(item, NewRejection)]
        new: list[bool] = []
        if items:
            with self._database.write() as conn:
                new = append(self._database, conn, events)
                if rejections:
                    reject(conn, rejections)
            if self._observer:
                stored = Counter(event.kind for event, is_new in zip(events, new, strict=True) if is_new)
                seconds = time.perf_counter() - started
                self._observer.committed(stored, len(new) - stored.total(), len(rejections), seconds)
        results = iter(new)
        return [
            (
                submission.done,
                Outcome([next(results) if isinstance(item, NewEvent) else True for item in submission.items]),
            )
            for submission in taken
        ]

    def _one_by_one(self, taken: Sequence[_Submission], cause: Exception) -> list[tuple[Done, Outcome]]:
        if len(taken) == 1:
            log.error("events not written", events=len(taken[0].items), exc_info=cause)
            return [(taken[0].done, Outcome((), TidegateError("The event could not be written.")))]
        answers: list[tuple[Done, Outcome]] = []
        for submission in taken:
            try:
                answers += self._write([submission])
            except DatabaseUnavailable as error:
                answers.append((submission.done, Outcome((), error)))
            except Exception as error:  # noqa: BLE001  # as above
                answers += self._one_by_one([submission], error)
        return answers

    def _fail(self, taken: Sequence[_Submission], error: DatabaseUnavailable) -> None:
        log.warning("database unavailable", error=error.detail)
        with self._changed:
            # Whoever waits would only wait longer, and longer than clients do.
            failed = [*taken, *self._queue]
            self._queue.clear()
            self._waiting_bytes = 0
            self._away = error
        self.deliver([(submission.done, Outcome((), error)) for submission in failed])

    def _await_database(self) -> None:
        while True:
            with self._changed:
                if not self._closing:
                    self._changed.wait(RETRY_SECONDS)
                if self._closing:
                    return
            try:
                with self._database.read() as conn:
                    conn.execute(text("SELECT 1"))
            except DatabaseUnavailable:
                continue
            log.info("database available")
            with self._changed:
                self._away = None
            return
