"""``tidegate lineage``: where data comes from and goes to, as a tree."""

from __future__ import annotations

import json

import click

from collector.api.subgraphs import document
from collector.commands.terminal import DURATION, INSTANT, opened, out, with_settings
from collector.commands.tree import lineage_tree
from collector.settings import Settings
from collector.storage.catalog import resolve_node
from collector.storage.graph import SqlGraph
from collector.times import now_us
from lineage.fold import Fold
from lineage.model import DatasetRef, JobRef
from lineage.timeline import Moment
from lineage.traverse import Level, Way, traverse


@click.command()
@click.argument("node")
@click.option(
    "--direction", type=click.Choice([way.value for way in Way]), default="upstream", show_default=True
)
@click.option(
    "--depth", type=click.IntRange(min=0), default=20, show_default=True, help="Edges to follow at most."
)
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default="job",
    show_default=True,
    help="Jobs and datasets, or datasets alone.",
)
@click.option(
    "--fold",
    type=click.Choice([fold.value for fold in Fold]),
    default="auto",
    show_default=True,
    help="The job that stands for a job: its parent, its root, itself (none), or its parent where a tool reports "
    "every step (auto).",
)
@click.option("--control", is_flag=True, help="Follow also what runs after what without passing data.")
@click.option("--as-of", type=INSTANT, help="The graph at this time, as 2026-11-22T05:00:00Z.")
@click.option("--window", type=DURATION, help="Edges valid at some time so long before, as P7D.")
@click.option("--format", "form", type=click.Choice(["tree", "json"]), default="tree", show_default=True)
@with_settings
def command(
    settings: Settings,
    node: str,
    direction: str,
    depth: int,
    level: str,
    fold: str,
    control: bool,
    as_of: int | None,
    window: int | None,
    form: str,
) -> None:
    """Show where the data of NODE comes from, and goes to.

    NODE is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.
    """
    moment = Moment(now_us() if window and as_of is None else as_of, window)
    with opened(settings) as database, database.read() as conn:
        found = resolve_node(conn, node)
        start = (JobRef if found.type == "job" else DatasetRef)(found.namespace, found.name)
        graph = SqlGraph(conn, moment, Fold(fold), control=control)
        subgraph = traverse(graph, start, Way(direction), depth, Level(level), settings.max_nodes)
    answer = document(subgraph)
    if form == "json":
        click.echo(json.dumps(answer, indent=2))
    else:
        out().print(lineage_tree(answer, found.text, direction))
