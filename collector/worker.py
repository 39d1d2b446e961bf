"""One HTTP worker process of ``tidegate serve``: what it is made of, and how it runs."""

from __future__ import annotations

import logging
import math
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from collector import garbage, wiring
from collector.app import create_app
from collector.front import Front
from collector.ingest.log import LogWriter
from collector.ingest.receive import Receiver
from collector.settings import Settings
from collector.supervisor import end_with_parent
from collector.telemetry import LogMetrics, configure_logging

SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits for it.

The log writer gives it up at each row, and would wait Python's usual 5 ms to get it back from a busy event
loop.
"""

BACKLOG = 1024

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients keep theirs, or they would write into a
closed one.
"""


def run(settings: Settings, listener: socket.socket) -> None:
    """Serve requests that come to ``listener`` until SIGTERM: the main function of a worker process."""
    end_with_parent()
    configure_logging(settings.log_format, settings.log_level)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    sys.setswitchinterval(SWITCH_SECONDS)
    front = build(settings)
    # An event is hundreds of small objects that die together without the collector's help.
    garbage.leave_alone()
    garbage.look_seldom()
    config = uvicorn.Config(
        front,
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout),
    )
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM only: Ctrl-C reaches every process of a terminal, and the parent ends the others."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield


def build(settings: Settings) -> Front:
    """Make the application of this process."""
    services = wiring.services(settings)
    return Front(
        receiver=Receiver(settings),
        log_writer=LogWriter(services.database, queue_limit=settings.queue_limit, observer=LogMetrics()),
        wsgi=create_app(services),
        authenticator=services.authenticator,
        database=services.database,
        settings=settings,
    )
