"""``tidegate silences``: what nobody need be told for a while."""

from __future__ import annotations

import re
from typing import Any

import click
from marshmallow import ValidationError
from rich.text import Text

from collector.api import cursors
from collector.api.alert_shapes import LABELS, SilenceBody
from collector.api.alert_shapes import Silences as Shape
from collector.api.native import flat
from collector.api.silences import document, silence_of
from collector.commands.asking import format_option, limit_option, more, print_json
from collector.commands.terminal import (
    INSTANT,
    Read,
    note,
    opened,
    out,
    plain,
    print_table,
    when,
    with_settings,
)
from collector.errors import Unprocessable
from collector.settings import Settings
from collector.storage import silences
from collector.storage.silences import State
from collector.times import iso, now_us
from triggers.alerts import Matcher
from triggers.notation import duration

LENGTH = Read("duration", duration)

_MATCH = re.compile(r"\s*(\w+)\s*(=~|!~|!=|=)(.*)", re.DOTALL)


@click.group()
def command() -> None:
    """Say what nobody need be told for a while.

    Alerts that a silence matches are looked at and kept as ever; only nobody is told of them.
    """


@command.command(name="list")
@click.option("--all", "every", is_flag=True, help="Expired ones too.")
@limit_option
@format_option
@with_settings
def list_(settings: Settings, every: bool, limit: int, form: str) -> None:
    """List silences, those that end last first."""
    now = now_us()
    states = list(State) if every else [State.PENDING, State.ACTIVE]
    with opened(settings) as database, database.read() as conn:
        page = silences.list_silences(conn, states, now, after=None, limit=limit)
    if form == "json":
        print_json(Shape(), cursors.answer(page.map(lambda each: document(each, now))))
        return
    rows = [
        (
            each.id,
            silences.state(each, now).value,
            ", ".join(map(written, each.matchers)),
            when(each.ends),
            each.author,
            each.reason,
        )
        for each in page.items
    ]
    if rows:
        print_table(("id", "state", "matches", "until", "by", "reason"), rows)
    else:
        note().print("Nothing is silenced.")
    if page.next is not None:
        more("there is more: ask for a greater --limit")


@command.command()
@click.option(
    "--match",
    "matches",
    multiple=True,
    required=True,
    metavar="LABEL=VALUE",
    help="severity=critical, 'name=~mart\\..*', tag!=test, owner!~team:.*. May be repeated: all must hold. Labels: "
    f"{', '.join(LABELS)}.",
)
@click.option("--for", "length", type=LENGTH, metavar="DURATION", help="How long: 90m, 2h, 1d.")
@click.option("--until", type=INSTANT, metavar="TIME", help="Or until when: 2026-11-22T18:00:00+01:00.")
@click.option("--from", "start", type=INSTANT, metavar="TIME", help="Not now, but from then on.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--reason", required=True, help="Why.")
@with_settings
def add(
    settings: Settings,
    matches: tuple[str, ...],
    length: int | None,
    until: int | None,
    start: int | None,
    by: str,
    reason: str,
) -> None:
    """Let nobody be told of the alerts that match, for a while."""
    if (length is None) == (until is None):
        raise click.UsageError("Say either --for how long or --until when.")
    now = now_us()
    starts = now if start is None else start
    ends = starts + length if length is not None else until
    body = {"matchers": [read(text) for text in matches], "ends_at": iso(ends), "starts_at": iso(starts)}
    wanted = silence_of(_checked(body | {"author": by, "reason": reason}), now)
    with opened(settings) as database, database.write() as conn:
        kept = silences.put(conn, wanted, None, now)
        database.notify(conn)
    out().print(plain(f"{kept.id} until {when(kept.ends)}"))


@command.command()
@click.argument("silence_id", metavar="ID")
@with_settings
def expire(settings: Settings, silence_id: str) -> None:
    """End a silence now."""
    with opened(settings) as database, database.write() as conn:
        silences.expire(conn, silence_id, now_us())
        database.notify(conn)
    out().print(Text("ended"))


def read(text: str) -> dict[str, Any]:
    """Read ``label=value``, or with ``!=``, ``=~`` or ``!~``, as the API takes it."""
    found = _MATCH.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no condition; write severity=critical or 'name=~mart.*'.")
    label, operator, value = found.groups()
    return {
        "label": label,
        "value": value.strip(),
        "regex": operator.endswith("~"),
        "negative": operator.startswith("!"),
    }


def written(matcher: Matcher) -> str:
    """Write a condition as ``--match`` takes it."""
    operator = ("!" if matcher.negative else "=") + (
        "~" if matcher.regex else "=" if matcher.negative else ""
    )
    return f"{matcher.label}{operator}{matcher.value}"


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = SilenceBody().load(body)
    except ValidationError as error:
        wrong = tuple(flat({"json": error.messages}))
        raise Unprocessable("That is no silence.", errors=wrong) from error
    return loaded
