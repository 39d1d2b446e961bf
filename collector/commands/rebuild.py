"""``tidegate rebuild``: the catalog and the graph anew from the log."""

from __future__ import annotations

import click

from collector.commands.terminal import note, opened, progress_bar, with_settings
from collector.ingest.rebuild import rebuild
from collector.settings import Settings
from collector.storage.event_reads import count_events
from collector.storage.leases import holder


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Derive the catalog and the graph anew from the log; a server may run meanwhile."""
    with opened(settings) as database:
        with database.read() as conn:
            total = count_events(conn)
        with progress_bar("projecting the log", total) as show:
            changed = rebuild(database, holder(), show)
    note().print(f"The catalog and the graph are those of the log; {changed} rows had to be changed.")
