"""Tidegate beside a tool: a rule that starts something there, the events that it waits for, and what came of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.acceptance.connection import BATCH, Connection
from tests.acceptance.hook import await_that
from tests.acceptance.server import Server, tidegate
from tests.acceptance.watching import write
from tests.events import NAMESPACE, PRODUCER, dataset, run_event

TRIGGER = "publish"
INPUTS = {"orders": 3, "payments": 4}
"""What the trigger waits for, of the same day, and how many rows of it come."""

SETTINGS = {"outbound_allow": "127.0.0.1", "settle": 0}

AWHILE_SECONDS = 120.0
"""Longer than a tool takes for a run, on a machine that does much else."""

_days = (date(2026, 1, 1) + timedelta(days=number) for number in itertools.count())


class Stand:
    """A server that follows one rule."""

    def __init__(self, server: Server, database_url: str, connection: Connection) -> None:
        self.server = server
        self.database_url = database_url
        self.connection = connection
        self.day = next(_days).isoformat()
        """The tool outlives the test, and would know a day again."""

    def arrive(self, *inputs: str) -> None:
        """Let each of some inputs, or of all, be written for the day, and told twice, as tools do."""
        for name in inputs or INPUTS:
            events = [self._written(name, state) for state in ("START", "COMPLETE")]
            reply = self.connection.post([*events, *events], BATCH)
            assert reply.status == 200, reply

    def _written(self, name: str, state: str) -> dict[str, Any]:
        facets = {
            "nominalTime": {
                "_producer": PRODUCER,
                "_schemaURL": f"{PRODUCER}/nominal.json",
                "nominalStartTime": f"{self.day}T00:00:00Z",
            }
        }
        rows = {"_producer": PRODUCER, "_schemaURL": f"{PRODUCER}/statistics.json", "rowCount": INPUTS[name]}
        output = dataset(name, outputFacets={"outputStatistics": rows})
        run = f"01980000-0000-7000-8000-{self.day.replace('-', '')}{INPUTS[name]:04}"
        return run_event(state, job=f"load_{name}", run=run, outputs=[output], run_facets=facets)

    def start_again(self) -> None:
        """Start the server after it was killed."""
        self.connection.close()
        self.server.start()

    def firings(self) -> list[Any]:
        """Give all that has been fired."""
        return self.connection.every("/firings")

    def await_firing(self, state: str) -> Any:
        """Wait until the one firing has come so far, and give all about it."""
        (found,) = await_that(
            lambda: [each for each in self.firings() if each["state"] == state],
            AWHILE_SECONDS,
            lambda: (self.firings(), self.server.output),
        )
        assert len(self.firings()) == 1
        return self.connection.look(f"/firings/{found['id']}")

    def shows(self, *arguments: str) -> str:
        """Give what a command prints of the server's database."""
        done = tidegate(*arguments, "-d", self.database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def stand(
    database_url: str, port: int, folder: Path, targets: dict[str, Any], *actions: dict[str, Any]
) -> Iterator[Stand]:
    """Run a server at ``port`` that does ``actions`` when all inputs of a day are there."""
    rules = folder / "rules"
    rules.mkdir()
    trigger = {
        "id": TRIGGER,
        "when": {"all": [{"id": name, "dataset": {"namespace": NAMESPACE, "name": name}} for name in INPUTS]},
        "join": {"mode": "partition", "key": {"from": ["nominal_time"], "grain": "day"}, "expire": "1d"},
        "do": list(actions),
    }
    write(rules, "shop.yaml", {"version": 1, "targets": targets, "triggers": [trigger]})
    server = Server(database_url, port=port, rules=rules, **SETTINGS)
    try:
        server.start()
        with Connection(port) as connection:
            yield Stand(server, database_url, connection)
        server.stop()
        assert "Traceback" not in server.output, server.output
    finally:
        server.close()
