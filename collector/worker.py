"""One HTTP worker process of ``tidegate serve``: what it is made of, and when it ends."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading

from collector import wiring
from collector.app import create_app
from collector.front import Front
from collector.ingest.log import LogWriter
from collector.ingest.receive import Receiver
from collector.settings import Settings
from collector.telemetry import LogMetrics, configure_logging

SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits for it.

The log writer gives it up at each row, and would wait Python's usual 5 ms to get it back from a busy event
loop.
"""


def build() -> Front:
    """Make the application of this process from the environment, where ``serve`` has put all settings."""
    settings = Settings.load(os.environ)
    configure_logging(settings.log_format, settings.log_level)
    sys.setswitchinterval(SWITCH_SECONDS)
    wiring.relax_gc()
    # Ctrl-C reaches every process of the terminal; the parent is the one that ends the others, in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    services = wiring.services(settings)
    return Front(
        receiver=Receiver(settings),
        log_writer=LogWriter(services.database, queue_limit=settings.queue_limit, observer=LogMetrics()),
        wsgi=create_app(services),
        authenticator=services.authenticator,
        database=services.database,
        settings=settings,
    )


def _end_with_parent() -> None:
    """End at once when the parent is gone, however it ended, so that its port is free for the next one."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        multiprocessing.connection.wait([sentinel])
        # What was acknowledged is on disk; nobody is left who could be told anything else.
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
