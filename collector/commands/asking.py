"""What the commands that ask the graph share: their options, who asks, and how they write what they found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click
from marshmallow import Schema
from rich.table import Table
from rich.text import Text

from collector.commands.terminal import note, opened, out, plain
from collector.questions.scope import Scope
from collector.settings import Settings
from collector.times import now_us
from lineage.fold import Fold
from lineage.traverse import Level

NODE_HELP: Final = "NODE is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME."

depth_option = click.option(
    "--depth", type=click.IntRange(min=0), default=20, show_default=True, help="Edges to follow at most."
)
level_option = click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default="job",
    show_default=True,
    help="Jobs and datasets, or datasets alone.",
)
limit_option = click.option(
    "--limit", type=click.IntRange(min=1, max=5000), default=100, show_default=True, help="Lines at most."
)
fold_option = click.option(
    "--fold",
    type=click.Choice([fold.value for fold in Fold]),
    default="auto",
    show_default=True,
    help="The job that stands for a job: its parent, its root, itself (none), or its parent where a tool reports "
    "every step (auto).",
)
format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@contextmanager
def asking(settings: Settings, fold: str = Fold.AUTO.value) -> Iterator[Scope]:
    """Open the database for a question; whoever has it may see everything."""
    with opened(settings) as database, database.read() as conn:
        yield Scope(conn, now_us(), settings.max_nodes, fold=Fold(fold))


def print_json(shape: Schema, found: object) -> None:
    """Write an answer as the API gives it."""
    click.echo(json.dumps(shape.dump(found), indent=2))


def print_columns(headings: Sequence[str], rows: Sequence[Sequence[Text | str]], wide: int) -> None:
    """Write a table of which column number ``wide`` takes the room that the others leave."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(
            heading, overflow="fold", no_wrap=number != wide, ratio=1 if number == wide else None
        )
    for row in rows:
        table.add_row(*(plain(cell) if isinstance(cell, str) else cell for cell in row))
    out().print(table)


def more(text: str) -> None:
    """Say that there is more than what was written."""
    note().print(f"… {text}", style="yellow")


def short(node: str) -> str:
    """Give the name of a node without its namespace, for where the namespace is known or stands beside it."""
    return node.rpartition(":")[2]


def mark(state: str | None) -> Text:
    """Write the state of a run in its colour."""
    styles = {"COMPLETE": "green", "FAIL": "red", "ABORT": "red", "RUNNING": "yellow"}
    return Text(state or "", style=styles.get(state or "", ""))
