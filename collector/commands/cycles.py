"""``tidegate cycles``: where data run in circles."""

from __future__ import annotations

import click

from collector.api.question_parameters import DEFAULT_EDGES, MOST_EDGES
from collector.api.question_shapes import Cycles
from collector.commands.asking import (
    asking,
    depth_option,
    fold_option,
    format_option,
    limit_option,
    more,
    print_json,
)
from collector.commands.paths import print_path
from collector.commands.terminal import out, with_settings
from collector.questions.routes import all_cycles, cycles_around
from collector.settings import Settings


@click.command()
@click.argument("node", required=False)
@depth_option
@fold_option
@click.option(
    "--max-edges",
    type=click.IntRange(min=1, max=MOST_EDGES),
    default=DEFAULT_EDGES,
    show_default=True,
    help="Without NODE: edges to look at.",
)
@limit_option
@format_option
@with_settings
def command(
    settings: Settings, node: str | None, depth: int, fold: str, max_edges: int, limit: int, form: str
) -> None:
    """Show which datasets are made of each other, around NODE or in the whole graph.

    NODE is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.
    """
    with asking(settings, fold) as scope:
        if node is None:
            found = all_cycles(scope, max_edges=max_edges, limit=limit)
        else:
            found = cycles_around(scope, node, depth=depth, limit=limit)
    if form == "json":
        print_json(Cycles(), found)
        return
    if not found.cycles:
        out().print(f"No cycle among {found.edges} edges.")
    for number, cycle in enumerate(found.cycles):
        if number:
            out().print()
        print_path(cycle.example, f"{cycle.size} datasets are made of each other; a way round:")
    if found.truncated:
        more("there is more: ask for a greater --limit, --max-edges or --depth")
