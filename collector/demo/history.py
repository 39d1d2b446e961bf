"""The past of the shop, lived through in simulated time: the real log, projector, engine and dispatcher, and a clock.

What pages show of the past so are records like any others. Time goes from one instant at which something happens to
the next: events come, a deadline passes, something is to be sent.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from collector.demo import refused
from collector.demo.emitters import events_of
from collector.demo.events import events
from collector.demo.model import DAY, HOUR, MINUTE, SECOND
from collector.demo.occasions import Occasion, Sent
from collector.demo.people import Act, acts
from collector.demo.receiver import Receiver
from collector.demo.rules import ALIASES, rules
from collector.demo.stack import STARTED
from collector.demo.story import Story
from collector.engine.runner import Engine
from collector.errors import Conflict, Unprocessable
from collector.ingest.intake import refuse, take
from collector.ingest.projector import Projector
from collector.outbound.dispatcher import Dispatcher
from collector.outbound.senders import EXPECTED
from collector.settings import Settings
from collector.storage import aliases, outbox_reads
from collector.storage import rules as rule_store
from collector.storage.engine import Database
from collector.storage.event_log import NewEvent, NewRejection, append, reject
from collector.storage.leases import holder

DAYS: Final = 28

WATCHED: Final = 14
"""For so many days there have been rules. Of the days before there are events only, which takes a tenth of the time."""

TOGETHER: Final = ((3 * HOUR, 20 * SECOND), (2 * DAY, 2 * MINUTE), (100 * DAY, 10 * MINUTE))
"""Events that come within so short a time of each other are looked at together, by how long ago that was (µs)."""

PATIENCE_SECONDS: Final = 0.002
"""How often it is looked whether the engine, which rests after long decisions, goes on."""

BULK: Final = 500
"""Events of one transaction where nobody looks."""

LONGEST_KEPT: Final = 3650 * DAY
"""Nothing of the past is forgotten while it is lived through (µs)."""

ENCODE: Final = msgspec.json.Encoder().encode

Told = Callable[[int], None]
"""Hears of a time, or for how long it has gone on (µs)."""


def build(
    database_url: str, *, until: int, days: int = DAYS, seed: int = 1, progress: Told = lambda done: None
) -> Story:
    """Fill a database, which must have its tables, with the ``days`` that lead to ``until`` (µs UTC).

    ``progress`` takes the µs of that time that have been lived through. The same arguments give the same events, and
    what follows from them.
    """
    story, since = Story(until, seed), until - days * DAY
    database = Database(database_url)
    try:
        with Receiver() as receiver, Past(database, story, receiver, since) as past:
            past.fill(until, lambda now: progress(now - since))
    finally:
        database.close()
    return story


class Past:
    """Lives through time from ``since`` (µs UTC) on. Use it as a context manager."""

    def __init__(
        self, database: Database, story: Story, receiver: Receiver, since: int, *, begun: int | None = None
    ) -> None:
        """``begun`` leaves out runs that were to start before (µs UTC)."""
        self._database = database
        self._story = story
        self._receiver = receiver
        self._begun = begun
        self._now = self._since = since
        self._projector = Projector(database, holder=holder(), batch=2 * BULK)
        self._engine = Engine(
            database,
            holder=holder(),
            settle=0,
            lag=DAY,
            keep=LONGEST_KEPT,
            clock=self._clock,
            expected=EXPECTED,
        )
        settings = Settings(outbound_allow="127.0.0.1")
        chance = Random(story.seed).random  # noqa: S311  # of pauses between attempts
        self._dispatcher = Dispatcher(database, holder(), settings, clock=self._clock, chance=chance)
        self._waiting: deque[tuple[int, bytes]] = deque()
        """Bodies that are on their way, by the time at which they come."""
        self._acts: deque[Act] = deque()
        receiver.on_start = self._start

    def __enter__(self) -> Self:
        """Become the active one; raises ``Conflict`` if a server works on the database."""
        # The clock of leases is the real one.
        if not (self._projector.take() and self._engine.take()):
            self._dispatcher.close()
            raise Conflict("A server works on the database of the demo; stop it first.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._projector.release()
        self._engine.release()
        self._dispatcher.close()

    def fill(self, until: int, told: Told) -> None:
        """Live through all the time to ``until`` (µs UTC), the last days of it with rules."""
        self.collect(until - WATCHED * DAY, told)
        with self._database.write() as conn:
            rule_store.replace(conn, rules(self._story, self._receiver.url), self._now)
            aliases.replace(conn, ALIASES)
        self.live_through(until, told)

    def collect(self, until: int, told: Told) -> None:
        """Take in what comes before a time (µs UTC), many events at once; ``told`` hears of the time that it is."""
        if until <= self._now:
            return
        self._send(self._story_until(until))
        while self._waiting:
            self._now = self._waiting[min(BULK, len(self._waiting)) - 1][0]
            self._take_in(BULK)
            told(self._now)
        self._now = self._since = until
        self._rest()

    def live_through(self, until: int, told: Told, *, live: int | None = None) -> None:
        """Go on until a time (µs UTC); ``told`` hears of the time that it is. ``live`` is as ``events`` has it."""
        self._send(self._story_until(until, live))
        self._acts = deque(acts(self._story, self._since, until))
        while (now := self._next(until)) < until:
            self._now = now
            self._take_in()
            self._act()
            self._rest()
            told(now)
        self._now = self._since = until
        self._take_in()
        self._engine.beat()
        self._rest()

    def expect(self, sent: Iterable[Sent]) -> None:
        """Let events come that are not the story's own."""
        self._send((at, ENCODE(body)) for at, body in sent)

    def _clock(self) -> int:
        return self._now

    def _story_until(self, until: int, live: int | None = None) -> Iterator[tuple[int, bytes]]:
        told = events(self._story, self._since, until, begun=self._begun, live=live)
        yield from ((at, ENCODE(body)) for at, body in told)
        yield from refused.bodies(self._story, self._since, until)

    def _send(self, bodies: Iterable[tuple[int, bytes]]) -> None:
        self._waiting = deque(sorted([*self._waiting, *bodies], key=itemgetter(0)))

    def _next(self, until: int) -> int:
        """Tell when something happens next, ``until`` at the latest."""
        with self._database.read() as conn:
            due = outbox_reads.next_due(conn)
        known = (due, self._engine.wake(), self._acts[0].at if self._acts else None)
        times = [max(at, self._now + SECOND) for at in known if at is not None]
        if self._waiting:
            at = self._waiting[0][0]
            times.append(at + next(together for ago, together in TOGETHER if at > until - ago))
        return min([*times, until])

    def _take_in(self, most: int | None = None) -> None:
        """Receive what has come by now, and project it."""
        rows: list[NewEvent] = []
        refusals: list[NewRejection] = []
        while self._waiting and self._waiting[0][0] <= self._now and (most is None or len(rows) < most):
            at, body = self._waiting.popleft()
            try:
                rows.append(take(body, at).row)
            except Unprocessable as error:
                refusals.append(refuse(body, error, at))
        if rows or refusals:
            with self._database.write() as conn:
                append(self._database, conn, rows)
                reject(conn, refusals)
            self._projector.step()

    def _act(self) -> None:
        """Let people do what they have done by now."""
        while self._acts and self._acts[0].at <= self._now:
            with self._database.write() as conn:
                self._acts.popleft().do(conn, self._now)

    def _rest(self) -> None:
        """Let all work until there is nothing more to do now."""
        while True:
            while self._engine.step():
                pass
            if self._engine.owes:
                time.sleep(PATIENCE_SECONDS)
            elif not self._dispatcher.step() and not self._projector.step():
                return

    def _start(self, event: dict[str, Any]) -> dict[str, str]:
        """Start what a firing asks for, as the tool behind the receiver would."""
        flow = STARTED[event["data"]["body"]["flow"]]
        occasion = Occasion(self._story, flow, self._now + 4 * SECOND)
        self.expect(events_of(occasion))
        return {}
