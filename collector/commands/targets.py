"""``tidegate targets``: whom something can be sent to."""

from __future__ import annotations

import sys
import time

import click

from collector.api.deliveries import target as find
from collector.commands.terminal import note, opened, out, print_table, when, with_settings
from collector.outbound import trial
from collector.settings import Settings
from collector.storage import outbox, outbox_reads
from collector.storage.engine import Database
from collector.storage.outbox import State
from collector.storage.outbox_reads import Delivery, Receiver
from collector.times import now_us

MARGIN_SECONDS = 5.0
"""Beyond the time that a receiver has to answer, for a server to see that there is something to send."""

LOOK_SECONDS = 0.05


@click.group()
def command() -> None:
    """List, test and enable the targets of the rules."""


@command.command(name="list")
@with_settings
def list_(settings: Settings) -> None:
    """List targets, with what waits for each and what could not be sent."""
    with opened(settings) as database, database.read() as conn:
        found = outbox_reads.receivers(conn)
    if not found:
        note().print("The rules have no targets.")
        return
    rows = [
        (
            each.id,
            each.kind or "not in the rules",
            _state(each, now_us()),
            *(each.counts[state] for state in (State.PENDING, State.DELIVERED, State.DEAD)),
            when(each.oldest_pending_at),
            each.reason,
        )
        for each in found
    ]
    print_table(("target", "kind", "state", "pending", "delivered", "dead", "oldest", "reason"), rows)


@command.command()
@click.argument("target_id", metavar="TARGET")
@with_settings
def enable(settings: Settings, target_id: str) -> None:
    """Send to TARGET again, which has answered 410 Gone or is left alone for a while."""
    with opened(settings) as database, database.write() as conn:
        find(conn, target_id)
        outbox.enable(conn, target_id)
        database.notify(conn)
    out().print(f"{target_id} is enabled", markup=False)


@command.command()
@click.argument("target_id", metavar="TARGET")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is sent.")
@with_settings
def test(settings: Settings, target_id: str, no_wait: bool) -> None:
    """Let the server send TARGET a message that only shows whether it works.

    The exit status is 1 if it does not arrive at the first attempt.
    """
    with opened(settings) as database:
        with database.write() as conn:
            key = trial.queue(conn, target_id, now_us())
            database.notify(conn)
        if no_wait:
            out().print("queued")
            return
        delivery = _tried(database, key, settings.outbound_timeout + MARGIN_SECONDS)
    if delivery.state == State.DELIVERED:
        out().print("delivered")
        return
    said = delivery.error or "no server has sent it yet; does one run?"
    note().print(f"{delivery.state}: {said}", style="red", markup=False)
    sys.exit(1)


def _state(target: Receiver, now: int) -> str:
    if target.disabled_at is not None:
        return f"disabled {when(target.disabled_at)}"
    if target.wait_until is not None and target.wait_until > now:
        return f"waits until {when(target.wait_until)}"
    return ""


def _tried(database: Database, key: str, seconds: float) -> Delivery:
    """Wait until something has become of a delivery, or the time is up."""
    until = time.monotonic() + seconds
    while True:
        with database.read() as conn:
            found = outbox_reads.find_key(conn, key)
        if found.state != State.PENDING or found.error is not None or time.monotonic() > until:
            return found
        time.sleep(LOOK_SECONDS)
