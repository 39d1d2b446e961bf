"""The programs of a tool, each with all that it starts: some leave children behind, some do not end when asked to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from tests.acceptance.processes import family

T = TypeVar("T")

START_SECONDS = 180.0
"""Airflow takes ten on a machine that does nothing else."""

END_SECONDS = 10.0
"""Nothing outlives SIGKILL for long."""

ANSWER_SECONDS = 60.0


class Program:
    """One command, from the beginning of a ``with`` block to its end; its output goes to ``FOLDER/NAME.log``."""

    def __init__(self, name: str, *command: object, environment: Mapping[str, str], folder: Path) -> None:
        self._command = [str(part) for part in command]
        self._environment = environment
        self._folder = folder
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        until = time.monotonic() + END_SECONDS
        while alive := family(self._process.pid):
            for each in alive:
                try:
                    os.kill(each.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self._process.poll()
            assert time.monotonic() < until, f"still running: {alive}"
            time.sleep(0.05)
        self._process.wait()

    def await_end(self, seconds: float = START_SECONDS) -> None:
        """Wait until it ends by itself, with success."""
        assert self._process is not None
        status = self._process.wait(seconds)
        assert status == 0, f"{self._command} ended with status {status}:\n{self.output}"

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def await_that(self, met: Callable[[], T], seconds: float = START_SECONDS) -> T:
        """Wait until something is so, and give what it is; the program must go on meanwhile."""
        assert self._process is not None
        until = time.monotonic() + seconds
        while not (found := met()):
            assert self._process.poll() is None, f"{self._command} ended:\n{self.output}"
            assert time.monotonic() < until, f"{self._command} takes too long:\n{self.output}"
            time.sleep(0.1)
        return found


class Api:
    """The JSON API of a tool, as a test asks it: past whatever stands between Tidegate and the tool."""

    def __init__(self, port: int, **headers: str) -> None:
        self.port = port
        # Nothing of the caller's shell stands between either.
        self._http = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=ANSWER_SECONDS, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def look(self, path: str) -> Any:
        """Give the JSON of a page; None if it is not there, or the server is not."""
        try:
            reply = self._http.get(path)
        except httpx2.TransportError:
            return None
        return reply.json() if reply.is_success else None

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Give the JSON that a call answers, None if it says nothing; it must succeed."""
        reply = self._http.request(method, path, json=body)
        assert reply.is_success, (method, path, reply.status_code, reply.text)
        return reply.json() if reply.content else None

    def authorize(self, token: str) -> None:
        """Show a token from now on."""
        self._http.headers["authorization"] = f"Bearer {token}"


def free_port() -> int:
    """Find a port of the loopback address that nobody has at present."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
