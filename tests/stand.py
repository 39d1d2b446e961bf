"""A server without its server: a real database, projector and engine, and a clock that tests move on."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import select

from collector.api.rule_documents import read_rules
from collector.engine.runner import Engine
from collector.ingest.projector import Projector
from collector.outbound.senders import EXPECTED
from collector.storage import rules, trigger_requests
from collector.storage.engine import Database
from collector.storage.tables import alert, dataset, evaluation, expectation_state, notification, outbox
from collector.storage.trigger_requests import Kind
from lineage.instants import parse_instant
from tests.dump import feed
from tests.events import MINUTE, Json, run_event
from triggers.messages import Message

DAY = 1440 * MINUTE

ROUNDS = 200
"""Rounds in which an engine must come to rest."""


def instant(text: str) -> int:
    """Read ``2026-11-22T07:00Z`` (µs UTC)."""
    return parse_instant(text)[0]


class Stand:
    """``now`` is the time (µs UTC) that the engine sees; ``settle`` and ``lag`` are in µs, as it has them."""

    def __init__(self, database: Database, now: str, *, settle: int = 0, lag: int = 5 * MINUTE) -> None:
        self.database = database
        self.now = instant(now)
        self.projector = Projector(database, holder="projector")
        self._settle, self._lag = settle, lag
        self.engine = self.another("engine")
        assert self.engine.take()

    def another(self, holder: str) -> Engine:
        """Make one more engine of the same database."""
        return Engine(
            self.database,
            holder=holder,
            settle=self._settle,
            lag=self._lag,
            keep=30 * DAY,
            clock=lambda: self.now,
            expected=EXPECTED,
        )

    def restart(self) -> None:
        """End the engine as a crash does, and make another one."""
        self.engine = self.another("engine")
        assert self.engine.take()

    def apply(self, document: str) -> None:
        """Put rules in place of those there are, and let the engine follow."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "rules.yaml")
            file.write_text(document)
            rows = read_rules([file])
        with self.database.write() as conn:
            rules.replace(conn, rows, self.now)
        self.rest()

    def take_in(self, bodies: Iterable[object], *, project: bool = True) -> None:
        """Receive events now; without ``project`` they wait."""
        feed(self.database, bodies, self.now)
        if project:
            self.projector.drain()

    def run(
        self,
        job: str,
        outputs: Iterable[object] = (),
        inputs: Iterable[object] = (),
        *,
        state: str = "COMPLETE",
        at: int | None = None,
        facets: object = None,
    ) -> None:
        """Receive a START and an end of a run that ended now, or ``at`` (µs UTC)."""
        end = self.now if at is None else at
        self.take_in(run_of(job, outputs, inputs, end, state=state, facets=facets))

    def ask(self, trigger: str, kind: str, key: str | None = None, nonce: str = "once") -> None:
        """Ask something of a trigger, as anna, and let the engine do it."""
        with self.database.write() as conn:
            trigger_requests.put(conn, trigger, Kind(kind), key, nonce, "anna", "to see", self.now)
        self.rest()

    def at(self, time: str) -> None:
        """Let it become that time, and the engine do what there is to do."""
        self.until(instant(time))

    def until(self, now: int) -> None:
        self.now = now
        self.rest()

    def rest(self) -> None:
        """Let the engine work until there is nothing more to do."""
        self.engine.beat()
        for _ in range(ROUNDS):
            if self.engine.step():
                continue
            if not self.engine.owes:
                return
            time.sleep(0.02)
        raise AssertionError("the engine does not come to rest")

    def states(self) -> dict[str, str]:
        """Give the state of each dataset that something is expected of; of several expectations, with their ids."""
        wanted = select(expectation_state.c.expectation_id, dataset.c.name, expectation_state.c.state)
        joined = wanted.join_from(
            expectation_state, dataset, dataset.c.id == expectation_state.c.dataset_id, isouter=True
        )
        with self.database.read() as conn:
            rows = conn.execute(joined).all()
        names = [row.name for row in rows]
        return {
            row.name if names.count(row.name) == 1 else f"{row.expectation_id}:{row.name}": row.state
            for row in rows
        }

    def history(self) -> list[tuple[str, str]]:
        """Give the decisions about all datasets: reason codes and states, in order."""
        with self.database.read() as conn:
            rows = conn.execute(select(evaluation.c.state, evaluation.c.reason).order_by(evaluation.c.id))
            return [(row.state, json.loads(row.reason)["code"]) for row in rows]

    def messages(self) -> list[Message]:
        """Give what was told, in order."""
        with self.database.read() as conn:
            rows = conn.execute(
                select(notification.c.body).order_by(notification.c.at, notification.c.receiver)
            )
            return [Message.read(json.loads(row.body)) for row in rows]

    def queued(self) -> list[tuple[str, str]]:
        """Give receivers and keys of what is to be sent."""
        with self.database.read() as conn:
            return [(row.target_id, row.key) for row in conn.execute(select(outbox).order_by(outbox.c.id))]

    def open_alerts(self) -> dict[str, str | None]:
        """Give the names of what is wrong now, each with the fingerprint of what explains it."""
        with self.database.read() as conn:
            rows = conn.execute(select(alert).where(alert.c.ends_at.is_(None)).order_by(alert.c.name))
            return {row.name: row.cause for row in rows}


def run_of(
    job: str,
    outputs: Iterable[object],
    inputs: Iterable[object],
    end: int,
    *,
    state: str = "COMPLETE",
    facets: object = None,
) -> list[Json]:
    """Give the events of a run of a minute: its START, and its end."""
    read, written = list(inputs), list(outputs)
    run_id = str(uuid5(NAMESPACE_OID, f"{job}{end}"))
    start = run_event("START", end - MINUTE, job, run_id, read, written)
    return [start, run_event(state, end, job, run_id, read, written, run_facets=facets)]
