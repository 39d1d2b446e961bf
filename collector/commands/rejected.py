"""``tidegate rejected``: bodies that could not be recorded."""

from __future__ import annotations

import sys

import click

from collector.commands.terminal import note, opened, print_table, progress_bar, when, with_settings
from collector.commands.waiting import project
from collector.errors import NotFound
from collector.ingest.reprocess import reprocess as try_again
from collector.settings import Settings
from collector.storage.rejections import count_rejections, find_rejection, list_rejections


@click.group()
def command() -> None:
    """List, show and try again what was refused."""


@command.command(name="list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most to list.")
@with_settings
def list_(settings: Settings, limit: int) -> None:
    """List refused bodies, the newest first, with the first reason of each."""
    with opened(settings) as database, database.read() as conn:
        page = list_rejections(conn, after=None, limit=limit)
        total = count_rejections(conn)
    rows = [
        (
            item.id,
            when(item.last_received_at),
            item.count,
            item.size,
            "; ".join(f"{error.path}: {error.reason}" for error in item.errors[:1]),
        )
        for item in page.items
    ]
    if rows:
        print_table(("id", "last received", "times", "bytes", "reason"), rows)
    if total > len(rows):
        note().print(f"{total - len(rows)} more: --limit {total}")
    elif not rows:
        note().print("Nothing was refused.")


@command.command()
@click.argument("rejection_id", metavar="ID", type=int)
@with_settings
def show(settings: Settings, rejection_id: int) -> None:
    """Write a refused body as it was sent to standard output, and the reasons to standard error."""
    with opened(settings) as database, database.read() as conn:
        found = find_rejection(conn, rejection_id)
    if found is None:
        raise NotFound(f"There is no refused body {rejection_id}.")
    for error in found.errors:
        note().print(f"{error.path}: {error.reason}", style="red", markup=False)
    sys.stdout.buffer.write((found.body or b"").rstrip(b"\n") + b"\n")


@command.command()
@click.argument("ids", metavar="[ID]…", type=int, nargs=-1)
@click.option("--no-wait", is_flag=True, help="Do not wait until the read API shows the events.")
@with_settings
def reprocess(settings: Settings, ids: tuple[int, ...], no_wait: bool) -> None:
    """Try refused bodies again, all or those with the given IDs: after an upgrade that reads more.

    What can be recorded moves to the log. The exit status is 1 if any was refused again.
    """
    with opened(settings) as database:
        with database.read() as conn:
            total = len(ids) or count_rejections(conn)
        with progress_bar("reading again", total) as advance_to:
            done = 0

            def advance(bodies: int) -> None:
                nonlocal done
                done += bodies
                advance_to(done)

            result = try_again(database, ids or None, progress=advance)
        if not no_wait:
            project(database, settings)
    print_table(
        ("accepted", "duplicates", "refused"), [(result.accepted, result.duplicates, len(result.refused))]
    )
    if result.refused:
        sys.exit(1)
