"""A load generator: one process, raw sockets, requests made beforehand, so that it costs less than what it
measures.

``python -m tests.benchmarks.load`` reads its orders as JSON from standard input and writes what it measured,
also as JSON, to standard output; ``send`` does both for a benchmark. It runs in a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tests.benchmarks.stack import events


@dataclass(frozen=True, slots=True)
class Orders:
    """What to send. ``rate`` is in requests per second of all connections together; 0: as fast as answers
    come.
    """

    port: int
    connections: int
    seconds: float
    seed: int
    rate: float = 0
    expected: float = 8000
    """Events to make beforehand, for each second; the same ones come again, as duplicates, if they run
    out.
    """


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it. Latencies are in milliseconds."""

    requests: int
    failed: int
    seconds: float
    p50: float
    p99: float
    cpu: float
    """Share of one processor that the generator itself took."""

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def send(orders: Orders) -> Measured:
    """Run the generator and wait for it."""
    return finish(start(orders))


def start(orders: Orders) -> subprocess.Popen[str]:
    """Run the generator; it has begun to send when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(asdict(orders)) + "\n")
    process.stdin.close()
    assert process.stdout.readline() == "sending\n"
    return process


def finish(process: subprocess.Popen[str]) -> Measured:
    """Wait for a generator that was started."""
    assert process.stdout
    with process:
        return Measured(**json.loads(process.stdout.read()))


class _Connection(asyncio.Protocol):
    """Sends a request, takes the answer, sends the next."""

    def __init__(self, requests: Iterator[bytes], pause: float, deadline: float) -> None:
        self._requests = requests
        self._pause = pause
        self._deadline = deadline
        self._begun = 0.0
        self._due = 0.0
        self._answer = b""
        self._transport: asyncio.Transport
        self.latencies: list[float] = []
        self.failed = 0
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._due = time.perf_counter()
        self._next()

    def _next(self) -> None:
        self._begun = time.perf_counter()
        if self._begun >= self._deadline:
            self._transport.close()
            return
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head = self._answer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = self._answer.find(b"content-length: ")
        if len(self._answer) < head + 4 + int(self._answer[length + 16 : self._answer.index(b"\r", length)]):
            return
        now = time.perf_counter()
        self.latencies.append(now - self._begun)
        self.failed += not self._answer.startswith(b"HTTP/1.1 201")
        self._answer = b""
        if not self._pause:
            self._next()
            return
        self._due = max(self._due + self._pause, now - 1)
        if self._due <= now:
            self._next()
        else:
            asyncio.get_running_loop().call_later(self._due - now, self._next)

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed += exc is not None
        self.closed.set_result(None)


def request(port: int, event: bytes) -> bytes:
    """Write the request that the Python client would send."""
    head = (
        f"POST /api/v1/lineage HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: python-requests/2.34.2\r\n"
        "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(event)}\r\n\r\n"
    )
    return head.encode() + event


async def _run(orders: Orders) -> Measured:
    number = int(orders.seconds * (orders.rate or orders.expected))
    made = [request(orders.port, event) for event in events(number, seed=orders.seed)]
    sys.stdout.write("sending\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    cpu = time.process_time()
    requests = itertools.cycle(made)
    pause = orders.connections / orders.rate if orders.rate else 0.0
    deadline = begun + orders.seconds
    connections: list[_Connection] = []
    for _ in range(orders.connections):
        _, connection = await loop.create_connection(
            lambda: _Connection(requests, pause, deadline), "127.0.0.1", orders.port
        )
        connections.append(connection)
        if pause:
            await asyncio.sleep(pause / orders.connections)
    for connection in connections:
        await connection.closed
    seconds = time.perf_counter() - begun
    latencies = sorted(itertools.chain.from_iterable(each.latencies for each in connections))
    return Measured(
        requests=len(latencies),
        failed=sum(each.failed for each in connections),
        seconds=seconds,
        p50=latencies[len(latencies) // 2] * 1000,
        p99=latencies[len(latencies) * 99 // 100] * 1000,
        cpu=(time.process_time() - cpu) / seconds,
    )


def main() -> None:
    """Do as standard input says."""
    orders: Any = json.loads(sys.stdin.readline())
    sys.stdout.write(json.dumps(asdict(asyncio.run(_run(Orders(**orders))))))


if __name__ == "__main__":
    main()
