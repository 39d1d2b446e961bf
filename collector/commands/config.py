"""``tidegate config``: the settings in force."""

from __future__ import annotations

import click

from collector.commands.terminal import print_table, with_settings
from collector.settings import Settings, settings_fields
from collector.storage.engine import parse_url


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Print the settings and where each comes from; the database's password is left out."""
    rows = []
    for item in settings_fields():
        value = getattr(settings, item.name)
        if item.name == "database":
            # Without the driver, which is not the user's choice.
            value = f"{value.partition(':')[0]}:{parse_url(value).render_as_string().partition(':')[2]}"
        if isinstance(value, bool):
            value = str(value).lower()
        rows.append((item.name, value, settings.source(item.name)))
    print_table(("setting", "value", "source"), rows)
