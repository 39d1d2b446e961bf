"""``tidegate serve``: a parent process with the projector, and worker processes that speak HTTP.

They are processes of their own because the projector computes all the time, and would keep the interpreter
from the event loop that takes events in. All of them meet in the database only.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import tempfile
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from granian.server import MPServer

from collector.auth import check_bind
from collector.errors import ConfigurationError
from collector.settings import PREFIX, Settings, settings_fields

if TYPE_CHECKING:
    from collector.ingest.projector import Projector

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"

BACKLOG = 1024

KILL_MARGIN = 2
"""Seconds that a worker gets beyond ``shutdown_timeout`` before it is killed."""

PROJECTOR_NICENESS = 5
"""The projector lets the way in go first where both want the same processor: it can catch up, a client
cannot.
"""

RESTART_SECONDS = 1.0

log = structlog.get_logger(__name__)


def serve(settings: Settings) -> None:
    """Run the server until SIGTERM or SIGINT; returns when all has ended in order.

    Raises ``ConfigurationError`` if it cannot start, before anything has been started. Must be called from
    the main thread.
    """
    with tempfile.TemporaryDirectory(prefix="tidegate-metrics-") as metrics:
        # The metrics library decides at its import whether it counts for one process or for several.
        os.environ.setdefault(MULTIPROCESS, metrics)
        _serve(settings)


def _serve(settings: Settings) -> None:
    from collector import wiring
    from collector.telemetry import configure_logging

    configure_logging(settings.log_format, settings.log_level)
    settings = replace(settings, port=_free_port(settings.host, settings.port))
    wiring.prepare(settings)
    services = wiring.services(settings)
    try:
        check_bind(settings, wiring.has_keys(services.database))
        os.environ.update(environment(settings))
        _announce(settings)
        projecting = _Projecting(wiring.projector(services.database, settings))
        server = _server(settings)
        if settings.projector:
            server.on_startup(projecting.start)
        try:
            server.serve()
        finally:
            projecting.end()
    finally:
        services.close()


def environment(settings: Settings) -> dict[str, str]:
    """Write all settings as environment variables: how the workers get them, from wherever they came."""
    values = {item.name: getattr(settings, item.name) for item in settings_fields()}
    return {
        f"{PREFIX}{name.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }


def address_url(settings: Settings) -> str:
    """Give the URL under which the server is reached from its own machine."""
    host = settings.host
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  # not bound to here: written for people
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _announce(settings: Settings) -> None:
    url = address_url(settings)
    sys.stderr.write(
        f"Tidegate listens on {url}\n"
        f"  point your emitters at it:  export OPENLINEAGE_URL={url}\n"
        f"  what came in:               {url}/api/v2/events\n"
        f"  the API:                    {url}/api/docs\n"
    )
    sys.stderr.flush()


def _free_port(host: str, port: int) -> int:
    """Find out whether the port can be listened on, and for port 0 which one it is going to be.

    The workers share the port by SO_REUSEPORT, with which a second server would start as well, and get every
    other request. Without it the attempt fails.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(address)
            # Bound is not enough: as many as like may bind with SO_REUSEADDR, but only one may listen.
            attempt.listen()
            return int(attempt.getsockname()[1])
    except OSError as error:
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


def _numeric(host: str) -> str:
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])


class _Projecting(threading.Thread):
    """Runs the projector until told to stop, whatever happens to it."""

    def __init__(self, projector: Projector) -> None:
        super().__init__(name="projector")
        self._projector = projector
        self._halt = threading.Event()

    def run(self) -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), PROJECTOR_NICENESS)
        while not self._halt.is_set():
            try:
                self._projector.run(self._halt)
            except Exception:
                log.exception("projector failed; starting it again")
                self._halt.wait(RESTART_SECONDS)

    def end(self) -> None:
        self._halt.set()
        if self.ident is not None:
            self.join()


def _server(settings: Settings) -> MPServer:
    # A fork of this process would take along the state of its threads.
    multiprocessing.set_start_method("spawn", force=True)
    return MPServer(
        "collector.worker:build",
        factory=True,
        address=_numeric(settings.host),
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.http_workers,
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        log_level=LogLevels.warning,
        log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=int(settings.shutdown_timeout) + KILL_MARGIN,
    )
