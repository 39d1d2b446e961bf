"""``tidegate serve``: a parent process with the projector and the engine, and worker processes that speak HTTP.

They are processes of their own because the projector computes all the time, and would keep the interpreter
from the event loop that takes events in. All of them meet in the database only.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import structlog

from collector.auth import check_bind
from collector.errors import TidegateError
from collector.settings import Settings
from collector.supervisor import Supervisor

if TYPE_CHECKING:
    from collector.loops import Runner

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"

BACKLOG = 1024
"""Connections that wait to be accepted, also while the workers start."""

KILL_MARGIN = 2.0
"""Seconds that a worker gets beyond ``shutdown_timeout`` before it is killed."""

RESTART_SECONDS = 1.0

log = structlog.get_logger(__name__)


Beside = Callable[[str], Mapping[str, "Runner"]]
"""Gives what else goes on while the server runs, by name; it is told the address at which the server is reached."""


def nothing(_url: str) -> Mapping[str, Runner]:
    """Do nothing else."""
    return {}


def serve(settings: Settings, beside: Beside = nothing) -> None:
    """Run the server until SIGTERM or SIGINT; returns when all has ended in order.

    Raises ``TidegateError`` if it cannot start, before anything has been started, or if the workers do not
    stay alive. Must be called from the main thread.
    """
    with tempfile.TemporaryDirectory(prefix="tidegate-metrics-") as metrics:
        # The metrics library decides at its import whether it counts for one process or for several.
        os.environ.setdefault(MULTIPROCESS, metrics)
        _serve(settings, beside)


def _serve(settings: Settings, beside: Beside) -> None:
    from collector import wiring
    from collector.engine.folder import release_rules
    from collector.loops import loops
    from collector.telemetry import configure_logging

    configure_logging(settings.log_format, settings.log_level)
    wiring.prepare(settings)
    services = wiring.services(settings)
    try:
        check_bind(settings, wiring.has_keys(services.database))
        with listen(settings.host, settings.port) as listener:
            url = address_url(settings.host, listener.getsockname()[1])
            _announce(url)
            if not settings.rules:
                release_rules(services.database)
            every = {**loops(services.database, settings), **beside(url)}
            threads = [_Loop(name, each) for name, each in every.items()]
            for thread in threads:
                thread.start()
            try:
                _supervise(settings, listener)
            finally:
                for thread in threads:
                    thread.tell()
                for thread in threads:
                    thread.join()
    finally:
        services.close()


def _supervise(settings: Settings, listener: socket.socket) -> None:
    from collector.worker import run

    kill_after = settings.shutdown_timeout + KILL_MARGIN
    if not Supervisor(run, (settings, listener), settings.http_workers, kill_after).run():
        raise TidegateError("The server has ended because its workers do not stay alive.")


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that all workers take their connections from; port 0 means any that is free."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name such as localhost may have both; emitters are told, and try, the older one.
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # Already here: what connects before the workers are up waits for them.
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener
    except OSError as error:
        raise TidegateError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


def address_url(host: str, port: int) -> str:
    """Give the URL under which the server is reached."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  # not bound to here: written for people
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _announce(url: str) -> None:
    sys.stderr.write(
        f"Tidegate listens on {url}\n"
        f"  point your emitters at it:  export OPENLINEAGE_URL={url}\n"
        f"  what came in:               {url}/api/v2/events\n"
        f"  the API:                    {url}/api/docs\n"
    )
    sys.stderr.flush()


class _Loop(threading.Thread):
    """Runs one of the loops until told to stop, whatever happens to it."""

    def __init__(self, name: str, runner: Runner) -> None:
        super().__init__(name=name)
        self._runner = runner
        self._halt = threading.Event()

    def run(self) -> None:
        while not self._halt.is_set():
            try:
                self._runner.run(self._halt)
            except Exception:
                log.exception("failed; starting it again", loop=self.name)
                self._halt.wait(RESTART_SECONDS)

    def tell(self) -> None:
        """Tell it to stop."""
        self._halt.set()
