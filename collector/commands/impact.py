"""``tidegate impact``: who is affected by a change."""

from __future__ import annotations

import click
from rich.text import Text

from collector.api import question_documents as documents
from collector.api.question_shapes import Impact
from collector.commands.asking import (
    asking,
    depth_option,
    fold_option,
    format_option,
    level_option,
    limit_option,
    mark,
    more,
    print_columns,
    print_json,
)
from collector.commands.terminal import out, plain, when, with_settings
from collector.commands.tree import node_label
from collector.questions.impact import Consumer, impact
from collector.settings import Settings
from lineage.impact import Affected
from lineage.traverse import Level

STYLES = {Affected.YES: "red", Affected.NO: "green", Affected.UNKNOWN: "yellow"}


@click.command()
@click.argument("node")
@depth_option
@level_option
@fold_option
@limit_option
@format_option
@with_settings
def command(settings: Settings, node: str, depth: int, level: str, fold: str, limit: int, form: str) -> None:
    """Show who is affected if NODE changes: all that is made from it, the nearest first.

    NODE is dataset:NAMESPACE:NAME, job:NAMESPACE:NAME, or column:NAMESPACE:NAME:FIELD; of a column also whether each
    is affected, or reads only others.
    """
    with asking(settings, fold) as scope:
        found = impact(scope, node, depth=depth, level=Level(level), limit=limit)
    if form == "json":
        print_json(Impact(), documents.impact(found))
        return
    if not found.consumers:
        out().print(plain(f"Nothing is made from {found.start}."))
        return
    of_column = any(consumer.verdict for consumer in found.consumers)
    headings = ["far", "node", "fresh", "owner", "tool"]
    rows = [[str(each.node.depth), _node(each), *_facts(each)] for each in found.consumers]
    if of_column:
        headings.insert(1, "affected")
        for row, each in zip(rows, found.consumers, strict=True):
            if each.verdict:
                row.insert(1, Text(each.verdict.affected.value, style=STYLES[each.verdict.affected]))
    print_columns(headings, rows, wide=headings.index("node"))
    if found.truncated:
        more("there is more: ask for a greater --limit")


def _node(each: Consumer) -> Text:
    label = node_label(each.node.id, each.node.names)
    return (
        label
        if each.verdict is None
        else label.append_text(Text("\n")).append(plain(each.verdict.why), "dim")
    )


def _facts(each: Consumer) -> list[Text | str]:
    owners = ", ".join(owner.name for owner in each.owners)
    if each.node.type == "dataset":
        return [when(each.last_update.event_time) if each.last_update else "never", owners, ""]
    if each.last_run is None:
        return ["no run", owners, each.tool or ""]
    at = when(each.last_run.ended_at or each.last_run.first_event_at)
    return [Text(f"{at} ").append_text(mark(each.last_run.state)), owners, each.tool or ""]
