"""``tidegate diff``: what came and what went between two times."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import click
from rich.text import Text

from collector.api import question_documents as documents
from collector.api.question_shapes import Difference as Shape
from collector.commands.asking import (
    asking,
    depth_option,
    fold_option,
    format_option,
    limit_option,
    mark,
    more,
    print_columns,
    print_json,
    short,
)
from collector.commands.terminal import INSTANT, out, plain, when, with_settings
from collector.commands.tree import node_label
from collector.questions.difference import Around, Difference, EdgeDifference, difference
from collector.questions.scope import Scope
from collector.settings import Settings
from lineage.traverse import Way

SIGNS: Final = {"came": Text("+", style="green"), "went": Text("−", style="red")}


@click.command()
@click.argument("node", required=False)
@click.option("--from", "start", type=INSTANT, required=True, help="As 2026-11-22T05:00:00Z.")
@click.option("--to", "end", type=INSTANT, help="Now if not given.")
@click.option(
    "--direction",
    type=click.Choice([way.value for way in Way]),
    default="both",
    show_default=True,
    help="With NODE: what it is made from, what is made from it, or both.",
)
@depth_option
@fold_option
@click.option("--control", is_flag=True, help="Also what runs after what without passing data.")
@limit_option
@format_option
@with_settings
def command(
    settings: Settings,
    node: str | None,
    start: int,
    end: int | None,
    direction: str,
    depth: int,
    fold: str,
    control: bool,
    limit: int,
    form: str,
) -> None:
    """Show the edges and nodes that came and went between two times, around NODE or in the whole graph.

    NODE is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.
    """
    with asking(settings, fold) as scope:
        around = None if node is None else Around(scope.find(node), Way(direction), depth)
        until = max(scope.now, start) if end is None else end
        if until < start:
            raise click.BadParameter("must not be before --from.", param_hint="'--to'")
        found = _all(scope, start, until, around, control, limit)
    if form == "json":
        print_json(Shape(), documents.difference(found, start, until))
        return
    if not found.edges:
        out().print("Nothing came, and nothing went.")
    else:
        rows: list[list[Text | str]] = [
            [SIGNS[each.change], when(each.at), _edge(each)] for each in found.edges
        ]
        print_columns(["", "at", "edge, and the run that did it"], rows, wide=2)
    for word in ("came", "went"):
        nodes = [item for item in found.nodes if item.change == word]
        if nodes:
            out().print(Text(f"\nNodes that {word}:", style="bold"))
        for item in nodes:
            out().print(Text("  ").append_text(SIGNS[word]).append(" ").append_text(node_label(item.id)))
    if found.next is not None or found.truncated:
        more("there is more: ask for a greater --limit, or for less time")


def _all(scope: Scope, start: int, end: int, around: Around | None, control: bool, limit: int) -> Difference:
    """Put pages together until there are enough: one may be empty although more follow."""
    found = difference(scope, start, end, around=around, control=control, limit=limit)
    while found.next is not None and len(found.edges) < limit:
        page = difference(
            scope,
            start,
            end,
            around=around,
            control=control,
            after=found.next,
            limit=limit - len(found.edges),
        )
        nodes = list(dict.fromkeys([*found.nodes, *page.nodes]))
        found = replace(found, edges=[*found.edges, *page.edges], nodes=nodes, next=page.next)
    return found


def _edge(each: EdgeDifference) -> Text:
    arrow = "\n→ " if each.kind == "data" else "\n⇢ "
    edge = node_label(each.source).append(arrow).append_text(node_label(each.target)).append("\n")
    if each.run is None:
        return edge.append("declared", style="dim")
    edge.append_text(mark(each.run.state)).append(f" {each.run.run_id}", style="dim")
    if each.run.job.name not in (short(each.source), short(each.target)):
        edge.append(" of ", style="dim").append_text(plain(each.run.job.name))
    return edge
