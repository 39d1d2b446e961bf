"""How fast events become a catalog: ``python -m tests.benchmarks.projection --database sqlite|postgresql``.

(a) The bare loop of ``tests.benchmarks.ingest``: what the database can do. (c) Events through the batch endpoint of
the installed server, and through ``tidegate ingest``, until all are projected. (e) Bytes on disk for each byte of
JSON. With ``--grow N`` also what (c) is after N events, against (a) measured beside it.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import text

from collector.storage import inbox
from collector.storage.engine import Database
from tests.benchmarks.ingest import Limits, bare_loops
from tests.benchmarks.server import Databases, databases, running
from tests.benchmarks.stack import events

POSTED = 200
"""Events in one request to the batch endpoint."""

SENDERS = 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.projection")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--events", type=int, default=40_000, help="of each measurement")
    parser.add_argument("--grow", type=int, default=0, help="events in the database for the last measurement")
    options = parser.parse_args()
    with databases(options.database) as places:
        limits = [bare_loops(places, batch, options.events) for batch in (16, 64)]
        sent = list(events(options.events))
        url = places.create("c_batch")
        empty = _size(url)
        print(f"(c) batch endpoint: {_line(_post(url, sent), limits)}")
        size = (_size(url) - empty) / sum(map(len, sent))
        print(
            f"(e) {size:.2f} bytes on disk for a byte of JSON, {sum(map(len, sent)) / len(sent):,.0f} bytes an event"
        )
        url = places.create("c_files")
        print(f"(c) tidegate ingest: {_line(_ingest(url, iter(sent)), limits)}")
        if options.grow:
            _grow(places, options.events, options.grow)


def _line(rate: float, limits: Sequence[Limits]) -> str:
    return f"{rate:,.0f} events/s; " + "; ".join(limit.share(rate) for limit in limits)


def _post(url: str, sent: Sequence[bytes]) -> float:
    """Send arrays over a few connections; give events per second until the last is projected."""
    bodies = [b"[" + b",".join(sent[at : at + POSTED]) + b"]" for at in range(0, len(sent), POSTED)]
    waiting, lock = iter(bodies), threading.Lock()

    def sender(port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while True:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            connection.request("POST", "/api/v1/lineage/batch", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            if b'"failed":0' not in answer.read().replace(b" ", b""):
                raise RuntimeError("events were refused")

    with running(url) as port:
        threads = [threading.Thread(target=sender, args=(port,)) for _ in range(SENDERS)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        database = Database(url)
        while _waiting(database):
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        database.close()
    return len(sent) / seconds


def _waiting(database: Database) -> int:
    with database.read() as conn:
        return inbox.size(conn)


def _ingest(url: str, sent: Iterator[bytes]) -> float:
    """Run ``tidegate ingest`` on a file of events; give events per second, the start of the program included."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl", dir="/var/tmp") as file:
        count = 0
        for event in sent:
            file.write(event + b"\n")
            count += 1
        file.flush()
        started = time.perf_counter()
        command = "from collector.cli import main; main()"
        subprocess.run(
            [sys.executable, "-c", command, "ingest", "--database", url, file.name],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return count / (time.perf_counter() - started)


def _size(url: str) -> int:
    """Give the bytes of a database on disk."""
    database = Database(url)
    try:
        if database.dialect == "sqlite":
            return sum(
                os.path.getsize(path)
                for path in Path(database.path).parent.glob(f"{Path(database.path).name}*")
            )
        with database.read() as conn:
            return int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    finally:
        database.close()


def _grow(places: Databases, events_each: int, full: int) -> None:
    """Measure ``tidegate ingest`` on a young and on a full database, each beside the bare loop."""
    url = places.create("grow")
    stream = events(full + 2 * events_each)
    done, shares = 0, []
    for number, size in enumerate((10_000, full)):
        started = time.perf_counter()
        while done < size:
            piece = min(100_000, size - done)
            _ingest(url, itertools.islice(stream, piece))
            done += piece
        if number:
            print(
                f"    {done:,} events stored in {time.perf_counter() - started:,.0f} s, {_size(url) / 1e6:,.0f} MB"
            )
        limit = bare_loops(places, 64, 20_000, f"limit_{number}").sent
        rate = _ingest(url, itertools.islice(stream, events_each))
        done += events_each
        shares.append(rate / limit)
        print(f"(c) tidegate ingest after {size:,} events: {rate:,.0f} events/s, {rate / limit:.2f} of (a)")
    print(f"(c) after {full:,} events is {shares[1] / shares[0]:.2f} of (c) after 10,000")


if __name__ == "__main__":
    main()
