"""``tidegate parked``: events in the log that could not be projected."""

from __future__ import annotations

import sys

import click
from sqlalchemy import func, select

from collector.commands.terminal import note, opened, out, print_table, when, with_settings
from collector.commands.waiting import project
from collector.settings import Settings
from collector.storage import inbox
from collector.storage.event_reads import list_parked
from collector.storage.tables import parked


@click.group()
def command() -> None:
    """List and try again events that are in the log but could not be projected."""


@command.command(name="list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most to list.")
@with_settings
def list_(settings: Settings, limit: int) -> None:
    """List parked events, the newest first, with the error of each."""
    with opened(settings) as database, database.read() as conn:
        page = list_parked(conn, after=None, limit=limit)
    if not page.items:
        note().print("Nothing is parked.")
        return
    rows = [
        (item.event_id, when(item.parked_at), item.kind, item.event_type, item.error) for item in page.items
    ]
    print_table(("event", "parked", "kind", "type", "error"), rows)
    if page.next is not None:
        note().print("There are more: use a larger --limit.")


@command.command()
@click.argument("ids", metavar="[EVENT]…", type=int, nargs=-1)
@click.option("--no-wait", is_flag=True, help="Do not wait until they are projected.")
@with_settings
def reprocess(settings: Settings, ids: tuple[int, ...], no_wait: bool) -> None:
    """Project parked events again, all or the given ones.

    The exit status is 1 if, after waiting, any of all events is parked.
    """
    with opened(settings) as database:
        with database.write() as conn:
            number = inbox.unpark(conn, ids or None)
            database.notify(conn)
        out().print(f"{number} put back into the queue")
        if no_wait:
            return
        project(database, settings)
        with database.read() as conn:
            left = conn.execute(select(func.count()).select_from(parked)).scalar_one()
    if left:
        note().print(f"{left} parked: tidegate parked list", style="yellow")
        sys.exit(1)
