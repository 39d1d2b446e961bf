"""``tidegate triggers fire`` and so on: what people ask of triggers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import click

from collector.commands.terminal import note, opened, out, plain, with_settings
from collector.questions import trigger_requests
from collector.questions.scope import Scope
from collector.questions.trigger_requests import Asked
from collector.questions.triggers import Triggers
from collector.settings import Settings
from collector.storage.trigger_requests import Kind
from collector.times import now_us

WAIT_SECONDS: Final = 5.0

DONE: Final = {Kind.FIRE: "fired", Kind.PAUSE: "paused", Kind.RESUME: "resumed", Kind.RESET: "reset"}

trigger_argument = click.argument("trigger_id", metavar="TRIGGER")
by_option = click.option("--by", required=True, help="Who asks.")
reason_option = click.option("--reason", help="Why.")
fire_key_option = click.option(
    "--key",
    help="Which join: a partition, or the tick of an epoch. Without it the only open one, or the last tick.",
)
reset_key_option = click.option("--key", help="Of which join alone: a partition, or the tick of an epoch.")
wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=WAIT_SECONDS,
    show_default=True,
    help="Seconds to wait for the server to do it.",
)


def asked_with(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give a command all that such a request takes."""

    def declare(view: Any) -> Any:
        for option in (wait_option, reason_option, by_option, *reversed(options), trigger_argument):
            view = option(view)
        return view

    return declare


@click.command()
@asked_with(fire_key_option)
@with_settings
def fire(
    settings: Settings, trigger_id: str, key: str | None, by: str, reason: str | None, wait: float
) -> None:
    """Let TRIGGER fire now, with what is there, whatever is missing or holds it back."""
    _ask(settings, trigger_id, Kind.FIRE, key, by, reason, wait)


@click.command()
@asked_with()
@with_settings
def pause(settings: Settings, trigger_id: str, by: str, reason: str | None, wait: float) -> None:
    """Let TRIGGER fire no more until somebody resumes it; what comes meanwhile is kept for then."""
    _ask(settings, trigger_id, Kind.PAUSE, None, by, reason, wait)


@click.command()
@asked_with()
@with_settings
def resume(settings: Settings, trigger_id: str, by: str, reason: str | None, wait: float) -> None:
    """Let TRIGGER fire again, which was paused, or fired too often."""
    _ask(settings, trigger_id, Kind.RESUME, None, by, reason, wait)


@click.command()
@asked_with(reset_key_option)
@with_settings
def reset(
    settings: Settings, trigger_id: str, key: str | None, by: str, reason: str | None, wait: float
) -> None:
    """Give up what has come for TRIGGER: nothing of it fires any more."""
    _ask(settings, trigger_id, Kind.RESET, key, by, reason, wait)


@click.command()
@click.argument("firing_id", metavar="FIRING")
@with_settings
def retry(settings: Settings, firing_id: str) -> None:
    """Send again what FIRING could not send; to the target it is the same, by its key."""
    with opened(settings) as database, database.write() as conn:
        now = now_us()
        found = Triggers(Scope(conn, now, settings.max_nodes)).firing(firing_id)
        number = trigger_requests.retry(conn, found.detail, now)
        database.notify(conn)
    out().print(f"{number} queued")


def _ask(
    settings: Settings, trigger_id: str, kind: Kind, key: str | None, by: str, reason: str | None, wait: float
) -> None:
    with opened(settings) as database:
        with database.write() as conn:
            now = now_us()
            answers = Triggers(Scope(conn, now, settings.max_nodes))
            asked = trigger_requests.ask(
                conn, answers, trigger_id, kind, key=key, by=by, reason=reason, now=now
            )
            database.notify(conn)
        asked = trigger_requests.wait(database, asked, wait)
    if asked.firing is not None:
        out().print(asked.firing, markup=False)
    if asked.done:
        note().print(
            plain(f"{_named(asked)} is {DONE[kind]}." if kind is not Kind.FIRE else f"{_named(asked)} fired.")
        )
        return
    note().print("Asked for; no server has done it yet. Does one run?", style="yellow")
    sys.exit(1)


def _named(asked: Asked) -> str:
    return f"{asked.trigger_id} ({asked.key})" if asked.key else asked.trigger_id
