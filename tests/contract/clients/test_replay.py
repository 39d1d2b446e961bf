"""What real tools sent goes in again over HTTP as they sent it, and comes out of the read API."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.acceptance.connection import Connection
from tests.acceptance.log import check_projection, count
from tests.acceptance.server import running

FIXTURES = Path(__file__).parents[3] / "fixtures" / "events"

OURS = {"host", "content-length", "authorization", "connection"}
"""Headers that belong to the place of the recording."""

MART = "dataset:postgres://127.0.0.1:15432:shop.analytics_marts.fct_orders"


class Request(NamedTuple):
    """A captured request as it can be sent again."""

    tool: str
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def events(self) -> list[Any]:
        return self.body if isinstance(self.body, list) else [self.body]


def captured() -> Iterator[Request]:
    """Read all captured requests."""
    for file in sorted(FIXTURES.rglob("*.jsonl")):
        for line in file.read_text().splitlines():
            capture = json.loads(line)
            headers = {name: value for name, value in capture["headers"].items() if name.lower() not in OURS}
            # Some were recorded under a prefix, or without a path.
            _, found, tail = capture["path"].partition("/api/v1/lineage")
            path = f"{found}{tail}" or "/api/v1/lineage"
            yield Request(file.parent.name, path, headers, capture["body"])


def send(connection: Connection, request: Request) -> None:
    """Send a request and check the answer, as an emitter does by its status alone."""
    body = json.dumps(request.body).encode()
    headers = request.headers
    if any(name.lower() == "content-encoding" for name in headers):
        assert headers["Content-Encoding"] == "gzip"
        body = gzip.compress(body)
    reply = connection.send("POST", request.path, body, headers or {"Content-Type": "application/json"})
    assert reply.headers["content-type"] == "application/json"
    if isinstance(request.body, list):
        assert reply.status == 200, reply
        number = len(request.body)
        summary = {"received": number, "successful": number, "failed": 0, "retriable": 0, "non_retriable": 0}
        assert reply.json == {"status": "success", "summary": summary, "failed_events": []}
    else:
        assert reply.status == 201, reply
        assert reply.json["status"] == "accepted"


def test_what_tools_sent_comes_out(database_url: str) -> None:
    requests = list(captured())
    assert {request.path for request in requests} == {"/api/v1/lineage", "/api/v1/lineage/events"}
    with running(database_url) as server, Connection(server.port) as connection:
        for request in requests:
            send(connection, request)
        stored = count(database_url, "event")
        for request in requests[::7]:
            send(connection, request)
        assert count(database_url, "event") == stored
        server.await_projected()
        check_names(connection, requests)
        lineage = connection.look("/lineage", node=MART, direction="upstream", level="dataset", depth=10)
        sources = {node["name"] for node in lineage["nodes"]}
        assert {"shop.analytics_staging.stg_orders", "shop.raw.orders"} <= sources
    assert count(database_url, "rejected") == {"rejected": 0}
    check_projection(database_url)


def check_names(connection: Connection, requests: list[Request]) -> None:
    """See to it that every job, run and dataset that an event names is shown."""
    events = [event for request in requests for event in request.events]
    jobs = {(event["job"]["namespace"], event["job"]["name"]) for event in events if "job" in event}
    shown = {(job["namespace"], job["name"]) for job in connection.every("/jobs")}
    assert jobs - shown == set()
    runs = {event["run"]["runId"] for event in events if "run" in event}
    assert runs - {run["run_id"] for run in connection.every("/runs")} == set()
    datasets = {
        (item["namespace"], item["name"])
        for event in events
        for item in [
            *(event.get("inputs") or []), *(event.get("outputs") or []),
            *([event["dataset"]] if "dataset" in event else []),
        ]
    }  # fmt: skip
    shown = {(dataset["namespace"], dataset["name"]) for dataset in connection.every("/datasets")}
    assert datasets - shown == set()
    assert len(jobs) > 50
    assert len(runs) > 100
    assert len(datasets) > 50


def test_arrays_of_wrappers_are_taken_whole(shared_server: object, connection: Connection) -> None:
    arrays = [request for request in captured() if request.tool == "correlator-dbt"]
    assert len(arrays) == 2
    for request in arrays:
        assert request.path == "/api/v1/lineage/events"
        send(connection, request)
