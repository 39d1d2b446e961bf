"""``tidegate slo``: which share of the deadlines was met."""

from __future__ import annotations

import click

from collector.api.slo_shapes import Slo, document
from collector.commands.asking import asking, format_option, limit_option, more, print_columns, print_json
from collector.commands.terminal import INSTANT, out, plain, when, with_settings
from collector.questions.slo import Asked, Budget, Group, Line, Period, slo
from collector.settings import Settings

HEADINGS = ("who", "met", "deadlines", "share", "objective", "budget left", "burned", "nothing left since")


@click.command()
@click.option(
    "--group",
    type=click.Choice([group.value for group in Group]),
    default="dataset",
    show_default=True,
    help="What to count together.",
)
@click.option(
    "--period",
    type=click.Choice([period.value for period in Period]),
    help="Deadlines of this day, week, month or quarter (UTC); else those of the period of each objective, or of "
    "thirty days.",
)
@click.option("--since", type=INSTANT, help="Deadlines at this time or later, as 2026-11-22T05:00:00Z.")
@click.option("--until", type=INSTANT, help="Deadlines before this time; now if not given.")
@click.option("--namespace", help="Only of datasets of this namespace.")
@click.option("--expectation", help="Only of this expectation.")
@limit_option
@format_option
@with_settings
def command(
    settings: Settings,
    group: str,
    period: str | None,
    since: int | None,
    until: int | None,
    namespace: str | None,
    expectation: str | None,
    limit: int,
    form: str,
) -> None:
    """Show the share of deadlines that were met, the smallest first, and what is left of the error budget."""
    if period is not None and (since is not None or until is not None):
        raise click.UsageError("--period says itself from when until when.")
    if since is not None and until is not None and until < since:
        raise click.UsageError("--until must not be before --since.")
    with asking(settings) as scope:
        if period is not None:
            since = Period(period).start(scope.now)
        end = max(scope.now, since or 0) if until is None else until
        asked = Asked(Group(group), since, end, namespace, expectation)
        found = slo(scope, asked, skip=0, limit=limit)
    if form == "json":
        print_json(Slo(), document(asked, found))
        return
    if not found.lines:
        out().print(plain("There were no deadlines."))
        return
    print_columns(HEADINGS, [_cells(each, group) for each in found.lines], wide=0)
    if found.next is not None:
        more("there are more: ask for a greater --limit")


def _cells(line: Line, group: str) -> list[str]:
    return [
        f"(no {group})"
        if line.who is None
        else line.who.removeprefix("dataset:")
        if group == "dataset"
        else line.who,
        str(line.met),
        str(line.deadlines),
        _percent(line.share),
        _percent(line.objective),
        *_budget(line.budget),
    ]


def _budget(budget: Budget | None) -> list[str]:
    if budget is None:
        return ["", "", ""]
    left = f"{budget.left:.1f}" + (
        "" if budget.left_share is None else f" of {budget.allowed:.1f} ({budget.left_share:.0%})"
    )
    return [left, _percent(budget.burned), when(budget.exhausted_at)]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.2f} %"
