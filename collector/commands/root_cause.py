"""``tidegate root-cause``: what may be the cause that a dataset or job is bad."""

from __future__ import annotations

import click
from rich.text import Text
from rich.tree import Tree

from collector.api.question_shapes import RootCause as Shape
from collector.commands.asking import (
    asking,
    depth_option,
    fold_option,
    format_option,
    limit_option,
    more,
    print_json,
    short,
)
from collector.commands.terminal import out, plain, with_settings
from collector.commands.tree import node_label
from collector.questions.root_cause import RootCause, root_cause
from collector.settings import Settings


@click.command()
@click.argument("node")
@depth_option
@fold_option
@limit_option
@format_option
@with_settings
def command(settings: Settings, node: str, depth: int, fold: str, limit: int, form: str) -> None:
    """Show what may be the cause that NODE is bad: what failed, is late or did not happen upstream.

    NODE is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.
    """
    with asking(settings, fold) as scope:
        found = root_cause(scope, node, depth=depth, limit=limit)
    if form == "json":
        print_json(Shape(), found)
        return
    out().print(plain(found.explanation))
    if found.causes:
        out().print(_tree(found))
    if found.truncated:
        more("there is more: ask for a greater --limit or --depth, or about a node upstream")


def _tree(found: RootCause) -> Tree:
    tree = Tree(node_label(found.node, bold=True))
    for cause in found.causes:
        style = "yellow" if cause.fault.weak or cause.follows else "red"
        head = Text(cause.fault.value.replace("_", " "), style=f"bold {style}").append("  ")
        branch = tree.add(head.append_text(node_label(cause.node)))
        branch.add(plain(cause.why))
        if len(cause.path) > 1:
            branch.add(plain(" → ".join(short(node) for node in cause.path)).append("", "dim"))
        if cause.follows:
            branch.add(
                Text("may follow from ", style="dim").append_text(plain(", ".join(map(short, cause.follows))))
            )
    return tree
