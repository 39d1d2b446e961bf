"""``tidegate keys``: who may use the server."""

from __future__ import annotations

import click

from collector.auth import SCOPES
from collector.commands.terminal import note, opened, out, print_table, when, with_settings
from collector.errors import NotFound
from collector.settings import Settings
from collector.storage import keys
from collector.times import now_us


@click.group()
def command() -> None:
    """Create, list and revoke API keys."""


@command.command()
@click.option("--name", required=True, help="What or whom the key is for.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="May be repeated."
)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="PATTERN",
    help="Good for these namespaces only, such as 'postgres://*'. May be repeated.",
)
@with_settings
def create(settings: Settings, name: str, scopes: tuple[str, ...], namespaces: tuple[str, ...]) -> None:
    """Create a key and print it, this once.

    ingest: send events. read: use the read API. operate: read, and try refused events again. admin:
    everything. A running server knows the key within five seconds; with the first key it shuts everybody else
    out.
    """
    with opened(settings, create=True) as database, database.write() as conn:
        text, _ = keys.create(conn, name, scopes, namespaces, now_us())
    out().print(text, markup=False, soft_wrap=True)
    note().print("Keep it: it is stored as a hash and cannot be shown again.", style="dim")


@command.command(name="list")
@with_settings
def list_(settings: Settings) -> None:
    """List all keys, revoked ones too."""
    with opened(settings) as database, database.read() as conn:
        found = keys.every(conn)
    if not found:
        note().print("There are no keys: everybody who reaches the server may do everything.")
        return
    rows = [
        (
            key.prefix,
            key.name,
            ", ".join(key.scopes),
            ", ".join(key.namespaces) or "all",
            when(key.created_at),
            when(key.revoked_at),
        )
        for key in found
    ]
    print_table(("prefix", "name", "scopes", "namespaces", "created", "revoked"), rows)


@command.command()
@click.argument("prefix")
@with_settings
def revoke(settings: Settings, prefix: str) -> None:
    """Revoke the key with this PREFIX (the whole key will do) for good."""
    with opened(settings) as database:
        with database.write() as conn:
            found = keys.revoke(conn, keys.prefix_of(prefix) or prefix, now_us())
        if found is None:
            raise NotFound(f"There is no key with the prefix {prefix}.")
        with database.read() as conn:
            left = [key for key in keys.every(conn) if key.revoked_at is None]
    note().print(
        f"Revoked {found.prefix} ({found.name}); running servers know within five seconds.", markup=False
    )
    if not left:
        note().print("No key is left: until you create one, nobody gets in.", style="yellow")
