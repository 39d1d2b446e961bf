"""``tidegate deliveries``: what was sent to whom, and what could not be."""

from __future__ import annotations

import json

import click

from collector.api.deliveries import document
from collector.api.delivery_shapes import STATES, DeliveryDetail
from collector.commands.asking import format_option, print_json
from collector.commands.terminal import note, opened, out, plain, print_table, when, with_settings
from collector.errors import BadRequest
from collector.settings import Settings
from collector.storage import outbox, outbox_reads
from collector.times import now_us


@click.group()
def command() -> None:
    """List, show, try again and cancel what is sent to targets."""


@command.command(name="list")
@click.option("--state", type=click.Choice(STATES), help="Only those.")
@click.option("--target", metavar="ID", help="Only to this target.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most to list.")
@with_settings
def list_(settings: Settings, state: str | None, target: str | None, limit: int) -> None:
    """List deliveries, what was queued last first."""
    with opened(settings) as database, database.read() as conn:
        page = outbox_reads.page(conn, state=state, target=target, after=None, limit=limit)
    if not page.items:
        note().print("There are no deliveries.")
        return
    rows = [
        (
            each.id,
            when(each.queued_at),
            each.target,
            each.kind,
            each.state,
            each.attempts,
            when(each.next_at),
            each.error,
        )
        for each in page.items
    ]
    print_table(("id", "queued", "target", "kind", "state", "attempts", "next", "error"), rows)
    if page.next is not None:
        note().print("There are more: use a larger --limit.")


@command.command()
@click.argument("delivery_id", metavar="ID", type=click.IntRange(1))
@format_option
@with_settings
def show(settings: Settings, delivery_id: int, form: str) -> None:
    """Show a delivery: what it says, and each attempt to send it."""
    with opened(settings) as database, database.read() as conn:
        found = document(conn, delivery_id)
    if form == "json":
        print_json(DeliveryDetail(), found)
        return
    out().print(plain(f"{found['id']} to {found['target']}: {found['state']}"), style="bold")
    body = found["body"]
    for line in [body["title"], *body["text"].splitlines()] if "title" in body else [json.dumps(body)]:
        out().print(plain(line))
    for name, value in (found["answer"] or {}).items():
        out().print(plain(f"{name}: {value}"))
    if found["tried"]:
        out().print()
    rows = [
        (
            each["attempt"],
            when(each["at"]),
            f"{each['seconds']:.2f}",
            *map(each.get, ("outcome", "status", "error")),
        )
        for each in found["tried"]
    ]
    if rows:
        print_table(("attempt", "at", "seconds", "outcome", "status", "error"), rows)


@command.command()
@click.argument("ids", metavar="[ID]…", type=click.IntRange(1), nargs=-1)
@click.option("--target", metavar="ID", help="All that is dead for this target.")
@with_settings
def retry(settings: Settings, ids: tuple[int, ...], target: str | None) -> None:
    """Try deliveries again that are dead or were cancelled, and try now what waits.

    To the receiver each is the same one as before: it has the same key.
    """
    if bool(ids) == (target is not None):
        raise BadRequest("Say which: IDs, or --target, and not both.")
    with opened(settings) as database, database.write() as conn:
        number = outbox.retry(conn, now_us(), ids=ids or None, target_id=target)
        database.notify(conn)
    out().print(f"{number} queued")


@command.command()
@click.argument("ids", metavar="ID…", type=click.IntRange(1), nargs=-1, required=True)
@with_settings
def cancel(settings: Settings, ids: tuple[int, ...]) -> None:
    """Give up deliveries that wait; what is being sent right now may arrive all the same."""
    with opened(settings) as database, database.write() as conn:
        number = outbox.cancel(conn, ids, now_us())
        database.notify(conn)
    out().print(f"{number} cancelled")
