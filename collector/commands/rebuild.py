"""``tidegate rebuild``: the catalog and the graph anew from the log."""

from __future__ import annotations

import click

from collector.commands.terminal import note, opened, progress_bar, with_settings
from collector.ingest.rebuild import rebuild
from collector.settings import Settings
from collector.storage import inbox
from collector.wiring import holder


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Derive the catalog and the graph anew from the log; a server may run meanwhile."""
    with opened(settings) as database:
        with database.read() as conn:
            total = inbox.logged(conn)
        with progress_bar("projecting the log", total) as show:
            changed = rebuild(database, holder(), show)
    note().print(
        f"{total} events projected anew; {changed} rows of the catalog and the graph had to be changed."
    )
