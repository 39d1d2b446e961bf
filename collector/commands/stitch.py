"""``tidegate stitch``: names that are probably one dataset."""

from __future__ import annotations

import json
from typing import Any

import click
import yaml

from collector.api.stitch import as_item
from collector.api.stitch_shapes import Suggestion as Shape
from collector.commands.terminal import note, opened, out, print_table, with_settings
from collector.commands.waiting import follow_rules
from collector.errors import NotFound
from collector.settings import Settings
from collector.storage import stitch
from collector.storage.engine import Database
from collector.times import now_us
from lineage.stitch import Suggestion

BY = "command line"
"""Who has decided, where nobody has shown a key."""

NUMBER = click.argument("number", metavar="N", type=click.IntRange(min=1))


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Most to list.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True
)
@click.pass_context
@with_settings
def command(settings: Settings, context: click.Context, limit: int, form: str) -> None:
    """Suggest which names are one dataset.

    Lists pairs, the best first, each with the evidence and the rule that would join them. The format yaml is a
    document for tidegate aliases.
    """
    if context.invoked_subcommand is not None:
        return
    with opened(settings) as database:
        found = _suggested(database)
    items = found.items[:limit]
    if form == "json":
        shown = [as_item(rank, item) for rank, item in enumerate(items, 1)]
        click.echo(json.dumps(Shape(many=True).dump(shown), indent=2))
    elif form == "yaml":
        document = {"version": 1, "rules": _rules(items)}
        click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000), nl=False)
    elif items:
        _print(items)
    if not items:
        note().print("No two names look like one dataset.")
    elif len(items) < len(found.items):
        note().print(f"{len(found.items) - len(items)} more: use a larger --limit.")
    if found.truncated:
        note().print("There are too many names to compare them all.", style="yellow")


@command.command()
@NUMBER
@click.option("--exact", is_flag=True, help="Join these two names only, not all that the rule accounts for.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the catalog follows.")
@with_settings
def accept(settings: Settings, number: int, exact: bool, no_wait: bool) -> None:
    """Add the rule of suggestion N, as the list numbers it."""
    with opened(settings) as database:
        found = _numbered(database, number)
        with database.write() as conn:
            rules, revision = stitch.accept(conn, found, now_us(), BY, exact=exact)
            database.notify(conn)
        if not no_wait:
            follow_rules(database, settings, revision)
    for rule in rules:
        out().print(_line(rule), markup=False, soft_wrap=True)


@command.command()
@NUMBER
@with_settings
def dismiss(settings: Settings, number: int) -> None:
    """Never suggest the pair N again: the two are two datasets."""
    with opened(settings) as database:
        found = _numbered(database, number)
        with database.write() as conn:
            stitch.decide(conn, found.one, found.other, "dismissed", now_us(), BY)
    out().print(f"{_name(found.one)} is not {_name(found.other)}", markup=False, soft_wrap=True)


def _suggested(database: Database) -> stitch.Suggested:
    with database.read() as conn:
        return stitch.suggested(conn, visible=None)


def _numbered(database: Database, number: int) -> Suggestion:
    items = _suggested(database).items
    if number > len(items):
        raise NotFound(f"There is no suggestion {number}; there are {len(items)}.")
    return items[number - 1]


def _print(items: list[Suggestion]) -> None:
    """Write each suggestion in as many lines as it has evidence, and the rules once, after the table."""
    rows: list[tuple[object, ...]] = []
    for rank, item in enumerate(items, 1):
        words = [piece.words if piece.weight > 0 else f"but {piece.words}" for piece in item.evidence]
        names = [_name(item.one), f"= {_name(item.other)}"]
        for line in range(max(len(words), len(names))):
            first = (rank, item.confidence) if not line else ("", "")
            rows.append((*first, *(some[line] if line < len(some) else "" for some in (names, words))))
    print_table(("", "confidence", "names", "evidence"), rows)
    out().print()
    by_rule: dict[str, list[int]] = {}
    for rank, item in enumerate(items, 1):
        for rule in item.rules:
            by_rule.setdefault(_line(stitch.body_of(rule)), []).append(rank)
    print_table(("joins", "rule"), [(_ranges(ranks), line) for line, ranks in by_rule.items()])


def _rules(items: list[Suggestion]) -> list[dict[str, Any]]:
    return [stitch.body_of(rule) for rule in dict.fromkeys(rule for item in items for rule in item.rules)]


def _line(rule: dict[str, Any]) -> str:
    """Write a rule as a line of a document of rules."""
    return (
        "- "
        + yaml.safe_dump(rule, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)[
            1:-2
        ]
    )


def _ranges(numbers: list[int]) -> str:
    """Write numbers as people do: 1–3, 8."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(f"{some[0]}–{some[-1]}" if len(some) > 1 else str(some[0]) for some in found)


def _name(ref: tuple[str, str]) -> str:
    return ":".join(ref)
