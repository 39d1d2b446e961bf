"""The real server, started as a user starts it, on a free port of the loopback address."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from tests.acceptance.connection import Connection
from tests.acceptance.processes import gone, processes_of

ROOT = Path(__file__).parents[2]

START_SECONDS = 60.0
"""Starting takes two seconds; on a machine that does much else, more."""

STOP_SECONDS = 20.0
"""``shutdown_timeout`` is 10, and a worker gets 2 more before it is killed."""

END_SECONDS = 10.0
"""How long a process may take to notice that its parent is gone."""

LISTENS = re.compile(r"listens on http://\S+:(\d+)$", re.MULTILINE)


def command() -> list[str]:
    """Name the command as it is installed, or what it runs if it is not."""
    installed = Path(sys.executable).with_name("tidegate")
    if installed.exists():
        return [str(installed)]
    return [sys.executable, "-c", "from collector.cli import main; main()"]


def environment() -> dict[str, str]:
    """Give the environment in which the command is found, and nothing of which steers it."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def tidegate(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends, in ``folder``."""
    line = [*command(), *(str(argument) for argument in arguments)]
    return subprocess.run(
        line, capture_output=True, text=True, env=environment(), cwd=folder, check=False, timeout=120
    )


class Server:
    """One ``tidegate serve``, with all its processes. ``settings`` are those of the program, by name.

    ``rules`` is the folder of rules that it is told to follow.
    """

    def __init__(
        self, database_url: str, *, port: int = 0, rules: Path | None = None, **settings: object
    ) -> None:
        self.port = port
        self.database_url = database_url
        self._options = ["--rules", str(rules)] if rules else []
        self._settings = {"database": database_url, "log_format": "json", **settings}
        self._output = tempfile.NamedTemporaryFile(prefix="tidegate-server-")  # noqa: SIM115  # closed in close
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that was started; also the number of the group of all."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """All that the server has written so far, in every of its lives."""
        return Path(self._output.name).read_text(errors="replace")

    def start(self) -> None:
        """Start and wait until it is ready. Started again, it takes the same port."""
        variables = {f"TIDEGATE_{name.upper()}": str(value) for name, value in self._settings.items()}
        before = len(self.output)
        # A group of its own, to find all that it has started.
        self._process = subprocess.Popen(
            [*command(), "serve", "--port", str(self.port), *self._options],
            env=environment() | variables, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output,
            process_group=0,
        )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while not self._is_ready(self.output[before:]):
            assert self._process.poll() is None, f"the server ended:\n{self.output}"
            assert time.monotonic() < until, f"the server does not get ready:\n{self.output}"
            time.sleep(0.05)

    def workers(self) -> Sequence[int]:
        """Give the processes that speak HTTP."""
        return [
            process.pid
            for process in processes_of(self.pid)
            if process.parent == self.pid and "spawn_main" in process.command
        ]

    def kill(self) -> None:
        """Kill all processes at the same moment, as a loss of power would."""
        os.killpg(self.pid, signal.SIGKILL)
        self._reap()

    def kill_parent(self) -> None:
        """Kill only the process that was started; the others must end by themselves."""
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def kill_workers(self) -> None:
        """Kill only those that speak HTTP; others must take their place."""
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop as an operator does; it must end in order, and leave nothing running."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(STOP_SECONDS)
        assert status == 0, f"the server ended with status {status}:\n{self.output}"
        self._reap()

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait()
        assert gone(self.pid, END_SECONDS), f"still running: {processes_of(self.pid)}"
        self._process = None

    def close(self) -> None:
        """End whatever still runs, and forget what it wrote."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        self._output.close()

    def _is_ready(self, output: str) -> bool:
        listens = LISTENS.search(output)
        if listens is None:
            return False
        self.port = int(listens[1])
        with Connection(self.port, timeout=5) as connection:
            try:
                return connection.send("GET", "/readyz").status == 200
            except (OSError, HTTPException):
                return False

    def await_projected(self, seconds: float = 60.0) -> None:
        """Wait until nothing waits for the projector any more."""
        until = time.monotonic() + seconds
        with Connection(self.port) as connection:
            while waiting(connection):
                assert time.monotonic() < until, f"the projector does not come along:\n{self.output}"
                time.sleep(0.03)


def waiting(connection: Connection) -> int:
    """Give the number of events that the projector has yet to do."""
    metrics = connection.send("GET", "/metrics").body.decode()
    found = re.search(r"^tidegate_inbox_size (\S+)$", metrics, re.MULTILINE)
    assert found, metrics
    return int(float(found[1]))


@contextmanager
def running(database_url: str, **settings: object) -> Iterator[Server]:
    """Run a server on a migrated database during the block, and stop it in order; see ``Server``."""
    server = Server(database_url, **settings)  # type: ignore[arg-type]
    try:
        server.start()
        yield server
        server.stop()
        assert "Traceback" not in server.output, server.output
    finally:
        server.close()
