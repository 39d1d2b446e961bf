"""What freshness costs: one event among many expectations, many deadlines at one minute, and the way to the receiver.

Run it as ``python -m tests.benchmarks.freshness [--dialects sqlite postgresql] [--only events timers latency]``.

- events: what the engine does for one event, with 100, 10,000 and 100,000 expectations, each on a dataset of its own.
  The baseline is the first of these.
- timers: 100,000 deadlines at the same minute, a tenth of them missed; the baseline is a bare UPDATE of as many rows.
- latency: from the acceptance of an event by ``tidegate serve`` to the request that reaches a receiver, with
  ``group_wait`` 0; the baseline is a bare POST to the same receiver.

CPU times are those of the engine's thread; what PostgreSQL takes itself is in the wall times only.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from statistics import median, quantiles

import structlog
from sqlalchemy import func, select, update

from collector.engine.runner import Engine
from collector.ingest.projector import Projector
from collector.storage import inbox, rules, tables
from collector.storage.engine import Database
from collector.storage.tables import dataset_update, expectation_state, namespace
from collector.storage.upsert import names, write_rows
from collector.times import now_us
from lineage.model import DatasetRef, entity_id
from tests.benchmarks.server import Databases, databases, running
from tests.dump import feed
from tests.events import MINUTE, NAMESPACE, dataset, run_event
from tests.receivers import HttpReceiver
from triggers.documents import Row
from triggers.verdict import State

DAY = 1440 * MINUTE
MIDNIGHT = 1_795_305_600_000_000
"""2026-11-22T00:00:00Z."""

SIZES = (100, 10_000, 100_000)
EVENTS = 220
WARM = 20
"""Events before those that count."""

TABLES = 50
"""Datasets that the events are about."""

DEADLINES = 100_000
MISSED = 10
"""One in so many has not come."""

RATES = (10, 50)
"""Events a second."""

NOTIFIED = 100
BAD = 5
"""One event in so many is told of."""

OPEN = 10
"""Alerts that are open at a time."""


def expectations(number: int) -> Iterator[Row]:
    """Make expectations, each on a dataset of its own, due at 07:00 with 20 minutes of grace."""
    for place in range(number):
        id_ = f"e{place}"
        body = {
            "id": id_,
            "timezone": "Europe/Berlin",
            "dataset": {"namespace": NAMESPACE, "name": f"table_{place}"},
            "due": {"at": "07:00"},
            "grace": {"late": "20m"},
        }
        yield Row("expectation", id_, body)


def catalog(database: Database, number: int, arrived: Sequence[int]) -> None:
    """Write datasets with updates of the last days; those of today only for the places in ``arrived``."""
    place_id = entity_id("namespace", NAMESPACE)
    ids = [DatasetRef(NAMESPACE, f"table_{place}").id for place in range(number)]
    with database.write() as conn:
        write_rows(conn, namespace, names(namespace), [(place_id, NAMESPACE)])
        rows = [(id_, place_id, f"table_{place}", id_, None, None, False) for place, id_ in enumerate(ids)]
        write_rows(conn, tables.dataset, names(tables.dataset), rows)
        today = set(arrived)
        updates = [
            (id_, at, place * 10 + day, at, None, None, None, 100, "run")
            for place, id_ in enumerate(ids)
            for day in range(4)
            if day or place in today
            for at in [MIDNIGHT - day * DAY + 300 * MINUTE]
        ]
        write_rows(conn, dataset_update, names(dataset_update), updates)


def engine(database: Database, clock: Sequence[int]) -> Engine:
    """Make an engine by a clock that is the only item of ``clock``."""
    return Engine(database, holder="bench", settle=0, lag=DAY, keep=30 * DAY, clock=lambda: clock[0])


def settled(database: Database, number: int, now: int, arrived: Sequence[int]) -> tuple[Engine, list[int]]:
    """Give an engine that has looked at everything at ``now``, and its clock."""
    catalog(database, number, arrived)
    with database.write() as conn:
        rules.replace(conn, expectations(number), now)
    clock = [now]
    made = engine(database, clock)
    assert made.take()
    while made.step():
        pass
    return made, clock


class Trial:
    """An engine among so many expectations, and a projector that stays warm."""

    def __init__(self, places: Databases, size: int) -> None:
        self.database = Database(places.create(f"events_{size}"))
        self._engine, self._clock = settled(self.database, size, MIDNIGHT + 60 * MINUTE, ())
        self._stop = threading.Event()
        projector = Projector(self.database, holder="bench")
        self._thread = threading.Thread(target=projector.run, args=(self._stop,), daemon=True)
        self._thread.start()
        self.cost: list[float] = []
        self.took: list[float] = []

    def one(self, number: int) -> None:
        """Take in an event, and measure what the engine does with it."""
        self._clock[0] += 1_000_000
        job, table = f"job_{number % TABLES}", f"table_{number % TABLES}"
        event = run_event("COMPLETE", self._clock[0], job, f"run-{number}", outputs=[table])
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
    """Print what one event costs among few and many expectations, in turns: what else runs then hits all alike."""
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
            f"  one event, {size:>7,} expectations: CPU p50 {cost[9] * 1e3:5.2f} ms, p95 {cost[18] * 1e3:5.2f} ms; "
            f"wall p50 {took[9] * 1e3:5.2f} ms, p95 {took[18] * 1e3:5.2f} ms; "
            f"to {SIZES[0]}: CPU {ratio:.2f}, wall {walls:.2f}"
        )
        trial.close()


def measure_timers(places: Databases) -> None:
    """Print how long many deadlines at the same minute take."""
    database = Database(places.create("timers"))
    arrived = [place for place in range(DEADLINES) if place % MISSED]
    begun = time.perf_counter()
    made, clock = settled(database, DEADLINES, MIDNIGHT + 350 * MINUTE, arrived)
    print(f"  taking up {DEADLINES:,} rules and looking at all: {time.perf_counter() - begun:.1f} s")
    with database.write() as conn:
        begun = time.perf_counter()
        # Those that have come would be looked at the next day only.
        conn.execute(update(expectation_state).values(next_look_at=MIDNIGHT + 380 * MINUTE))
        bare = time.perf_counter() - begun
    clock[0] = MIDNIGHT + 380 * MINUTE + 1_000_000
    took, cost = time.perf_counter(), time.thread_time()
    rounds = last = 0.0
    while True:
        begun = time.perf_counter()
        if not made.step():
            break
        rounds, last = rounds + 1, time.perf_counter() - begun
    took, cost = time.perf_counter() - took, time.thread_time() - cost
    with database.read() as conn:
        late = conn.execute(
            select(func.count()).where(expectation_state.c.state == State.LATE.value)
        ).scalar_one()
    print(
        f"  {DEADLINES:,} deadlines at one minute: {took:.1f} s ({cost:.1f} s CPU) in {rounds:.0f} rounds, "
        f"{took / bare:.0f} times a bare UPDATE of the rows; of it {last:.1f} s to decide what is told of {late:,} late"
    )
    database.close()


def measure_latency(places: Databases, rate: int) -> None:
    """Print how long after its acceptance an event that brings too few rows is told of.

    One event in ``BAD`` is such; the next ones are good, also for the same dataset, so that few alerts are open.
    """
    url = places.create(f"latency_{rate}")
    with HttpReceiver() as receiver:
        database = Database(url)
        with database.write() as conn:
            rules.replace(conn, counted(receiver.url), now_us())
        database.close()
        os.environ["BENCH_SECRET"] = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
        bare = _bare_posts(receiver.port)
        receiver.received.clear()
        with running(url, outbound_allow="127.0.0.1", settle=0) as server:
            time.sleep(1)
            sender = Sender(server)
            for place in range(NOTIFIED + 1):
                sender.send(place, rows=100)
            time.sleep(3)
            begun = time.monotonic()
            for turn in range(NOTIFIED * BAD):
                time.sleep(max(0.0, begun + turn / rate - time.monotonic()))
                back = turn % BAD
                place = turn // BAD - back * OPEN
                sender.send(place if place >= 0 else NOTIFIED, rows=100 if back else 0)
            time.sleep(2)
    heard: dict[str, float] = {}
    for request in receiver.received:
        for item in json.loads(request.body)["data"].get("alerts", ()):
            heard.setdefault(item["name"], request.at)
    took = [heard[name] - at for name, at in sender.accepted.items() if name in heard]
    cost = quantiles(took, n=100)
    print(
        f"  event accepted to notification leaving, {rate} events a second: p50 {cost[49] * 1e3:.0f} ms, p99 "
        f"{cost[98] * 1e3:.0f} ms ({len(took)} of {NOTIFIED} told); a bare POST to the receiver takes "
        f"{bare * 1e3:.1f} ms (p50 is {cost[49] / bare:.0f} times that)"
    )


def counted(url: str) -> list[Row]:
    """Make rules by which each dataset must bring rows, and each is told of by itself, at once."""
    target = {"id": "hook", "kind": "webhook", "url": url, "secrets": ["env:BENCH_SECRET"]}
    expectation = {
        "id": "rows",
        "timezone": "UTC",
        "dataset": {"namespace": NAMESPACE},
        "metric": {"field": "outputStatistics.rowCount", "min": 1},
    }
    alerting = {
        "timezone": "UTC",
        "group_by": ["name"],
        "group_wait": "0s",
        "group_interval": "1s",
        "inhibit": {"lineage": {"resume_after": "1s"}},
        "routes": [{"name": "all", "to": ["hook"], "send_resolved": False}],
    }
    return [
        Row("target", "hook", target),
        Row("expectation", "rows", expectation),
        Row("alerting", "", alerting),
    ]


class Sender:
    """Sends events to a server, and notes when those without rows were accepted, by the name of the dataset."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self.accepted: dict[str, float] = {}
        self._sent = 0

    def send(self, place: int, rows: int) -> None:
        """Send an event of a run that writes so many rows."""
        self._sent += 1
        name = f"table_{place}"
        output = dataset(name, outputFacets={"outputStatistics": {"rowCount": rows}})
        event = run_event("COMPLETE", now_us(), f"job_{place}", f"run-{self._sent}", outputs=[output])
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/api/v1/lineage", json.dumps(event).encode(), headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.CREATED:
            raise RuntimeError(f"an event was answered with {answer.status}")
        if not rows:
            self.accepted[name] = time.monotonic()


def _bare_posts(port: int) -> float:
    """Give the seconds that a request to the receiver takes, on a connection of its own."""
    body = json.dumps({"data": {"alerts": [{"name": "bare"}]}}).encode()
    begun = time.perf_counter()
    for _ in range(NOTIFIED):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/", body)
        connection.getresponse().read()
        connection.close()
    return (time.perf_counter() - begun) / NOTIFIED


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dialects", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--only", nargs="+", default=["events", "timers", "latency"])
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for dialect in chosen.dialects:
        print(dialect)
        with databases(dialect) as places:
            if "events" in chosen.only:
                measure_events(places)
            if "timers" in chosen.only:
                measure_timers(places)
            if "latency" in chosen.only:
                for rate in RATES:
                    measure_latency(places, rate)


if __name__ == "__main__":
    main()
