"""Writing to the log from inside a request, and waiting until the read API shows what was written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, cast

import msgspec
from flask import current_app

from collector.api.services import Services
from collector.auth import INGEST, Principal
from collector.errors import Forbidden, Unavailable
from collector.ingest.intake import take
from collector.ingest.log import Item, LogWriter, Outcome, Work
from collector.ingest.visible import POLL_SECONDS, is_visible
from collector.storage.engine import Database
from collector.times import now_us

RECORDER = "tidegate-recorder"

Json = Mapping[str, Any]


class Recorder:
    """Records events that the server itself makes of a request."""

    def __init__(self, services: Services, log: LogWriter) -> None:
        self._services = services
        self._log = log

    def record(self, events: Iterable[Json], principal: Principal) -> None:
        """Write events and wait until they are projected; raises as ``write`` does.

        Raises ``Unavailable`` if that takes longer than ``ack_timeout``: the events are in the log nevertheless.
        """
        hashes = self.write(events, principal)
        if not await_projected(self._services.database, self._services.settings.ack_timeout, hashes):
            raise Unavailable("It is written, but not visible yet: the projector is behind, or does not run.")

    def write(self, events: Iterable[Json], principal: Principal) -> list[bytes]:
        """Write events to the log and give their hashes; each needs the scope ``ingest`` and its namespace."""
        principal.require(INGEST)
        taken = [take(msgspec.json.encode(event), now_us()) for event in events]
        for each in taken:
            if not principal.sees(each.inspected.namespace):
                raise Forbidden(f"This API key does not write to the namespace {each.inspected.namespace!r}.")
        rows: list[Item] = [each.row for each in taken]
        outcome = submit(self._log, lambda: rows, sum(each.row.size for each in taken))
        if outcome.error:
            raise outcome.error
        return [each.row.hash for each in taken]


def recorder() -> Recorder:
    """Give the recorder of the application that handles this request."""
    return cast(Recorder, current_app.extensions[RECORDER])


def submit(log: LogWriter, work: Work, size: int) -> Outcome:
    """Hand a request to the writer of the log and wait for the commit; see ``LogWriter.submit``."""
    written = threading.Event()
    outcomes: list[Outcome] = []
    log.submit(work, size, partial(_settle, outcomes, written))
    written.wait()
    return outcomes[0]


def await_projected(database: Database, seconds: float, hashes: list[bytes]) -> bool:
    """Wait until the read API shows the events with these hashes; False if that takes longer."""
    deadline = time.monotonic() + seconds
    while not is_visible(database, hashes):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _settle(outcomes: list[Outcome], written: threading.Event, outcome: Outcome) -> None:
    outcomes.append(outcome)
    written.set()
