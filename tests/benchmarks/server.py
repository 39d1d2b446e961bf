"""The server under measurement, really started, on a database that keeps its promises."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from collector.storage.migrate import upgrade
from tests.postgres import PostgresServer


@contextmanager
def databases(dialect: str) -> Iterator[Databases]:
    """Give a place for databases: a folder, or a PostgreSQL server with ``fsync`` on."""
    # Not /tmp: it may be memory, where nothing is ever durable and fsync costs nothing.
    with tempfile.TemporaryDirectory(prefix="tidegate-benchmark-", dir="/var/tmp") as folder:
        if dialect == "sqlite":
            yield Databases(Path(folder), None)
        else:
            with PostgresServer(durable=True) as server:
                yield Databases(Path(folder), server)


class Databases:
    """Makes migrated, empty databases."""

    def __init__(self, folder: Path, server: PostgresServer | None) -> None:
        self._folder = folder
        self._server = server

    def create(self, name: str) -> str:
        """Make a database and give its URL."""
        if self._server:
            url = self._server.create_database(name)
        else:
            url = f"sqlite:///{self._folder / name}.db"
        upgrade(url)
        return url


@contextmanager
def running(url: str, *, projector: bool = True, **settings: object) -> Iterator[int]:
    """Run ``tidegate serve`` on a database and give its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    environment = os.environ | {
        "TIDEGATE_DATABASE": url,
        "TIDEGATE_PORT": str(port),
        "TIDEGATE_PROJECTOR": str(projector).lower(),
        "TIDEGATE_LOG_LEVEL": "warning",
    }
    environment |= {f"TIDEGATE_{name.upper()}": str(value) for name, value in settings.items()}
    command = "from collector.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "serve"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        _await(f"http://127.0.0.1:{port}/readyz")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    if code:
        raise RuntimeError(f"the server ended with status {code}")


def send(connection: http.client.HTTPConnection, event: Any) -> None:
    """Send an event; raises RuntimeError if it is not accepted."""
    connection.request(
        "POST", "/api/v1/lineage", json.dumps(event).encode(), {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    answer.read()
    if answer.status != HTTPStatus.CREATED:
        raise RuntimeError(f"an event was answered with {answer.status}")


def _await(url: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=5):  # our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("the server does not start")
