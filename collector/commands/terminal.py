"""What all commands share: the options, the way to the database, and how they write."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from collector.errors import ConfigurationError
from collector.settings import Settings
from collector.storage.engine import Database, parse_url
from collector.times import iso
from lineage.instants import parse_duration, parse_instant

P = ParamSpec("P")
R = TypeVar("R")

WIDE: Final = 1000
"""Columns where nobody looks: what goes into a pipe must not be cut off to fit a screen."""


class Read(click.ParamType[int]):
    """An option that is read by a function, which raises ValueError for what it cannot read."""

    def __init__(self, name: str, read: Callable[[str], int]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Give microseconds."""
        try:
            return value if isinstance(value, int) else self._read(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


INSTANT: Final = Read("time", lambda text: parse_instant(text)[0])
DURATION: Final = Read("duration", parse_duration)


def with_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Give a command the option ``--database`` and its settings as the first argument."""

    @click.option("-d", "--database", metavar="URL", help="Database, instead of the configured one.")
    @functools.wraps(command)
    def wrapped(*args: P.args, **options: P.kwargs) -> R:
        given = options.pop("database", None)
        return command(load_settings().override(database=given), *args, **options)

    return wrapped


def load_settings() -> Settings:
    """Read the settings as the option ``--config`` of the whole program says."""
    return Settings.load(os.environ, click.get_current_context().find_root().params.get("config"))


@contextmanager
def opened(settings: Settings, *, create: bool = False) -> Iterator[Database]:
    """Open the database, migrated; a SQLite file that is not there is made only if asked for."""
    url = parse_url(settings.database)
    if url.get_backend_name() == "sqlite" and not create and not Path(str(url.database)).exists():
        raise ConfigurationError(
            f"There is no database file {url.database} here; name another with --database sqlite:///FILE."
        )
    # Not at the top: ``serve`` prepares the metrics before anything may import them.
    from collector import telemetry, wiring

    telemetry.configure_logging(settings.log_format, settings.log_level)
    wiring.prepare(settings)
    database = Database(settings.database)
    try:
        yield database
    finally:
        database.close()


def out() -> Console:
    """The console for results."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else WIDE)


def note() -> Console:
    """The console for everything else; results can be piped while it is read."""
    return Console(file=sys.stderr, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write rows in columns. Texts are written as they are: what looks like markup came from outside."""
    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(plain("" if value is None else str(value)) for value in row))
    out().print(table)


def plain(text: str) -> Any:
    """Give a text that the console neither interprets nor lets control it."""
    from rich.text import Text

    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))


def when(instant: int | None) -> str:
    """Write an instant to the second, for people."""
    text = iso(instant)
    return f"{text[:19]}Z" if text else ""


@contextmanager
def progress_bar(
    description: str, total: int | None, *, of_bytes: bool = False
) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, nothing elsewhere; the function it gives takes what is done so far."""
    middle: list[ProgressColumn] = [TaskProgressColumn()] if of_bytes else [MofNCompleteColumn()]
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), *middle, TimeRemainingColumn()]
    console = note()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(description, total=total)
        yield lambda done: progress.update(task, completed=done)
