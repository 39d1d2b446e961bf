"""An outbox in a real database, targets in the rules, and a clock that tests move on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from collector.outbound.dispatcher import Dispatcher
from collector.outbound.sending import Kind
from collector.settings import Settings
from collector.storage import facts, outbox, outbox_reads, rules
from collector.storage.engine import Database
from collector.storage.facts import What
from collector.storage.outbox import Queued
from collector.storage.outbox_reads import Delivery, Receiver, Tried
from tests.exchanges import firing
from tests.parcels import AT, message
from triggers.documents import Row

SETTINGS = Settings(outbound_allow="127.0.0.0/8", outbound_timeout=0.5)

SECOND = 1_000_000


class Office:
    """Everything that is sent, for one test. ``now`` is the time (µs UTC) that dispatchers see."""

    def __init__(self, database: Database, opened: ExitStack) -> None:
        self.database = database
        self.now = AT
        self._opened = opened
        self._targets: dict[str, Row] = {}
        self.dispatcher = self.another("first")

    def another(self, holder: str, *, settings: Settings = SETTINGS, **options: Any) -> Dispatcher:
        """Make a dispatcher; its pauses are as long as they may be."""
        options = {"clock": lambda: self.now, "chance": lambda: 1.0} | options
        made = Dispatcher(self.database, holder, settings, **options)
        self._opened.callback(made.close)
        return made

    def target(self, id_: str, kind: str = "webhook", **options: object) -> None:
        """Have a target in the rules, or change it."""
        self._targets[id_] = Row("target", id_, {"id": id_, "kind": kind, **options})
        with self.database.write() as conn:
            rules.replace(conn, self._targets.values(), self.now)

    def put(self, target: str, key: str, *, group: str = "", kind: Kind = Kind.NOTIFICATION) -> None:
        """Queue a message."""
        body = message(group=group or key, receiver=target, title=key).data()
        with self.database.write() as conn:
            outbox.put(conn, target, kind, key, body, self.now)
            self.database.notify(conn)

    def act(self, target: str, *keys: str, once: bool = False, **options: object) -> None:
        """Queue actions of firings, with options."""
        body = dict(firing({"text": "go"} | options).body)
        with self.database.write() as conn:
            wanted = [Queued(target, Kind.ACTION, key, body, once) for key in keys]
            outbox.put_all(conn, wanted, self.now)
            self.database.notify(conn)

    def told(self) -> list[str]:
        """Give the keys of which the engine is told that something has become of them; it is told once."""
        with self.database.write() as conn:
            told = facts.told(conn, 1000)
            facts.forget(conn, told.ids)
            assert set(told.subjects.values()) <= {What.SENT}
            found = [outbox_reads.find(conn, id_) for id_ in told.subjects]
            return sorted(each[0].key for each in found if each is not None)

    def step(self, seconds: float = 0) -> int:
        """Let time pass, then have everything sent that is due; give the number of attempts."""
        self.now += int(seconds * SECOND)
        total = 0
        while sent := self.dispatcher.step():
            total += sent
        return total

    def delivery(self, key: str) -> Delivery:
        """Give what has become of a message."""
        with self.database.read() as conn:
            return outbox_reads.find_key(conn, key)

    def states(self, *keys: str) -> list[str]:
        """Give what has become of messages."""
        return [self.delivery(key).state for key in keys]

    def tried(self, key: str) -> list[Tried]:
        """Give the attempts to send a message."""
        with self.database.read() as conn:
            found = outbox_reads.find(conn, outbox_reads.find_key(conn, key).id)
        assert found is not None
        return found[2]

    def receiver(self, target: str) -> Receiver:
        """Give how it goes with a target."""
        with self.database.read() as conn:
            return next(each for each in outbox_reads.receivers(conn) if each.id == target)


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """Give an outbox with nothing in it."""
    database = Database(database_url)
    with ExitStack() as opened:
        opened.callback(database.close)
        yield Office(database, opened)
