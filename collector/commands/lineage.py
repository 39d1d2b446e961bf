"""``tidegate lineage``: where data comes from and goes to, as a tree."""

from __future__ import annotations

import json

import click

from collector.api.log_shapes import Lineage
from collector.commands.terminal import opened, out, with_settings
from collector.commands.tree import lineage_tree
from collector.settings import Settings
from collector.storage.catalog import resolve_node
from collector.storage.graph import SqlGraph
from lineage.model import DatasetRef, JobRef
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
@click.option("--format", "form", type=click.Choice(["tree", "json"]), default="tree", show_default=True)
@with_settings
def command(settings: Settings, node: str, direction: str, depth: int, level: str, form: str) -> None:
    """Show where the data of NODE comes from, and goes to.

    NODE is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.
    """
    with opened(settings) as database, database.read() as conn:
        found = resolve_node(conn, node)
        start = (JobRef if found.type == "job" else DatasetRef)(found.namespace, found.name)
        subgraph = traverse(SqlGraph(conn), start, Way(direction), depth, Level(level), settings.max_nodes)
    answer = Lineage().dump(subgraph)
    if form == "json":
        click.echo(json.dumps(answer, indent=2))
    else:
        out().print(lineage_tree(answer, found.text, direction))
