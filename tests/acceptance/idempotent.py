"""A target as idempotency supposes it: it does something once for each key, and it is not always well."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict

from tests.receivers import Connection, HttpReceiver, answer

SLOW_SECONDS = 0.3


class Target(HttpReceiver):
    """Takes ``number`` requests or more. Now and then it is slow, busy, or gone after it has read one."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.bodies: defaultdict[str, set[bytes]] = defaultdict(set)
        """By idempotency key, of all that was taken."""
        self.times: Counter[str] = Counter()
        """How often something was taken, by idempotency key."""
        self._taking = threading.Lock()
        replies = [self._well] * number
        for place, each in enumerate((self._busy, self._gone) * max(2, number // 1000)):
            replies[place] = each
        replies[-(number // 50) :] = [self._slow] * (number // 50)
        rng.shuffle(replies)
        super().__init__(*replies, self._well)

    @property
    def repeats(self) -> int:
        """How often something came that had been taken before."""
        return self.times.total() - len(self.times)

    def _take(self, connection: Connection) -> None:
        request = connection.request
        key = request.headers["webhook-id"]
        with self._taking:
            self.bodies[key].add(request.body)
            self.times[key] += 1

    def _well(self, connection: Connection) -> None:
        self._take(connection)
        answer(204)(connection)

    def _slow(self, connection: Connection) -> None:
        self._take(connection)
        connection.closing.wait(SLOW_SECONDS)
        answer(204)(connection)

    def _busy(self, connection: Connection) -> None:
        answer(503, Retry_After="1")(connection)

    def _gone(self, connection: Connection) -> None:
        """Do what was asked, and close the connection without an answer."""
        self._take(connection)
