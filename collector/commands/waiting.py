"""Seeing to it that what is in the log is also in the catalog and the graph."""

from __future__ import annotations

from collector import wiring
from collector.commands.terminal import note, progress_bar
from collector.settings import Settings
from collector.storage import inbox
from collector.storage.engine import Database

LOOK_SECONDS = 1.0
"""How often to look whether the server that projects is still alive."""


def project(database: Database, settings: Settings) -> None:
    """Project what waits; if a running server is at it, wait until it is through, and take over should it
    stop.
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

        told = False
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
