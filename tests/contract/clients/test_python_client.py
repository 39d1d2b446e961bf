"""The official Python client, with the transports and settings that its users choose."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

from tests.acceptance.connection import Connection
from tests.acceptance.log import count
from tests.acceptance.server import Server, running, tidegate
from tests.contract.clients.flaky import flaky

STARTED = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATA = "postgres://db.example.org:5432"


@contextmanager
def client(kind: str, port: int, **settings: Any) -> Iterator[OpenLineageClient]:
    """Make a client as from its configuration file; all has been sent, or given up, at the end of the block."""
    transport = {"type": kind, "url": f"http://127.0.0.1:{port}", **settings}
    with using(transport) as client:
        yield client


@contextmanager
def using(transport: dict[str, Any]) -> Iterator[OpenLineageClient]:
    client = OpenLineageClient(config={"transport": transport})
    yield client
    assert client.close(timeout=30)


def events(namespace: str, runs: int = 1) -> list[RunEvent]:
    """Make a START and a COMPLETE for each run of one job."""
    job = Job(namespace=namespace, name="load")
    inputs = [InputDataset(namespace=DATA, name=f"{namespace}.raw")]
    outputs = [OutputDataset(namespace=DATA, name=f"{namespace}.mart")]
    made = []
    for number in range(runs):
        run = Run(runId=str(uuid.uuid4()))
        at = STARTED + timedelta(minutes=number)
        for state, seconds in ((RunState.START, 0), (RunState.COMPLETE, 30)):
            time = (at + timedelta(seconds=seconds)).isoformat()
            event = RunEvent(
                eventTime=time,
                producer="https://example.org",
                run=run,
                job=job,
                eventType=state,
                inputs=inputs,
                outputs=outputs,
            )
            made.append(event)
    return made


@pytest.fixture
def namespace() -> str:
    """Name a namespace that no other test uses."""
    return f"client-{uuid.uuid4().hex[:8]}"


def check_runs(server: Server, connection: Connection, namespace: str, runs: int = 1) -> None:
    """See to it that all of ``events`` have arrived, once, and are shown."""
    server.await_projected()
    found = connection.every("/runs", job_namespace=namespace, job_name="load")
    assert [(run["state"], run["duration"]) for run in found] == [("COMPLETE", 30.0)] * runs
    log = connection.every("/events", job_namespace=namespace, job_name="load")
    assert len(log) == 2 * runs
    lineage = connection.look(
        "/lineage", node=f"dataset:{DATA}:{namespace}.mart", direction="upstream", level="dataset"
    )
    assert [edge["from"] for edge in lineage["edges"]] == [f"dataset:{DATA}:{namespace}.raw"]


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("kind", ["http", "async_http"])
def test_events_arrive(
    shared_server: Server, connection: Connection, namespace: str, kind: str, compression: str | None
) -> None:
    settings = {"compression": compression} if compression else {}
    with client(kind, shared_server.port, **settings) as sender:
        for event in events(namespace, runs=20):
            sender.emit(event)
    check_runs(shared_server, connection, namespace, runs=20)


@pytest.mark.parametrize("kind", ["http", "async_http"])
def test_the_client_tries_again_after_a_503(
    shared_server: Server, connection: Connection, namespace: str, kind: str
) -> None:
    with flaky(shared_server.port, failures=2) as proxy, client(kind, proxy.port) as sender:
        for event in events(namespace):
            sender.emit(event)
    assert proxy.answers == [503, 503, 201, 201]
    check_runs(shared_server, connection, namespace)


def test_the_same_server_twice_stores_once(
    shared_server: Server, connection: Connection, namespace: str
) -> None:
    target = {"type": "http", "url": shared_server.url}
    both = {"type": "composite", "transports": {"one": target, "two": {**target, "compression": "gzip"}}}
    with using(both) as sender:
        for event in events(namespace):
            sender.emit(event)
    check_runs(shared_server, connection, namespace)


def test_only_the_right_key_opens(database_url: str, namespace: str) -> None:
    made = tidegate(
        "keys", "create", "--name", "emitter", "--scope", "ingest", "--scope", "read", "-d", database_url
    )
    key = made.stdout.strip()
    with running(database_url) as server, Connection(server.port, key=key) as connection:
        for kind in ("http", "async_http"):
            auth = {"type": "api_key", "apiKey": key}
            with client(kind, server.port, compression="gzip", auth=auth) as sender:
                for event in events(f"{namespace}-{kind}"):
                    sender.emit(event)
            check_runs(server, connection, f"{namespace}-{kind}")
        before = count(database_url, "event", "rejected")
        first = events(namespace)[0]
        for auth in ({}, {"type": "api_key", "apiKey": "tg_wrong"}):
            with client("http", server.port, auth=auth) as sender, pytest.raises(OSError, match="401"):
                sender.emit(first)
        assert count(database_url, "event", "rejected") == before


@pytest.mark.parametrize("append", [True, False], ids=["lines", "folder"])
def test_files_of_the_client_are_read(
    database_url: str, namespace: str, tmp_path: Path, append: bool
) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    with using({"type": "file", "log_file_path": str(folder / "sent"), "append": append}) as sender:
        for event in events(namespace, runs=5):
            sender.emit(event)
    assert len(list(folder.iterdir())) == (1 if append else 10)
    done = tidegate("ingest", folder, "-d", database_url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["accepted", "duplicates", "refused", "10", "0", "0"]
    assert count(database_url, "event", "run", "inbox", "parked") == {
        "event": 10,
        "run": 5,
        "inbox": 0,
        "parked": 0,
    }
