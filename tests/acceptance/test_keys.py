"""API keys as an operator makes them and an emitter uses them; and no open door without them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from tests.acceptance.connection import BATCH, Connection
from tests.acceptance.log import count
from tests.acceptance.server import running, tidegate
from tests.events import run_event

KNOWN_SECONDS = 10.0
"""A running server knows of a change within five seconds."""


def make_key(database_url: str, name: str, *scopes: str, namespace: str = "") -> str:
    """Create a key as an operator does and give its text."""
    options = [option for scope in scopes for option in ("--scope", scope)]
    if namespace:
        options += ["--namespace", namespace]
    made = tidegate("keys", "create", "--name", name, *options, "-d", database_url)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def status(port: int, key: str, namespace: str = "shop") -> int:
    """Try to send an event with a key; no event comes twice."""
    with Connection(port, key=key) as connection:
        return connection.post(
            run_event("START", namespace=namespace, run=f"run-{time.monotonic_ns()}")
        ).status


def test_keys_open_what_they_are_for(database_url: str) -> None:
    writer = make_key(database_url, "emitter", "ingest", namespace="shop-*")
    reader = make_key(database_url, "dashboard", "read")
    with running(database_url, host="0.0.0.0") as server:
        assert status(server.port, writer, "shop-eu") == 201
        assert status(server.port, writer, "bank") == 403
        assert status(server.port, reader, "shop-eu") == 403
        assert status(server.port, "tg_guessed", "shop-eu") == 401
        with Connection(server.port) as anybody:
            assert anybody.post(run_event("START")).status == 401
            assert anybody.ask("/jobs").status == 401
            own_header = {"X-API-Key": writer}
            assert anybody.post(run_event("START", namespace="shop-us"), headers=own_header).status == 201
        with Connection(server.port, key=writer) as connection:
            reply = connection.post(
                [run_event("FAIL", namespace=name) for name in ("shop-eu", "bank")], BATCH
            )
            assert (reply.status, reply.json["status"]) == (200, "partial_success")
            assert [item["index"] for item in reply.json["failed_events"]] == [1]
            assert connection.ask("/jobs").status == 403
        server.await_projected()
        with Connection(server.port, key=reader) as connection:
            assert {job["namespace"] for job in connection.every("/jobs")} == {"shop-eu", "shop-us"}
    assert count(database_url, "event", "rejected") == {"event": 3, "rejected": 0}


def test_a_running_server_learns_of_keys(sqlite_template: Path, tmp_path: Path) -> None:
    database_url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}"
    with running(database_url) as server:
        assert status(server.port, "") == 201
        key = make_key(database_url, "emitter", "ingest")
        assert status(server.port, key) == 201
        await_status(server.port, "", 401)
        assert status(server.port, key) == 201
        revoked = tidegate("keys", "revoke", key, "-d", database_url)
        assert revoked.returncode == 0, revoked.stderr
        assert "until you create one, nobody gets in" in revoked.stderr
        await_status(server.port, key, 401)
        assert status(server.port, "") == 401
    listed = tidegate("keys", "list", "-d", database_url).stdout
    heading, line = listed.splitlines()
    assert heading.split() == ["prefix", "name", "scopes", "namespaces", "created", "revoked"]
    assert line.split()[1:4] == ["emitter", "ingest", "all"]
    assert len(line.split()) == 6
    assert key not in listed
    refused = tidegate("serve", "--host", "0.0.0.0", "--port", "0", "-d", database_url)
    assert refused.returncode == 2, "a revoked key is no key"


def await_status(port: int, key: str, wanted: int) -> None:
    until = time.monotonic() + KNOWN_SECONDS
    while status(port, key) != wanted:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_no_open_door_to_the_network(tmp_path: Path) -> None:
    refused = tidegate("serve", "--host", "0.0.0.0", "--port", "0", folder=tmp_path)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line == (
        "Error: Anybody who reaches 0.0.0.0 could read and write everything, as there are no API keys. "
        "Create one (tidegate keys create --name NAME --scope ingest), or start with --insecure."
    )
