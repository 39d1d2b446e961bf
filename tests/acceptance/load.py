"""Senders that keep a server busy and remember what it has acknowledged."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.acceptance.connection import BATCH, Connection, Reply
from tests.events import run_event

PAUSE_SECONDS = 0.02
"""Between two attempts to reach a server, or a database, that is not there."""

MOST_IN_BATCH = 20


class Sent(NamedTuple):
    """What tells an event from all others."""

    run_id: str
    event_type: str


def make_event(rng: random.Random) -> tuple[Sent, dict[str, Any]]:
    """Make the one event of a run of its own, of one of twenty jobs."""
    run_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    kind = rng.choice(("START", "COMPLETE", "FAIL"))
    number = rng.randrange(20)
    event = run_event(
        kind, job=f"job_{number}", run=run_id, inputs=[f"table_{number}"], outputs=[f"table_{number + 1}"]
    )
    return Sent(run_id, kind), event


@dataclass
class Load:
    """Senders in threads, from the start of the block to its end. The server may come and go meanwhile."""

    port: int
    senders: int = 8
    seed: int = 0
    acknowledged: set[Sent] = field(default_factory=set)
    unanswered: dict[Sent, dict[str, Any]] = field(default_factory=dict)
    """Events that were sent and not acknowledged: they may be in the log or not."""
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[Reply] = field(default_factory=list)
    """Answers that a sender must not get."""

    def __post_init__(self) -> None:
        self._halt = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(self.senders)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._halt.set()
        for thread in self._threads:
            thread.join()

    def await_more(self, events: int = 50, seconds: float = 30.0) -> None:
        """Wait until that many more events were acknowledged."""
        before = len(self.acknowledged)
        self.await_that(lambda: len(self.acknowledged) >= before + events, seconds)

    def await_that(self, true: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until something is so."""
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, f"{self.statuses}, {len(self.acknowledged)} acknowledged"
            time.sleep(0.01)

    def _send(self, number: int) -> None:
        rng = random.Random(f"{self.seed}:{number}")
        with Connection(self.port, timeout=20) as connection:
            while not self._halt.is_set():
                events = dict(make_event(rng) for _ in range(self._how_many(rng)))
                reply = self._post(connection, list(events.values()))
                with self._lock:
                    if self._is_good(reply):
                        self.acknowledged |= events.keys()
                    else:
                        self.unanswered |= events
                if reply is None or reply.status == 503:
                    self._halt.wait(PAUSE_SECONDS)

    @staticmethod
    def _how_many(rng: random.Random) -> int:
        return rng.randint(2, MOST_IN_BATCH) if rng.random() < 0.2 else 1

    @staticmethod
    def _post(connection: Connection, events: list[dict[str, Any]]) -> Reply | None:
        try:
            return connection.post(events[0]) if len(events) == 1 else connection.post(events, BATCH)
        except (OSError, HTTPException):
            return None

    def _is_good(self, reply: Reply | None) -> bool:
        if reply is None:
            return False
        self.statuses[reply.status] += 1
        if reply.status == 201 or (reply.status == 200 and reply.json["summary"]["failed"] == 0):
            return True
        if reply.status != 503 or reply.headers.get("retry-after") != "1":
            self.wrong.append(reply)
        return False


def send_again(port: int, load: Load) -> None:
    """Send what was not acknowledged as clients do, until all is."""
    with Connection(port) as connection:
        events = list(load.unanswered.items())
        for start in range(0, len(events), 500):
            part = dict(events[start : start + 500])
            assert connection.post(list(part.values()), BATCH).json["status"] == "success"
            load.acknowledged |= part.keys()
            for sent in part:
                del load.unanswered[sent]
