"""``tidegate paths``: the ways in which data get from one node to another."""

from __future__ import annotations

import click
from rich.text import Text

from collector.api.question_parameters import DEFAULT_PATHS, MOST_PATHS
from collector.api.question_shapes import Paths
from collector.commands.asking import (
    asking,
    depth_option,
    fold_option,
    format_option,
    level_option,
    more,
    print_json,
    short,
)
from collector.commands.terminal import out, plain, with_settings
from collector.commands.tree import node_label
from collector.questions.routes import Path, routes
from collector.settings import Settings
from lineage.traverse import Level


@click.command()
@click.argument("source")
@click.argument("target")
@depth_option
@level_option
@fold_option
@click.option("--undirected", is_flag=True, help="Go against the flow of data too.")
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=MOST_PATHS),
    default=DEFAULT_PATHS,
    show_default=True,
    help="Paths at most.",
)
@format_option
@with_settings
def command(
    settings: Settings,
    source: str,
    target: str,
    depth: int,
    level: str,
    fold: str,
    undirected: bool,
    limit: int,
    form: str,
) -> None:
    """Show the ways in which data get from SOURCE to TARGET, the shortest first.

    SOURCE and TARGET are dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.
    """
    with asking(settings, fold) as scope:
        found = routes(
            scope, source, target, depth=depth, level=Level(level), undirected=undirected, limit=limit
        )
    if form == "json":
        print_json(Paths(), found)
        return
    if not found.paths:
        out().print(plain(f"No data get from {found.source} to {found.target} in {depth} edges."))
    for number, path in enumerate(found.paths):
        if number:
            out().print()
        print_path(path, f"{path.length} edge{'s' if path.length != 1 else ''}")
    if found.truncated:
        more("there may be more: ask for a greater --limit or --depth")


def print_path(path: Path, heading: str) -> None:
    """Write the nodes of a path one below the other, each with an arrow the way the data flow."""
    out().print(Text(heading, style="bold"))
    out().print(Text("    ").append_text(node_label(path.nodes[0])))
    for step, node in zip(path.steps, path.nodes[1:], strict=True):
        line = Text("  → " if step.target == node else "  ← ").append_text(node_label(node))
        if step.via:
            line.append_text(Text(f"  by {', '.join(map(short, step.via))}", style="dim"))
        out().print(line)
