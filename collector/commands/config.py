"""``tidegate config``: the settings in force."""

from __future__ import annotations

import click

from collector.commands.terminal import print_table, with_settings
from collector.settings import Settings, in_force
from collector.storage.engine import parse_url


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Print the settings and where each comes from; the database's password is left out."""
    parse_url(settings.database)  # says what is wrong with one that no command could use
    rows = [(item.name, item.value, item.source) for item in in_force(settings)]
    print_table(("setting", "value", "source"), rows)
