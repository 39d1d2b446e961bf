"""``tidegate expectations``: what is expected of datasets, and what was decided when."""

from __future__ import annotations

from typing import Any

import click
import yaml
from rich.text import Text

from collector.api import cursors
from collector.api import freshness_documents as documents
from collector.api import freshness_shapes as shapes
from collector.commands.asking import asking, format_option, limit_option, more, print_columns, print_json
from collector.commands.freshness import print_standings
from collector.commands.standing_text import by_clock, how_long, mark_state
from collector.commands.terminal import note, out, plain, with_settings
from collector.questions.standings import Defined, Standings
from collector.settings import Settings
from collector.storage.pages import Page
from collector.storage.standing_reads import WORST_FIRST, Wanted


@click.group()
def command() -> None:
    """Show what is expected of datasets, and what was decided when."""


@command.command(name="list")
@limit_option
@format_option
@with_settings
def list_(settings: Settings, limit: int, form: str) -> None:
    """List what is expected, and how many datasets stand how to it."""
    with asking(settings) as scope:
        page = Standings(scope).expectations(after=None, limit=limit)
    if form == "json":
        print_json(shapes.Expectations(), cursors.answer(page.map(documents.expectation)))
        return
    if not page.items:
        note().print("Nothing is expected of any dataset: see tidegate rules.")
        return
    rows: list[list[Text | str]] = [
        [each.id, each.condition, each.severity, str(each.datasets), _states(each)] for each in page.items
    ]
    print_columns(["expectation", "kind", "severity", "datasets", "states"], rows, wide=4)
    _more(page)


@command.command()
@click.argument("expectation_id", metavar="ID")
@limit_option
@format_option
@with_settings
def show(settings: Settings, expectation_id: str, limit: int, form: str) -> None:
    """Show an expectation, and how its datasets stand."""
    with asking(settings) as scope:
        standings = Standings(scope)
        found = standings.expectation(expectation_id)
        page = standings.page(Wanted(expectation=expectation_id), after=None, limit=limit)
    if form == "json":
        print_json(shapes.ExpectationDetail(), documents.expectation(found) | documents.standings(page))
        return
    definition = yaml.safe_dump(found.body, sort_keys=False, allow_unicode=True)
    out().print(plain_lines(definition))
    out().print(_states(found))
    out().print()
    print_standings(page.items)
    _more(page)


@command.command()
@click.argument("expectation_id", metavar="ID")
@click.argument("dataset")
@limit_option
@format_option
@with_settings
def history(settings: Settings, expectation_id: str, dataset: str, limit: int, form: str) -> None:
    """Show what an expectation decided of DATASET (dataset:NAMESPACE:NAME), the newest first."""
    with asking(settings) as scope:
        standings = Standings(scope)
        standings.expectation(expectation_id)
        ref, _ = standings.find(dataset)
        page = standings.history(
            expectation_id, standings.dataset_id(ref.namespace, ref.name), after=None, limit=limit
        )
    if form == "json":
        print_json(shapes.Decisions(), cursors.answer(page.map(documents.decision)))
        return
    rows: list[list[Text | str]] = [
        [
            by_clock(each.decided.at, each.timezone),
            mark_state(each.decided.kept.state),
            how_long(each.decided.kept.late_by),
            each.decided.prompt,
            each.sentence,
        ]
        for each in page.items
    ]
    if rows:
        print_columns(["decided", "state", "late by", "prompted by", "because"], rows, wide=4)
    else:
        note().print("Nothing was decided of it yet.")
    _more(page)


def plain_lines(text: str) -> Text:
    """Give a text of several lines that the console neither interprets nor lets control it."""
    return Text("\n").join(plain(line) for line in text.splitlines())


def _states(found: Defined) -> Text:
    marks = [
        Text.assemble(f"{found.states[state]} ", mark_state(state))
        for state in WORST_FIRST
        if state in found.states
    ]
    return Text(", ").join(marks) if marks else Text("no dataset is meant", style="yellow")


def _more(page: Page[Any]) -> None:
    if page.next is not None:
        more("there is more: ask for a greater --limit")
