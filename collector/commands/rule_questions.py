"""``tidegate rules replay``, ``plan`` and ``suggest``: what rules would have said, and what history says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.text import Text

from collector.api import rule_question_documents as documents
from collector.api import rule_question_shapes as shapes
from collector.api.documents import write_document
from collector.api.rule_documents import read_rules
from collector.commands.asking import format_option, print_columns, print_json
from collector.commands.rule_reports import (
    print_changes,
    print_comparison,
    print_episodes,
    print_firings,
    print_notifications,
    print_replay,
)
from collector.commands.terminal import (
    INSTANT,
    Read,
    note,
    opened,
    progress_bar,
    with_settings,
)
from collector.questions.remarks import Remark
from collector.questions.replay import Watch, replay
from collector.questions.rule_plan import Span, plan
from collector.questions.suggestions import Asked, Suggested, suggestions
from collector.settings import Settings
from collector.times import iso, now_us
from lineage.instants import parse_instant
from triggers.documents import ruleset_of
from triggers.errors import RuleError
from triggers.notation import duration
from triggers.rule_files import document_of
from triggers.suggestions import MIN_RUNS
from triggers.zones import zone

FILES = click.argument(
    "files", metavar="FILE|DIR...", nargs=-1, required=True, type=click.Path(path_type=Path)
)

STYLES: Final = {"error": "red", "warning": "yellow", "note": "dim"}


def _ago(text: str) -> int:
    """Read how long ago (``30d``, negative then) or when, in µs."""
    try:
        return -duration(text)
    except RuleError:
        return parse_instant(text)[0]


SINCE = click.option(
    "--since",
    type=Read("time", _ago),
    default="30d",
    show_default=True,
    help="How long ago (12h, 30d, P1W), or a time.",
)
UNTIL = click.option("--until", type=INSTANT, help="Only what was received before this time.  [default: now]")


@click.command(name="replay")
@FILES
@SINCE
@UNTIL
@format_option
@with_settings
def replay_(settings: Settings, files: tuple[Path, ...], since: int, until: int | None, form: str) -> None:
    """Tell what the rules of FILE would have said over recorded history, and who would have been told.

    Nothing is written and nothing is sent. The decisions are those that a server would have made that never slept.
    Triggers fire as if they had been put in place at the start, and what they start is taken to end at once.
    """
    rules = ruleset_of(read_rules(files))
    start, end = _span(since, until)
    with opened(settings) as database, database.read() as conn, _watching() as watch:
        found = replay(conn, rules, start, end, watch)
    if form == "json":
        print_json(shapes.RuleReplay(), documents.replay(found))
        return
    print_replay(found)
    print_episodes(found)
    print_notifications(found)
    print_firings(found)


@click.command(name="plan")
@FILES
@SINCE
@UNTIL
@click.option("--no-replay", is_flag=True, help="Do not tell what the rules would have said.")
@format_option
@with_settings
def plan_(
    settings: Settings,
    files: tuple[Path, ...],
    since: int,
    until: int | None,
    no_replay: bool,
    form: str,
) -> None:
    """Show what would change if the rules of FILE were put in place of those that run. Nothing is changed.

    What would be said by the expectations that change is replayed with both.
    """
    rows = read_rules(files)
    start, end = _span(since, until)
    with opened(settings) as database, database.read() as conn, _watching() as watch:
        found = plan(conn, rows, None if no_replay else Span(start, end, watch))
    if form == "json":
        print_json(shapes.RulePlan(), documents.plan(found))
        return
    print_changes(found)
    if found.before is not None and found.after is not None:
        print_comparison(found, found.before, found.after)


@click.command()
@click.option("--namespace", help="Only datasets of this namespace.")
@click.option(
    "--name", "pattern", metavar="PATTERN", help="Only datasets of this name, in which * and ? are others."
)
@click.option(
    "--timezone", default="UTC", show_default=True, help="Whose clock the data go by: Europe/Berlin."
)
@click.option(
    "--min-runs",
    type=click.IntRange(2, 1000),
    default=MIN_RUNS,
    show_default=True,
    help="Updates from which on a rhythm is believed; of what comes monthly, 4.",
)
@click.option(
    "--since",
    type=Read("time", _ago),
    default="180d",
    show_default=True,
    help="How far to look back (12h, 180d, P1W), or a time.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write them there.  [default: print]",
)
@with_settings
def suggest(
    settings: Settings,
    namespace: str | None,
    pattern: str | None,
    timezone: str,
    min_runs: int,
    since: int,
    output: Path | None,
) -> None:
    """Derive expectations from when, and with how many rows, datasets have been updated: a file to review.

    What speaks for each stands beside it. `tidegate rules check` and `replay` take the file as it is.
    """
    try:
        zone(timezone)
    except RuleError as error:
        raise click.BadParameter(f"{error}.", param_hint="--timezone") from error
    start, end = _span(since, None)
    asked = Asked(start, end, timezone, namespace, pattern, min_runs)
    with (
        opened(settings) as database,
        database.read() as conn,
        progress_bar("reading datasets", None) as show,
    ):
        found = suggestions(conn, asked, show)
    text = suggested_file(found, timezone, start, end)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
    note().print(f"{len(found.suggestions)} expectations from {found.datasets} datasets")


def suggested_file(found: Suggested, timezone: str, since: int, until: int) -> str:
    """Write suggestions as a rule file, with what speaks for each beside it."""
    document = document_of(found.rows(timezone))
    expectations = document.pop("expectations", [])
    lines = [f"# Suggested by what was recorded from {iso(since)[:10]} to {iso(until)[:10]}: for review."]
    lines.append(write_document(document).rstrip())
    lines.append("expectations:" if expectations else "expectations: []")
    for suggestion, body in zip(found.suggestions, expectations, strict=True):
        lines += [f"# {sentence}" for sentence in suggestion.evidence]
        # Written as part of a document, of which the first line, the key, is known.
        lines += write_document({"expectations": [body]}).rstrip().splitlines()[1:]
    return "\n".join(lines) + "\n"


def print_remarks(remarks: list[Remark]) -> None:
    """Write what history says about rules."""
    rows = [(Text(each.severity, style=STYLES[each.severity]), each.rule, each.text) for each in remarks]
    if rows:
        print_columns(("", "rule", ""), rows, 2)


def _span(since: int, until: int | None) -> tuple[int, int]:
    end = now_us() if until is None else until
    start = end + since if since <= 0 else since
    if start >= end:
        raise click.BadParameter("Must be before --until.", param_hint="--since")
    return start, end


@contextmanager
def _watching() -> Iterator[Watch]:
    """Show on a terminal how far a replay is."""
    total = 0

    with progress_bar("replaying", None) as show:

        def begins(events: int) -> None:
            nonlocal total
            total = events

        yield Watch(begins, show)
