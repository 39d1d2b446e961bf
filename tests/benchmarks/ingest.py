"""How fast events come in: ``python -m tests.benchmarks.ingest --database sqlite|postgresql``.

(a) A bare loop that inserts the same events in batches of 16 and of 64, each committed: what the database
can do with the bytes that were sent, and with the seventh of them that is left when they are packed.
(b) One event a POST over 1, 16 and 64 connections to the installed server, each answered when it is durable;
with the projector at work beside it, and without.
(d) The time from the answer until the projection shows an event, at half of the rate of (b) at 16
connections.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sqlite3
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from sqlalchemy.engine import make_url

from collector.ingest.intake import take
from collector.ingest.visible import is_visible
from collector.storage.engine import SQLITE_PRAGMAS, Database
from collector.storage.event_log import _POSTGRES_INSERT, _SQLITE_INSERT, NewEvent
from tests.benchmarks.load import Measured, Orders, finish, send, start
from tests.benchmarks.server import Databases, databases, running
from tests.benchmarks.stack import events

CONNECTIONS = (1, 16, 64)

WARM_UP = 2.0
"""Seconds of load before (d) counts: every job is new in the first of them."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ingest")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seconds", type=float, default=8, help="of each measurement of (b) and (d)")
    parser.add_argument("--rows", type=int, default=20_000, help="of each measurement of (a)")
    options = parser.parse_args()
    with databases(options.database) as places:
        limits = {batch: bare_loops(places, batch, options.rows) for batch in (16, 64)}
        rates: dict[int, float] = {}
        for projector in (False, True):
            for connections in CONNECTIONS:
                name = f"b_{connections}_{projector}".lower()
                with running(places.create(name), projector=projector) as port:
                    measured = send(Orders(port, connections, options.seconds, seed=connections))
                rates[connections] = measured.rate
                print(f"(b) {_line(connections, projector, measured)}{_ratio(connections, measured, limits)}")
        measure_lag(places, rates[16] / 2, options.seconds)


def _line(connections: int, projector: bool, measured: Measured) -> str:
    return (
        f"{connections} connections, projector {'on' if projector else 'off'}: {measured.rate:,.0f} events/s, "
        f"p50 {measured.p50:.1f} ms, p99 {measured.p99:.1f} ms, {measured.failed} failed, "
        f"generator {measured.cpu:.0%} of a processor"
    )


def _ratio(connections: int, measured: Measured, limits: dict[int, Limits]) -> str:
    return f"; {limits[connections].share(measured.rate)}" if connections in limits else ""


class Limits(NamedTuple):
    """What the database can do in batches of some size, in rows per second."""

    batch: int
    sent: float
    packed: float

    def share(self, rate: float) -> str:
        """Say what share of the limits a rate is."""
        return (
            f"{rate / self.sent:.2f} of (a) as sent, {rate / self.packed:.2f} packed, "
            f"in batches of {self.batch}"
        )


def bare_loops(places: Databases, batch: int, rows: int, name: str = "a") -> Limits:
    """Insert rows as fast as the driver can, with the bodies as sent and packed; print and give the rates."""
    taken = [(event, take(event, time.time_ns() // 1000).row) for event in events(rows)]
    limits = Limits(
        batch,
        _bare_loop(places.create(f"{name}_{batch}_sent"), batch, [row._replace(body=e) for e, row in taken]),
        _bare_loop(places.create(f"{name}_{batch}_packed"), batch, [row for _, row in taken]),
    )
    print(
        f"(a) bare loop, batches of {batch}: {limits.sent:,.0f} rows/s as sent, {limits.packed:,.0f} packed"
    )
    return limits


def _bare_loop(url: str, batch: int, rows: Sequence[NewEvent]) -> float:
    batches = [rows[i : i + batch] for i in range(0, len(rows), batch)]
    seconds = (_bare_sqlite if url.startswith("sqlite") else _bare_postgres)(url, batches)
    return len(rows) / seconds


def _bare_sqlite(url: str, batches: Sequence[Sequence[NewEvent]]) -> float:
    connection = sqlite3.connect(str(make_url(url).database), isolation_level=None)
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)
    started = time.perf_counter()
    for batch in batches:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_SQLITE_INSERT, batch)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def _bare_postgres(url: str, batches: Sequence[Sequence[NewEvent]]) -> float:
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False)) as connection:
        started = time.perf_counter()
        for batch in batches:
            columns = tuple(list(column) for column in zip(*batch, strict=True))
            connection.execute(_POSTGRES_INSERT, columns)
            connection.commit()
        return time.perf_counter() - started


def measure_lag(places: Databases, rate: float, seconds: float) -> None:
    """Send events at a rate, and meanwhile single ones whose way into the projection is watched."""
    url = places.create("d")
    lags: list[float] = []
    with running(url) as port:
        load = start(Orders(port, 16, WARM_UP + seconds, seed=1, rate=rate))
        database = Database(url)
        connection = http.client.HTTPConnection("127.0.0.1", port)
        warm = time.perf_counter() + WARM_UP
        deadline = warm + seconds
        for event in events(10_000, seed=2):
            if time.perf_counter() > deadline:
                break
            connection.request("POST", "/api/v1/lineage", event, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert json.loads(answer.read())["status"] == "accepted"
            answered = time.perf_counter()
            hash_ = take(event, 0).row.hash
            while not is_visible(database, [hash_]):
                time.sleep(0.005)  # asking more often would be a load of its own
            if answered > warm:
                lags.append((time.perf_counter() - answered) * 1000)
            time.sleep(0.02)
        measured = finish(load)
        database.close()
    cuts = statistics.quantiles(lags, n=100)
    print(
        f"(d) from the answer to visible at {measured.rate:,.0f} events/s: p50 {cuts[49]:.0f} ms, "
        f"p99 {cuts[98]:.0f} ms, {len(lags)} events watched"
    )


if __name__ == "__main__":
    main()
