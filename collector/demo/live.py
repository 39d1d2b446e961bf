"""The shop while somebody watches: its tools post their events as they come, and start what firings ask for."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

import httpx2
import structlog
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.transport.http import HttpConfig, HttpTransport

from collector.demo.emitters import airflow, dbt, events_of
from collector.demo.events import events
from collector.demo.model import MINUTE, SECOND
from collector.demo.occasions import Occasion, Sent
from collector.demo.stack import STARTED
from collector.demo.story import Story
from collector.times import now_us

BY_CLIENT: Final = frozenset({airflow.PRODUCER, dbt.PRODUCER})
"""Producers whose events go through OpenLineage's Python client, as they do in life."""

AHEAD: Final = MINUTE
"""For so long ahead it is known what comes (µs)."""

TIMEOUT_SECONDS: Final = 10.0

RETRY_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class Shop:
    """Sends what comes from ``since`` (µs UTC) on to the collector at ``url``, until it is told to stop.

    ``begun`` and ``live`` are as ``events`` has them.
    """

    def __init__(self, url: str, story: Story, since: int, *, begun: int | None, live: int) -> None:
        self._story = story
        self._known, self._begun, self._live = since, begun, live
        self._lock = threading.Lock()
        self._numbers = count()
        self._waiting: list[tuple[int, int, dict[str, Any]]] = []
        self._client = HttpTransport(HttpConfig(url=url, timeout=TIMEOUT_SECONDS))
        self._http = httpx2.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def run(self, stop: threading.Event) -> None:
        """Post event after event, each when its time has come."""
        while not stop.is_set():
            now = now_us()
            if self._known < now + AHEAD // 2:
                upto = now + AHEAD
                self._expect(events(self._story, self._known, upto, begun=self._begun, live=self._live))
                self._known = upto
            for body in self._due(now):
                while not self._post(body) and not stop.wait(RETRY_SECONDS):
                    pass
            stop.wait(self._pause() / SECOND)
        self._http.close()
        self._client.close()

    def start(self, event: dict[str, Any]) -> dict[str, str]:
        """Start what a firing asks for; called from the receiver."""
        flow = STARTED[event["data"]["body"]["flow"]]
        self._expect(events_of(Occasion(self._story, flow, now_us() + 4 * SECOND)))
        return {}

    def _expect(self, sent: Iterable[Sent]) -> None:
        with self._lock:
            for at, body in sent:
                heappush(self._waiting, (at, next(self._numbers), body))

    def _due(self, now: int) -> list[dict[str, Any]]:
        with self._lock:
            found = []
            while self._waiting and self._waiting[0][0] <= now:
                found.append(heappop(self._waiting)[2])
            return found

    def _pause(self) -> int:
        with self._lock:
            wait = self._waiting[0][0] - now_us() if self._waiting else SECOND
        return min(max(wait, 0), SECOND)

    def _post(self, body: dict[str, Any]) -> bool:
        """Post an event; tell whether it need not be tried again."""
        try:
            if body["producer"] in BY_CLIENT:
                self._client.emit(_of_client(body))
                return True
            # As openlineage-java and others do.
            content = gzip.compress(json.dumps(body).encode())
            headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
            answer = self._http.post("/api/v1/lineage", content=content, headers=headers)
        except Exception as error:  # noqa: BLE001  # whatever a client raises while the server is away
            log.warning("event not sent", error=str(error))
            return False
        return answer.status_code < 500


def _of_client(body: dict[str, Any]) -> RunEvent:
    """Give an event as the Python client has it; facets stay as they are."""
    run, job = body["run"], body["job"]
    return RunEvent(
        eventType=RunState[body["eventType"]],
        eventTime=body["eventTime"],
        run=Run(run["runId"], run["facets"]),
        job=Job(job["namespace"], job["name"], job["facets"]),
        inputs=[
            InputDataset(
                each["namespace"],
                each["name"],
                facets=each["facets"],
                inputFacets=each.get("inputFacets", {}),
            )
            for each in body["inputs"]
        ],
        outputs=[
            OutputDataset(
                each["namespace"],
                each["name"],
                facets=each["facets"],
                outputFacets=each.get("outputFacets", {}),
            )
            for each in body["outputs"]
        ],
        producer=body["producer"],
    )
