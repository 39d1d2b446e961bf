"""A server under requests that no sane client sends: ``python -m tests.acceptance.fuzz --events 100000``.

Whatever comes, it answers with less than 500, goes on, and shows what it has taken.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import click

from collector.storage.migrate import upgrade
from tests.acceptance.connection import Connection
from tests.acceptance.mutations import Mutator, Request
from tests.acceptance.server import Server, running

BATCH_SIZE = 50
SINGLES = 0.3
"""Share of the events that are sent alone."""

LISTINGS = (
    "/namespaces", "/jobs", "/datasets", "/runs", "/events", "/rejected", "/parked",
)  # fmt: skip

DETAILS = 200
"""Jobs, datasets and runs that are looked at one by one."""

LONGEST_NAME = 2_000
"""Names longer than this do not fit into the address of a page, three bytes to a character."""


@dataclass
class Fuzz:
    """Sends mutated events from several threads."""

    port: int
    seed: int
    events: int
    seconds: float = 600.0
    senders: int = 16
    sent: int = 0
    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, Request]] = field(default_factory=list)
    """Requests that were answered wrongly or not at all."""

    def run(self) -> None:
        """Send until all is sent, the time is over, or the server has failed a dozen times."""
        self._until = time.monotonic() + self.seconds
        self._lock = threading.Lock()
        with ThreadPoolExecutor(self.senders) as pool:
            for _ in pool.map(self._send, range(self.senders)):
                pass

    def _send(self, number: int) -> None:
        mutator = Mutator(f"{self.seed}:{number}")
        rng = random.Random(f"{self.seed}:{number}:sizes")
        single_share = SINGLES / (SINGLES + (1 - SINGLES) / BATCH_SIZE)
        with Connection(self.port, timeout=60) as connection:
            while self.sent < self.events and time.monotonic() < self._until and len(self.failures) < 12:
                request = mutator.single() if rng.random() < single_share else mutator.batch(BATCH_SIZE)
                outcome, wrong = self._outcome(connection, request)
                with self._lock:
                    self.sent += request.events
                    self.requests += 1
                    self.statuses[outcome] += 1
                    if wrong:
                        self.failures.append((outcome, request))

    @staticmethod
    def _outcome(connection: Connection, request: Request) -> tuple[str, bool]:
        try:
            reply = connection.send("POST", request.path, request.body, request.headers)
        except (OSError, HTTPException) as error:
            return repr(error), True
        answered = reply.status in (200, 201) or reply.headers["content-type"] == "application/problem+json"
        return str(reply.status), reply.status >= 500 or not answered


def look_around(server: Server, seed: int) -> dict[str, int]:
    """Ask for everything that was taken; give the number of items of each listing."""
    rng = random.Random(seed)
    with Connection(server.port, timeout=60) as connection:
        found = {path: [_name(item) for item in connection.each(path)] for path in LISTINGS}
        for kind in ("job", "dataset"):
            for namespace, name in _some(rng, found[f"/{kind}s"]):
                connection.look(f"/{kind}", namespace=namespace, name=name)
                node = f"{kind}:{namespace}:{name}"
                connection.look("/search", q=name[:200] or "a")
                assert connection.ask("/lineage", node=node, direction="both").status in (200, 404), node
        for run_id, namespace, name in _some(rng, found["/runs"]):
            connection.look("/run", run_id=run_id, job_namespace=namespace, job_name=name)
        for (event,) in _some(rng, found["/events"]):
            connection.look("/event", id=event)
    return {path: len(items) for path, items in found.items()}


def _name(item: Any) -> tuple[str, ...]:
    """Give what an item is asked for by: all else of a hundred thousand events would not fit into memory."""
    if isinstance(item, str):
        return (item,)
    if "job" in item and "kind" not in item:  # a run; an event names its job, too
        return (item["run_id"], item["job"]["namespace"], item["job"]["name"])
    return (item["namespace"], item["name"]) if "name" in item else (str(item.get("id", "")),)


def _some(rng: random.Random, names: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    short = [name for name in names if sum(map(len, name)) < LONGEST_NAME]
    return rng.sample(short, min(DETAILS, len(short)))


@click.command()
@click.option("--events", default=100_000, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--seconds", default=600.0, show_default=True, help="Longest time to send.")
@click.option("--database", help="A migrated, empty database; else a SQLite file that is deleted again.")
def main(events: int, seed: int, seconds: float, database: str | None) -> None:
    """Send mutated events to a server started for it and report what it did."""
    with tempfile.TemporaryDirectory() as folder:
        url = database or f"sqlite:///{Path(folder) / 'fuzz.db'}"
        if not database:
            upgrade(url)
        with running(url) as server:
            started = time.monotonic()
            fuzz = Fuzz(server.port, seed, events, seconds)
            fuzz.run()
            taken = time.monotonic() - started
            click.echo(
                f"{fuzz.sent} events in {fuzz.requests} requests in {taken:.0f} s: {dict(fuzz.statuses)}"
            )
            for number, (outcome, request) in enumerate(fuzz.failures):
                kept = Path(tempfile.gettempdir()) / f"fuzz-failure-{seed}-{number}"
                kept.write_bytes(request.body)
                click.echo(f"{outcome}: {request.path} {request.headers}, body in {kept}")
            server.await_projected(600)
            shown = look_around(server, seed)
            click.echo(f"shown: {shown}")
    sys.exit(1 if fuzz.failures or shown["/parked"] else 0)


if __name__ == "__main__":
    main()
