"""What triggers cost: the way from an event to the request that starts something, and one event among many triggers.

Run it as ``python -m tests.benchmarks.triggers [--dialects sqlite postgresql] [--only events latency prefect]``.

- events: what the engine does for one event that is one half of a join, with 10, 1,000 and 10,000 triggers, each on two
  datasets of its own; every second event fires. The baseline is the first of these.
- latency: from the acceptance of an event by ``tidegate serve`` to the request that reaches a webhook: at 10 events a
  second each of which fires, and at 500 of which one in ten does. The baseline is a bare POST to the same receiver.
- prefect: how long a Prefect server takes from an event to the flow run that its own automation creates, and how long
  from an event at Tidegate to the flow run that a trigger creates there, both on this machine, one at a time. It
  installs Prefect beside, see ``tests/targets``.

CPU times are those of the engine's thread; what PostgreSQL takes itself is in the wall times only.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles

import structlog

from collector.engine.runner import Engine
from collector.ingest.projector import Projector
from collector.storage import inbox, rules
from collector.storage.engine import Database
from collector.times import now_us
from tests.benchmarks.prefect_automation import measure_prefect
from tests.benchmarks.server import Databases, databases, running, send
from tests.dump import feed
from tests.events import MINUTE, NAMESPACE, run_event
from tests.receivers import HttpReceiver
from triggers.documents import Row

DAY = 1440 * MINUTE
MIDNIGHT = 1_795_305_600_000_000
"""2026-11-22T00:00:00Z."""

SIZES = (10, 1_000, 10_000)
EVENTS = 220
WARM = 20
"""Events before those that count."""

RATES = ((10, 1, 200), (500, 10, 4_000))
"""(events a second, of how many one fires, how many are sent)."""

CONNECTIONS = 8


def joins(number: int, url: str = "http://127.0.0.1:9/") -> Iterator[Row]:
    """Make triggers, each of which waits for two datasets of its own."""
    yield Row("target", "hook", {"id": "hook", "kind": "webhook", "url": url})
    for place in range(number):
        yield _trigger(f"t{place}", ["left", "right"], place, {"mode": "latched", "expire": "1d"})


def singles(number: int, url: str) -> Iterator[Row]:
    """Make triggers that fire on each update of one dataset."""
    yield Row("target", "hook", {"id": "hook", "kind": "webhook", "url": url})
    for place in range(number):
        yield _trigger(f"t{place}", ["left"], place, {"mode": "level"})


def _trigger(id_: str, sides: Sequence[str], place: int, join: dict[str, str]) -> Row:
    inputs = [{"id": side, "dataset": {"namespace": NAMESPACE, "name": f"{side}_{place}"}} for side in sides]
    action = {"id": "go", "notify": "hook", "body": {"n": "{{ inputs.left.latest.dataset.name }}"}}
    body = {"id": id_, "timezone": "UTC", "when": {"all": inputs}, "join": join, "do": [action]}
    return Row("trigger", id_, body)


class Trial:
    """An engine among so many triggers, and a projector that stays warm."""

    def __init__(self, places: Databases, size: int) -> None:
        self.database = Database(places.create(f"events_{size}"))
        with self.database.write() as conn:
            rules.replace(conn, joins(size), MIDNIGHT)
        self._clock = [MIDNIGHT]
        clock = self._clock
        self._engine = Engine(
            self.database, holder="bench", settle=0, lag=DAY, keep=30 * DAY, clock=lambda: clock[0]
        )
        if not self._engine.take():
            raise RuntimeError("another engine is active")
        while self._engine.step():
            pass
        self._stop = threading.Event()
        projector = Projector(self.database, holder="bench")
        self._thread = threading.Thread(target=projector.run, args=(self._stop,), daemon=True)
        self._thread.start()
        self.cost: list[float] = []
        self.took: list[float] = []

    def one(self, number: int) -> None:
        """Take in one half of a join, and measure what the engine does with it."""
        self._clock[0] += 1_000_000
        side, place = ("left", "right")[number % 2], number // 2 % SIZES[0]
        event = run_event(
            "COMPLETE", self._clock[0], f"job_{place}", f"run-{number}", outputs=[f"{side}_{place}"]
        )
        feed(self.database, [event], self._clock[0])
        while self._waiting():
            time.sleep(0.002)
        cost, took = time.thread_time(), time.perf_counter()
        while self._engine.step():
            pass
        self.cost.append(time.thread_time() - cost)
        self.took.append(time.perf_counter() - took)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.database.close()

    def _waiting(self) -> int:
        with self.database.read() as conn:
            return inbox.size(conn)


def measure_events(places: Databases) -> None:
    """Print what one event costs among few and many triggers, in turns: what else runs then hits all alike."""
    trials = {size: Trial(places, size) for size in SIZES}
    for number in range(EVENTS):
        for trial in trials.values():
            trial.one(number)
    first = trials[SIZES[0]]
    for size, trial in trials.items():
        cost, took = quantiles(trial.cost[WARM:], n=20), quantiles(trial.took[WARM:], n=20)
        ratio = median(trial.cost[WARM:]) / median(first.cost[WARM:])
        walls = median(trial.took[WARM:]) / median(first.took[WARM:])
        print(
            f"  one event, {size:>6,} triggers: CPU p50 {cost[9] * 1e3:5.2f} ms, p95 {cost[18] * 1e3:5.2f} ms; "
            f"wall p50 {took[9] * 1e3:5.2f} ms, p95 {took[18] * 1e3:5.2f} ms; "
            f"to {SIZES[0]}: CPU {ratio:.2f}, wall {walls:.2f}"
        )
        trial.close()


def measure_latency(places: Databases, rate: int, one_in: int, number: int) -> None:
    """Print how long after the acceptance of an event the request of the trigger that it fires arrives."""
    url = places.create(f"latency_{rate}")
    firing = number // one_in
    with HttpReceiver() as receiver:
        database = Database(url)
        with database.write() as conn:
            rules.replace(conn, singles(firing, receiver.url), now_us())
        database.close()
        bare = _bare_posts(receiver.port)
        receiver.received.clear()
        with running(url, outbound_allow="127.0.0.1", settle=0) as server:
            time.sleep(3)
            accepted = send_all(server, rate, one_in, number)
            time.sleep(5)
    heard: dict[str, float] = {}
    for request in receiver.received:
        heard.setdefault(json.loads(request.body)["data"]["body"]["n"], request.at)
    took = [heard[name] - at for name, at in accepted.items() if name in heard]
    cost = quantiles(took, n=100)
    print(
        f"  event accepted to request arriving, {rate} events a second of which one in {one_in} fires: p50 "
        f"{cost[49] * 1e3:.0f} ms, p99 {cost[98] * 1e3:.0f} ms ({len(took)} of {firing} firings arrived, "
        f"{len(receiver.received)} requests); a bare POST to the receiver takes {bare * 1e3:.1f} ms "
        f"(p50 is {cost[49] / bare:.0f} times that)"
    )


def send_all(port: int, rate: int, one_in: int, number: int) -> dict[str, float]:
    """Send events at a rate; give when those that fire were accepted (monotonic), by the name of the dataset."""
    accepted: dict[str, float] = {}
    begun = time.monotonic()

    def lane(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for turn in range(first, number, CONNECTIONS):
            time.sleep(max(0.0, begun + turn / rate - time.monotonic()))
            fires = turn % one_in == 0
            name = f"left_{turn // one_in}" if fires else f"other_{turn % 100}"
            event = run_event("COMPLETE", now_us(), f"job_{turn % 100}", f"run-{turn}", outputs=[name])
            send(connection, event)
            if fires:
                accepted[name] = time.monotonic()

    with ThreadPoolExecutor(CONNECTIONS) as lanes:
        list(lanes.map(lane, range(CONNECTIONS)))
    return accepted


def _bare_posts(port: int) -> float:
    """Give the seconds that a request to the receiver takes, on a connection of its own."""
    body = json.dumps({"data": {"body": {"n": "bare"}}}).encode()
    begun = time.perf_counter()
    for _ in range(100):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/", body)
        connection.getresponse().read()
        connection.close()
    return (time.perf_counter() - begun) / 100


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dialects", nargs="+", default=["sqlite", "postgresql"])
    parts = ["events", "latency", "prefect"]
    parser.add_argument("--only", nargs="+", choices=parts, default=["events", "latency"])
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for dialect in chosen.dialects:
        print(dialect)
        with databases(dialect) as places:
            if "events" in chosen.only:
                measure_events(places)
            if "latency" in chosen.only:
                for rate, one_in, number in RATES:
                    measure_latency(places, rate, one_in, number)
            if "prefect" in chosen.only:
                measure_prefect(places)


if __name__ == "__main__":
    main()
