"""``tidegate db``: the tables and their migrations."""

from __future__ import annotations

import sys

import click

from collector.commands.terminal import note, out, with_settings
from collector.settings import Settings
from collector.storage import migrate


@click.group()
def command() -> None:
    """Upgrade, check and downgrade the database."""


@command.command()
@with_settings
def upgrade(settings: Settings) -> None:
    """Bring the tables to what this version needs."""
    before = migrate.current(settings.database)
    migrate.upgrade(settings.database)
    note().print(f"{before or 'nothing'} -> {migrate.head()}")


@command.command()
@with_settings
def check(settings: Settings) -> None:
    """Compare the tables with what this version needs; the exit status is 1 if anything differs."""
    differences = migrate.check(settings.database)
    for difference in differences:
        out().print(difference, markup=False)
    if differences:
        sys.exit(1)
    note().print(f"The database is as it should be, at revision {migrate.head()}.")


@command.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def downgrade(settings: Settings, revision: str, yes: bool) -> None:
    """Bring the tables back to REVISION; "base" deletes all of them, with everything in them."""
    if not yes:
        click.confirm(
            f"Downgrade to {revision}? What newer tables and columns hold is lost.", abort=True, err=True
        )
    before = migrate.current(settings.database)
    migrate.downgrade(settings.database, revision)
    note().print(f"{before or 'nothing'} -> {migrate.current(settings.database) or 'nothing'}")


@command.command()
@with_settings
def current(settings: Settings) -> None:
    """Print the revision of the tables, "none" if there are none."""
    out().print(migrate.current(settings.database) or "none")
