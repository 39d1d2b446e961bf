"""``tidegate freshness``: how datasets stand to what is expected of them."""

from __future__ import annotations

import click
from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from collector.api import freshness_documents as documents
from collector.api.freshness_shapes import Standings as Shape
from collector.commands.asking import asking, format_option, limit_option, more, print_json
from collector.commands.standing_text import by_clock, how_long, mark_state, named
from collector.commands.terminal import note, out, plain, with_settings
from collector.questions.standings import Standing, Standings
from collector.settings import Settings
from collector.storage.standing_reads import Wanted
from triggers.verdict import State


@click.command()
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in State]),
    help="Only in this state. May be repeated.",
)
@click.option("--violated", is_flag=True, help="Only what is not as expected: late, missed, failed.")
@click.option("--namespace", help="Only datasets of this namespace.")
@click.option("--name", help="Only datasets of this name.")
@click.option("--expectation", metavar="ID", help="Only what this expectation says.")
@click.option("--owner", help="Only datasets that this one owns.")
@click.option("--tag", help="Only datasets with this tag.")
@limit_option
@format_option
@with_settings
def command(
    settings: Settings,
    states: tuple[str, ...],
    violated: bool,
    namespace: str | None,
    name: str | None,
    expectation: str | None,
    owner: str | None,
    tag: str | None,
    limit: int,
    form: str,
) -> None:
    """Show how datasets stand to what is expected of them, the worst first.

    Times are by the clock of the expectation. A state with a question mark would be worse, were it sure that nothing of
    use still waits to be read.
    """
    chosen = [state for state in map(State, states or State) if state.violated or not violated]
    with asking(settings) as scope:
        standings = Standings(scope)
        wanted = Wanted(
            states=chosen if states or violated else None,
            expectation=expectation,
            namespace=namespace,
            name=name,
            dataset_ids=standings.picked(owner, tag),
        )
        page = standings.page(wanted, after=None, limit=limit)
        counts = standings.counts()
    if form == "json":
        print_json(Shape(), documents.standings(page))
        return
    print_standings(page.items)
    if page.next is not None:
        more("there is more: ask for a greater --limit, or for less of it")
    note().print(_summary(counts), style="dim")


def print_standings(found: list[Standing]) -> None:
    """Write standings in columns, and below each, over all of them, why it is so."""
    headings = ("state", "late by", "due", "last update", "dataset")
    rows = [_cells(each) for each in found]
    widths = [
        max(map(cell_len, (heading, *(row[number].plain for row in rows))))
        for number, heading in enumerate(headings[:-1])
    ]
    for number, (row, each) in enumerate(zip(rows, found, strict=True)):
        table = Table(*headings, box=None, pad_edge=False, show_header=not number, header_style="bold")
        for column, width in zip(table.columns, widths, strict=False):
            column.width, column.no_wrap = width, True
        table.columns[-1].overflow = "fold"
        table.add_row(*row)
        out().print(table)
        out().print(Padding(_reason(each), (0, 0, 0, widths[0] + 2), expand=False))


def _cells(each: Standing) -> list[Text]:
    timezone, updated = each.expectation.timezone, each.last_update
    return [
        mark_state(each.kept.state, held=each.held),
        plain(how_long(each.late_by)),
        plain(by_clock(each.kept.deadline, timezone, short=True)),
        plain(by_clock(updated.event_time if updated else None, timezone, short=True)),
        plain(f"{each.dataset.namespace}:{each.dataset.name}"),
    ]


def _reason(each: Standing) -> Text:
    text: Text = plain(f"{each.expectation.id}: {each.sentence}")
    if each.cause is not None:
        text.append_text(plain(f" Because of {named(each.cause)}."))
    if each.forecast is not None and each.forecast.outlook.missing and each.forecast.sentence:
        text.append_text(plain(f" {each.forecast.sentence}"))
    text.stylize("dim")
    return text


def _summary(counts: dict[State, int]) -> str:
    told = [f"{number} {state.value}" for state, number in counts.items() if number]
    return ", ".join(told) or "Nothing is expected of any dataset: see tidegate rules."
