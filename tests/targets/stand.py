"""Tidegate beside a tool: a rule that starts something there, the events that it waits for, and what came of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
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

MADE = {name: (NAMESPACE, name) for name in INPUTS}
"""The datasets of these."""

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
        rows = {"_producer": PRODUCER, "_schemaURL": f"{PRODUCER}/statistics.json", "rowCount": INPUTS[name]}
        output = dataset(name, outputFacets={"outputStatistics": rows})
        run = f"01980000-0000-7000-8000-{self.day.replace('-', '')}{INPUTS[name]:04}"
        return run_event(state, job=f"load_{name}", run=run, outputs=[output], run_facets=nominal(self.day))

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

    def await_handle(self, firing: Any) -> Any:
        """Wait for what the tool answered to the one action of a firing: a run may end before that is known."""

        def handle() -> Any:
            (action,) = self.connection.look(f"/firings/{firing['id']}")["actions"]
            return action["handle"]

        return await_that(handle, AWHILE_SECONDS, lambda: self.server.output)

    def shows(self, *arguments: str) -> str:
        """Give what a command prints of the server's database."""
        done = tidegate(*arguments, "-d", self.database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout


def nominal(day: str) -> dict[str, Any]:
    """Give the facet by which a run says what day it is about."""
    facet = {
        "_producer": PRODUCER,
        "_schemaURL": f"{PRODUCER}/nominal.json",
        "nominalStartTime": f"{day}T00:00:00Z",
    }
    return {"nominalTime": facet}


@contextmanager
def stand(
    database_url: str,
    port: int,
    folder: Path,
    targets: dict[str, Any],
    *actions: dict[str, Any],
    inputs: Mapping[str, tuple[str, str]] = MADE,
) -> Iterator[Stand]:
    """Run a server at ``port`` that does ``actions`` when all ``inputs`` of a day, datasets by id, are there."""
    rules = folder / "rules"
    rules.mkdir()
    datasets = {id_: {"namespace": namespace, "name": name} for id_, (namespace, name) in inputs.items()}
    trigger = {
        "id": TRIGGER,
        "when": {"all": [{"id": id_, "dataset": dataset} for id_, dataset in datasets.items()]},
        "join": {"mode": "partition", "key": {"from": ["nominal_time"], "grain": "day"}, "expire": "1d"},
        "do": list(actions),
    }
    write(rules, "shop.yaml", {"version": 1, "targets": targets, "triggers": [trigger]})
    server = Server(database_url, port=port, rules=rules, **SETTINGS)
    try:
        server.start()
        with Connection(port) as connection:
            await_that(lambda: connection.every("/triggers"), otherwise=lambda: server.output)
            yield Stand(server, database_url, connection)
        server.stop()
        assert "Traceback" not in server.output, server.output
    finally:
        server.close()
