"""Seeing to it that what is in the log is also in the catalog and the graph."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from collector import telemetry, wiring
from collector.commands.terminal import note, progress_bar
from collector.ingest.projector import LEASE
from collector.settings import Settings
from collector.storage import aliases, inbox
from collector.storage.engine import Database
from collector.storage.leases import holder_of
from collector.times import now_us

LOOK_SECONDS = 1.0
"""How often to look whether the server that projects is still alive."""


def served(database: Database) -> bool:
    """Tell whether a running server projects the events of this database."""
    return holder_of(database, LEASE, now_us()) is not None


@contextmanager
def projecting_beside(settings: Settings) -> Iterator[None]:
    """Project in a process of its own during the block.

    Reading a file and projecting its events take about as long as each other; side by side, half the time.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_project_until, args=(settings, stop), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join()


def _project_until(settings: Settings, stop: threading.Event) -> None:
    # Ctrl-C reaches both processes; the first one tells this one when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    telemetry.configure_logging(settings.log_format, settings.log_level)
    database = Database(settings.database)
    try:
        wiring.projector(database, settings).run(stop)
    finally:
        database.close()


def follow_rules(database: Database, settings: Settings, revision: int) -> None:
    """See to it that the catalog follows the alias rules up to this revision; a running server does it by itself."""
    projector = wiring.projector(database, settings)
    # Draining applies the rules first; what else waits is projected on the way.
    while projector.drain() is None:
        database.wait_for_change(LOOK_SECONDS)
        with database.read() as conn:
            if aliases.state(conn).applied >= revision:
                return


def project(database: Database, settings: Settings, *, helped: bool = False) -> None:
    """Project what waits; if a running server is at it, wait until it is through, and take over should it
    stop. ``helped``: it is not a server but a process of this command, of which nobody needs to hear.
    """
    with database.read() as conn:
        total = inbox.size(conn)
    if not total:
        return
    projector = wiring.projector(database, settings)
    with progress_bar("projecting", total) as show:
        done = 0

        def advance(events: int) -> None:
            nonlocal done
            done += events
            show(done)

        told = helped
        while projector.drain(advance) is None:
            if not told:
                note().print(
                    "A running server projects the events; waiting for it (--no-wait does not).", style="dim"
                )
                told = True
            database.wait_for_change(LOOK_SECONDS)
            with database.read() as conn:
                left = inbox.size(conn)
            show(max(total - left, 0))
            if not left:
                return
