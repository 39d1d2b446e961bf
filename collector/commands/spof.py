"""``tidegate spof``: single points of failure."""

from __future__ import annotations

import click
from rich.text import Text

from collector.api import question_documents as documents
from collector.api.question_shapes import SinglePoints
from collector.commands.asking import (
    asking,
    depth_option,
    fold_option,
    format_option,
    level_option,
    limit_option,
    more,
    print_json,
)
from collector.commands.terminal import out, plain, with_settings
from collector.commands.tree import node_label
from collector.questions.routes import bottlenecks
from collector.settings import Settings
from lineage.traverse import Level, Way


@click.command()
@click.argument("node")
@click.option(
    "--direction",
    type=click.Choice([Way.UPSTREAM.value, Way.DOWNSTREAM.value]),
    default="upstream",
    show_default=True,
    help="Between the sources of NODE and it, or between it and its final consumers.",
)
@depth_option
@level_option
@fold_option
@limit_option
@format_option
@with_settings
def command(
    settings: Settings, node: str, direction: str, depth: int, level: str, fold: str, limit: int, form: str
) -> None:
    """Show the single points of failure of NODE: what everything, or much, from its sources has to pass.

    NODE is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.
    """
    with asking(settings, fold) as scope:
        found = bottlenecks(scope, node, Way(direction), depth=depth, level=Level(level), limit=limit)
    if form == "json":
        print_json(SinglePoints(), documents.single_points(found))
        return
    if not found.bottlenecks:
        ends = "sources" if direction == "upstream" else "final consumers"
        out().print(plain(f"No node stands alone between {found.node} and its {ends}."))
        return
    for each in found.bottlenecks:
        out().print(node_label(each.node.id, each.node.names))
        passed = (
            Text("everything passes it", style="red") if each.gate.everything else Text("a part passes it")
        )
        others = f"{each.gate.cut_off} other node{'s' if each.gate.cut_off != 1 else ''}"
        out().print(
            Text("  ").append_text(passed).append(f" · cuts off {others} · distance {each.node.depth}")
        )
    if found.truncated:
        more("there is more: ask for a greater --limit, or about a node nearer to it")
