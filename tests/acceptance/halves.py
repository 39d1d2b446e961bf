"""Hours of data that two tools write, each one half, and senders that deliver their events as badly as they may."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, uuid5

from tests.acceptance.connection import BATCH, Connection
from tests.acceptance.load import PAUSE_SECONDS
from tests.acceptance.server import Server
from tests.events import CORE, HOUR, NOON, PRODUCER, Json, dataset, run_event

FIRST = datetime(2026, 1, 1, tzinfo=UTC)

SIDES = ("orders", "payments")

WINDOW = 100
"""How far an event is sent from its place, at most."""

BATCH_EVENTS = 20

KEYS_A_SECOND = 50
"""So many hours are sent in a second, so that it takes long enough for servers to die meanwhile."""

SENDERS = 4


class Half(NamedTuple):
    """What one tool has written for one hour."""

    key: str
    side: str

    @property
    def run_id(self) -> str:
        return str(uuid5(NAMESPACE_OID, f"{self.key} {self.side}"))

    def event(self, at: int) -> Json:
        """Tell of it: one tool says for which hour it ran, the other which partition it wrote."""
        if self.side == "orders":
            nominal = {**_facet("NominalTimeRunFacet"), "nominalStartTime": f"{self.key}:00:00Z"}
            facets, output = {"nominalTime": nominal}, dataset(self.side)
        else:
            day, hour = self.key.split("T")
            condition = {"type": "partition", "partitions": [{"dimensions": {"dt": day, "hr": hour}}]}
            subset = {**_facet("OutputSubsetOutputDatasetFacet"), "outputCondition": condition}
            facets, output = {}, dataset(self.side, outputFacets={"subset": subset})
        job = f"load_{self.side}"
        return run_event("COMPLETE", at, job, self.run_id, outputs=[output], run_facets=facets)


def keys(number: int) -> list[str]:
    """Name the hours."""
    return [f"{FIRST + timedelta(hours=place):%Y-%m-%dT%H}" for place in range(number)]


def badly_ordered(number: int, rng: random.Random) -> list[Json]:
    """Give the events of so many hours, each twice, none far from its place."""
    made = [Half(key, side).event(NOON + HOUR) for key in keys(number) for side in SIDES]
    places = ((place + rng.uniform(0, WINDOW), event) for place, event in enumerate(made) for _ in range(2))
    return [event for _, event in sorted(places, key=lambda each: each[0])]


class Senders:
    """Send events to whichever server is there, until each batch is acknowledged."""

    def __init__(
        self, servers: Sequence[Server], events: Sequence[Json], keys: int, rng: random.Random
    ) -> None:
        self._ports = [server.port for server in servers]
        starts = range(0, len(events), BATCH_EVENTS)
        self._batches = iter([events[start : start + BATCH_EVENTS] for start in starts])
        self._pause = SENDERS * BATCH_EVENTS / len(events) * keys / KEYS_A_SECOND
        self._seed = rng.random()
        self._lock = threading.Lock()
        self.wrong: list[Any] = []
        """Answers that a sender must not get."""
        self._threads = [
            threading.Thread(target=self._send, args=(number,), daemon=True) for number in range(SENDERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> bool:
        """Whether there is something that is not acknowledged yet."""
        return any(thread.is_alive() for thread in self._threads)

    def _send(self, number: int) -> None:
        rng = random.Random(f"{self._seed}:{number}")
        for batch in self._each():
            while not self._is_taken(rng.choice(self._ports), batch):
                time.sleep(PAUSE_SECONDS)
            time.sleep(rng.uniform(0, 2 * self._pause))

    def _each(self) -> Iterator[Sequence[Json]]:
        while True:
            with self._lock:
                batch = next(self._batches, None)
            if batch is None:
                return
            yield batch

    def _is_taken(self, port: int, batch: Sequence[Json]) -> bool:
        try:
            with Connection(port, timeout=20) as connection:
                reply = connection.post(batch, BATCH)
        except (OSError, HTTPException):
            return False
        if reply.status == 200 and reply.json["summary"]["failed"] == 0:
            return True
        if reply.status != 503:
            self.wrong.append(reply)
        return False


def _facet(name: str) -> Json:
    return {"_producer": PRODUCER, "_schemaURL": f"{CORE}/{name}"}
