"""``tidegate ingest``: events from files into the log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from collector.commands.terminal import note, opened, print_table, progress_bar, with_settings
from collector.commands.waiting import project, projecting_beside, served
from collector.errors import BadRequest
from collector.ingest.files import Found, Summary, events_in, files_of, ingest
from collector.settings import Settings

LARGE_INPUT = 20_000_000
"""Bytes of input, some 4,000 events, from which on a second process projects while this one reads."""

SHOWN = 20
"""Refusals printed; the rest can be listed with ``tidegate rejected list``."""


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE…|-")
@click.option("--no-wait", is_flag=True, help="Do not wait until the read API shows the events.")
@with_settings
def command(settings: Settings, paths: tuple[str, ...], no_wait: bool) -> None:
    """Write the events of files to the log and show them in the catalog.

    Reads JSON lines, JSON over several lines, captured requests, and folders that the file transport of
    OpenLineage's clients has filled; the form is told by the content. "-" is standard input. Events that are
    in the log already are counted as duplicates. The exit status is 1 if any event was refused.
    """
    files = _files(paths)
    with opened(settings, create=True) as database:
        total = None if "-" in paths else sum(file.stat().st_size for file in files)
        # Starting a second process takes longer than a small file; and a server that runs will project.
        large = not no_wait and (total or 0) > LARGE_INPUT and not served(database)
        with projecting_beside(settings) if large else nullcontext():
            with progress_bar("reading", total, of_bytes=True) as show:
                summary = ingest(database, _events(files, settings.max_body_bytes, show))
            if not no_wait:
                project(database, settings, helped=large)
    _report(summary)
    if summary.refused:
        sys.exit(1)


def _files(paths: Sequence[str]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path == "-":
            files.append(Path("-"))
        elif Path(path).exists():
            files += files_of(Path(path))
        else:
            raise BadRequest(f"There is no file {path}.")
    return files


def _events(files: Sequence[Path], limit: int, show: Callable[[int], None]) -> Iterator[Found]:
    before = 0
    for file in files:
        if file == Path("-"):
            yield from events_in(sys.stdin.buffer, "-", limit)
            continue
        try:
            with file.open("rb") as stream:
                yield from _shown(stream, events_in(stream, str(file), limit), before, show)
                before += stream.tell()
        except OSError as error:
            raise BadRequest(f"{file} cannot be read: {error.strerror}.") from error


def _shown(
    stream: BinaryIO, items: Iterator[Found], before: int, show: Callable[[int], None]
) -> Iterator[Found]:
    for number, item in enumerate(items):
        if number % 100 == 0:
            show(before + stream.tell())
        yield item


def _report(summary: Summary) -> None:
    print_table(
        ("accepted", "duplicates", "refused"), [(summary.accepted, summary.duplicates, summary.refused)]
    )
    for refusal in summary.refusals[:SHOWN]:
        note().print(f"{refusal.place}: {refusal.reason}", style="red", markup=False)
    if summary.refused > SHOWN:
        note().print(f"… and {summary.refused - SHOWN} more: tidegate rejected list")
