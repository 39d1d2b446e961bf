"""The dispatcher: takes what is to be sent out of the outbox, sends it, and writes down what became of it.

Any number of them may run, in any number of processes. Nothing is sent twice unless a dispatcher dies, or loses the
database, between the sending and the writing down; then it is sent again, with the same key. What must not come twice
is dead in that case, and whenever it may have arrived: somebody has to decide.

One thread takes what is due, some more of it than is sent at once. Others send it, in lanes: each receiver has as many
as there may be connections, and what a lane sends next waits behind what all others send. One thread writes down what
has become of all that was sent meanwhile. So what is sent by the hundred costs few transactions, and nobody waits for
another receiver. If a receiver turns out to be in trouble, what was taken for it is given back.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

import structlog
from sqlalchemy import Connection

from collector.errors import DatabaseUnavailable
from collector.outbound import forwarding
from collector.outbound.guard import Forbidden, Guard, Unreachable
from collector.outbound.http import Connections, Http, NoAnswer
from collector.outbound.recording import RETRY_SECONDS, Sent, record_of, write
from collector.outbound.secrets import SecretForbidden, SecretMissing, Secrets
from collector.outbound.senders import sender
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, Unusable
from collector.settings import Settings
from collector.storage import outbox, targets, turns
from collector.storage.engine import Database
from collector.storage.turns import Taken
from collector.times import now_us
from triggers.errors import RuleError
from triggers.rules import Target

RECEIVERS: Final = 4
"""For so many receivers at once there are connections, even if each takes all that it may have."""

AHEAD: Final = 4
"""So much is taken for a receiver at once for each of its connections. When a dispatcher dies, what was taken and not
sent cannot be told from what was."""

GATHER_SECONDS: Final = 0.005
"""How long is waited for others to be written down along, if more is under way."""

LEASE_MARGIN: Final = 30.0
"""Seconds beyond the time limit of a receiver after which whoever sends is taken for dead."""

IDLE_SECONDS: Final = 0.25
"""How often an idle dispatcher looks without having been woken: something may be due, or it is to stop."""

PRUNE_SECONDS: Final = 3600.0

DAY_US: Final = 86_400_000_000

log = structlog.get_logger(__name__)


class Job(NamedTuple):
    """Something to send."""

    taken: Taken
    target: Target | RuleError | Unusable
    """Where to, or why nowhere."""


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
        self._backends = frozenset(forwarding.targets(settings))
        timeout = settings.outbound_timeout
        http = Http(guard, timeout)
        self._connections = Connections(guard, http.tls)
        self._once = Context(guard, http, timeout, settings.allow_commands)
        self._context = replace(self._once, http=replace(http, kept=self._connections))
        self._database = database
        self._holder = holder
        self._lease_us = int((timeout + LEASE_MARGIN) * 1e6)
        self._keep_us = settings.evaluation_days * DAY_US
        self._clock = clock
        self._chance = chance
        self._observer = observer
        self._pruned_at = 0.0
        self._most = settings.outbound_connections
        self._workers = ThreadPoolExecutor(RECEIVERS * self._most, thread_name_prefix="sender")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._leaving = False
        self._lock = threading.Lock()
        """For all that follows."""
        self._busy: set[Future[None]] = set()
        self._queues: defaultdict[str, deque[Job]] = defaultdict(deque)
        """By receiver, what was taken and waits for a connection."""
        self._lanes: Counter[str] = Counter()
        self._under_way: dict[int, str] = {}
        """The receivers of what was taken and is not written down, by id."""
        self._sent: list[Sent] = []
        self._unsent: list[Taken] = []

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
        self._leaving = True
        self._finish()

    def step(self) -> int:
        """Send what is due to the end, as much of it as may be under way at once; give their number."""
        begun = self._begin()
        self._finish()
        return begun

    def close(self) -> None:
        """Let go of threads and connections. Call it when nothing runs."""
        self._workers.shutdown()
        self._writer.shutdown()
        self._connections.close()

    def _begin(self) -> int:
        """Take as much as may be sent now, and give it to those who send."""
        with self._lock:
            done = {future for future in self._busy if future.done()}
            self._busy -= done
            under_way = Counter(self._under_way.values())
        for future in done:
            future.result()  # what nobody expected is for whoever runs this
        now, most = self._clock(), AHEAD * self._most
        # Looking costs others nothing; on SQLite, taking does.
        with self._database.read() as conn:
            refused = outbox.refused(conn)
            rooms = turns.ready(conn, now, most, under_way)
        if refused:
            with self._database.write() as conn:
                outbox.bury(conn, now)
                self._database.notify(conn)
                rooms = turns.ready(conn, now, most, under_way)
        free = RECEIVERS * most - under_way.total()
        if not rooms or free <= 0:
            return 0
        # Whoever was served longest ago gets something, however many there are.
        share = max(1, free // len(rooms))
        with self._database.write() as conn:
            rooms = [(id_, min(room, share)) for id_, room in rooms[:free]]
            claim = turns.claim(conn, self._holder, now, self._lease_us, rooms)
            found = {id_: self._target(conn, id_) for id_ in {each.target_id for each in claim.taken}}
            if claim.ended:
                self._database.notify(conn)
        with self._lock:
            for each in claim.taken:
                self._under_way[each.id] = each.target_id
                self._queues[each.target_id].append(Job(each, found[each.target_id]))
            for id_ in found:
                for _ in range(min(self._most, len(self._queues[id_])) - self._lanes[id_]):
                    self._lanes[id_] += 1
                    self._submit(self._workers, self._go, id_)
        return len(claim.taken)

    def _target(self, conn: Connection, target_id: str) -> Target | RuleError | Unusable:
        """Find a target, or why there is none to send to."""
        if target_id in self._backends:
            return forwarding.target_of(target_id)
        try:
            found = targets.find(conn, target_id)
        except RuleError as error:
            return error
        return found or Unusable(f"There is no target {target_id} in the rules.")

    def _finish(self) -> None:
        """Wait for all that is under way."""
        while True:
            with self._lock:
                busy, self._busy = self._busy, set()
            if not busy:
                return
            for future in wait(busy).done:
                future.result()

    def _submit(self, pool: ThreadPoolExecutor, do: Callable[..., None], *given: str) -> None:
        self._busy.add(pool.submit(do, *given))

    def _go(self, target_id: str) -> None:
        """Send the next thing of a lane."""
        queue = self._queues[target_id]
        with self._lock:
            if self._leaving:
                self._put_back(target_id)
            job = queue.popleft() if queue else None
        trouble = job is not None and self._deliver(job)
        with self._lock:
            if trouble:
                self._put_back(target_id)
            if queue:
                self._submit(self._workers, self._go, target_id)
            else:
                self._lanes[target_id] -= 1

    def _put_back(self, target_id: str) -> None:
        queue = self._queues[target_id]
        if queue:
            self._unsent += [job.taken for job in queue]
            queue.clear()
            self._submit(self._writer, self._write)

    def _deliver(self, job: Job) -> bool:
        """Send something; tell whether the receiver is to be left alone."""
        started, began = self._clock(), time.monotonic()
        kind = job.target.kind if isinstance(job.target, Target) else "none"
        outcome = self._attempt(job.taken, job.target, started)
        took = time.monotonic() - began
        if self._observer:
            self._observer.attempted(kind, outcome.result, took)
        with self._lock:
            self._sent.append(Sent(job.taken, outcome, started, int(took * 1e6)))
            if len(self._sent) == 1:
                self._submit(self._writer, self._write)
        return outcome.away or outcome.retry_after is not None or outcome.result is Result.GONE

    def _write(self) -> None:
        """Write down what has been sent by now."""
        with self._lock:
            alone = len(self._under_way) <= len(self._sent) + len(self._unsent)
        if not alone:
            time.sleep(GATHER_SECONDS)
        with self._lock:
            sent, self._sent = self._sent, []
            unsent, self._unsent = self._unsent, []

        def done() -> None:
            with self._lock:
                for taken in (*unsent, *(each.taken for each in sent)):
                    self._under_way.pop(taken.id, None)

        if sent or unsent:
            records = [record_of(each, self._chance) for each in sent]
            write(self._database, records, unsent, self._clock(), LEASE_MARGIN, done)

    def _attempt(self, taken: Taken, target: Target | RuleError | Unusable, now: int) -> Outcome:
        """Send something once."""
        try:
            if not isinstance(target, Target):
                raise target
            send = sender(target.kind)
            if send is None:
                raise Unusable(f"Nothing here sends to targets of kind {target.kind}.")
            parcel = Parcel(Kind(taken.kind), taken.key, taken.body, taken.attempt, now)
            with_secrets = Target(target.id, target.kind, self._secrets.resolve(target.options))
            context = self._once if taken.once else self._context
            return send(with_secrets, parcel, context)
        except SecretMissing as error:
            return Outcome(Result.RETRY, error=str(error))
        except (Forbidden, SecretForbidden, Unusable, RuleError) as error:
            return Outcome(Result.REFUSED, error=str(error))
        except NoAnswer as error:
            return Outcome(Result.UNKNOWN, error=str(error), away=True)
        except Unreachable as error:
            return Outcome(Result.RETRY, error=str(error), away=True)
        except Exception as error:
            # Whatever a library does with a strange answer or option, the others must go on.
            log.exception("sender failed", target=taken.target_id, delivery=taken.id)
            return Outcome(Result.UNKNOWN, error=f"{type(error).__name__}: {error}")

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
