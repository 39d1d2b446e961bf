"""``tidegate lineage``: where data comes from and goes to, as a tree."""

from __future__ import annotations

import json
from dataclasses import replace

import click

from collector import exports
from collector.api.lineages import LEVELS, Question, answer, walk
from collector.commands.asking import depth_option, fold_option
from collector.commands.terminal import DURATION, INSTANT, note, opened, out, with_settings
from collector.commands.tree import lineage_tree
from collector.settings import Settings
from collector.times import now_us
from lineage.fold import Fold
from lineage.timeline import Moment
from lineage.traverse import Way


@click.command()
@click.argument("node")
@click.option(
    "--direction", type=click.Choice([way.value for way in Way]), default="upstream", show_default=True
)
@depth_option
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="job",
    show_default=True,
    help="Jobs and datasets, datasets alone, columns, or runs; a column or a run implies its own.",
)
@fold_option
@click.option("--control", is_flag=True, help="Follow also what runs after what without passing data.")
@click.option("--direct", is_flag=True, help="Of columns, leave out what only decides which rows there are.")
@click.option("--as-of", type=INSTANT, help="The graph at this time, as 2026-11-22T05:00:00Z.")
@click.option("--window", type=DURATION, help="Edges valid at some time so long before, as P7D.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "json", *exports.FORMAT_NAMES]),
    default="tree",
    show_default=True,
)
@with_settings
def command(
    settings: Settings,
    node: str,
    direction: str,
    depth: int,
    level: str,
    fold: str,
    control: bool,
    direct: bool,
    as_of: int | None,
    window: int | None,
    form: str,
) -> None:
    """Show where the data of NODE comes from, and goes to.

    NODE is dataset:NAMESPACE:NAME, job:NAMESPACE:NAME, column:NAMESPACE:NAME:FIELD or run:RUN_ID.
    """
    asked = Question(
        node,
        Way(direction),
        depth,
        level,
        Moment(now_us() if window is not None and as_of is None else as_of, window),
        Fold(fold),
        control=control,
        indirect=not direct,
        max_nodes=settings.max_nodes,
    )
    with opened(settings) as database, database.read() as conn:
        if form in exports.FORMAT_NAMES:
            asked = replace(asked, fold=exports.suits(form, level, asked.fold))
            part = walk(conn, asked)
            click.echo(exports.render(conn, part, form, asked.moment), nl=False)
            if part.truncated:
                note().print("There is more: ask for less depth, or from another node.", style="yellow")
            return
        found = answer(conn, asked)
    if form == "json":
        click.echo(json.dumps(found, indent=2))
    else:
        out().print(lineage_tree(found, node, direction))
