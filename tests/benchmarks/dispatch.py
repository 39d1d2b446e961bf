"""How fast things go out: ``python -m tests.benchmarks.dispatch [--dialects sqlite postgresql] [--number 3000]``.

- rate: actions a second from the outbox to one webhook receiver, until it is written down that they arrived; the
  baseline is a bare loop that posts as much over one connection to the same receiver.
- latency: from the commit that puts one action into the outbox to its arrival, when nothing else goes on; the baseline
  is one bare POST.

The receiver is a process of its own, which does nothing but answer. What others do on the machine meanwhile shows in
all numbers, so the ratio is what to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import logging
import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median, quantiles

import structlog
from sqlalchemy import func, select

from collector.outbound.dispatcher import Dispatcher
from collector.settings import Settings
from collector.storage import outbox, rules, tables
from collector.storage.engine import Database
from collector.storage.outbox import Kind, Queued, State
from collector.times import now_us
from tests.benchmarks.server import databases
from tests.exchanges import firing
from triggers.documents import Row

LOOPBACK = "127.0.0.1"
BODY = dict(firing({"body": {"go": True}}).body)
SETTINGS = Settings(outbound_allow="127.0.0.0/8")
SINGLE = 100
"""Actions that are put one by one."""

PAUSE = 0.03
"""Seconds between them."""


class _Answering(asyncio.Protocol):
    """Answers 204 to everything, and tells when it came."""

    def __init__(self, seen: Connection) -> None:
        self._seen = seen
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            _, _, rest = head.partition(b"content-length:")
            whole = end + 4 + int(rest.partition(b"\r\n")[0])
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._seen.send(time.monotonic())
            self._transport.write(b"HTTP/1.1 204 -\r\nContent-Length: 0\r\n\r\n")
            if b"connection: close" in head:
                self._transport.close()


async def _serve(port: Connection, seen: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answering(seen), LOOPBACK, 0, backlog=1024)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(port: Connection, seen: Connection) -> None:
    asyncio.run(_serve(port, seen))


class Receiver:
    """A receiver in a process of its own."""

    def __init__(self, port: int, seen: Connection) -> None:
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}/hook"
        self._seen = seen

    def arrivals(self, number: int) -> list[float]:
        """Wait until so many things have come; give when, by the monotonic clock."""
        return [self._seen.recv() for _ in range(number)]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver."""
    context = multiprocessing.get_context("spawn")
    port, port_end = context.Pipe(duplex=False)
    seen, seen_end = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(port_end, seen_end), daemon=True)
    process.start()
    try:
        yield Receiver(port.recv(), seen)
    finally:
        process.kill()
        process.join()


def bare(receiver: Receiver, number: int, pause: float = 0.0) -> list[float]:
    """Post so often over one connection; give the seconds that each took."""
    connection = http.client.HTTPConnection(LOOPBACK, receiver.port)
    content = b"x" * 1000
    took = []
    for _ in range(number):
        time.sleep(pause)
        began = time.perf_counter()
        connection.request("POST", "/hook", content, {"content-type": "application/json"})
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()
    receiver.arrivals(number)
    return took


@contextmanager
def dispatching(database: Database, receiver: Receiver) -> Iterator[None]:
    """Run a dispatcher for a target of that receiver."""
    with database.write() as conn:
        target = {"id": "hook", "kind": "webhook", "url": receiver.url}
        rules.replace(conn, [Row("target", "hook", target)], now_us())
    dispatcher = Dispatcher(database, "bench", SETTINGS)
    stop = threading.Event()
    thread = threading.Thread(target=dispatcher.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        dispatcher.close()


def put(database: Database, keys: list[str]) -> None:
    with database.write() as conn:
        outbox.put_all(conn, [Queued("hook", Kind.ACTION, key, BODY) for key in keys], now_us())
        database.notify(conn)


def delivered(database: Database) -> int:
    with database.read() as conn:
        statement = select(func.count()).where(tables.outbox.c.state == State.DELIVERED)
        return int(conn.execute(statement).scalar_one())


def rate(database: Database, receiver: Receiver, number: int) -> tuple[float, float]:
    """Give how many went out a second, and the CPU seconds of one."""
    began, cpu = time.perf_counter(), time.process_time()
    put(database, [f"k{place}" for place in range(number)])
    receiver.arrivals(number)
    while delivered(database) < number:
        time.sleep(0.005)
    return number / (time.perf_counter() - began), (time.process_time() - cpu) / number


def latencies(database: Database, receiver: Receiver) -> list[float]:
    """Give the seconds from commit to arrival, one by one."""
    took = []
    for place in range(SINGLE):
        time.sleep(PAUSE)
        put(database, [f"single{place}"])
        committed = time.monotonic()
        took.append(receiver.arrivals(1)[0] - committed)
    return took


def main() -> None:
    """Print a line for each database and question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialects", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--number", type=int, default=3000, help="actions that go out at once")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for dialect in given.dialects:
        with databases(dialect) as made, receiving() as receiver:
            database = Database(made.create("dispatch"))
            baseline = given.number / sum(bare(receiver, given.number))
            with dispatching(database, receiver):
                found, cpu = rate(database, receiver, given.number)
                print(
                    f"{dialect} rate: {found:.0f}/s, bare {baseline:.0f}/s, ratio {found / baseline:.2f}, "
                    f"{cpu * 1e3:.2f} ms CPU each",
                    flush=True,
                )
                single = latencies(database, receiver)
            alone = median(bare(receiver, SINGLE, PAUSE))
            print(
                f"{dialect} latency: p50 {median(single) * 1e3:.1f} ms, "
                f"p95 {quantiles(single, n=20)[-1] * 1e3:.1f} ms, "
                f"bare POST {alone * 1e3:.1f} ms, ratio {median(single) / alone:.1f}",
                flush=True,
            )
            database.close()


if __name__ == "__main__":
    main()
