"""``tidegate rebuild``: the catalog and the graph anew from the log."""

from __future__ import annotations

import click

from collector.commands.terminal import note, opened, progress_bar, with_settings
from collector.settings import Settings


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Derive the catalog and the graph anew from the log; a server may run meanwhile."""
    from collector.ingest.rebuild import rebuild

    with opened(settings) as database, progress_bar("projecting the log", None) as show:
        rebuild(database, show)
    note().print("The catalog and the graph are those of the log.")
