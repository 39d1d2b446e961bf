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
    rows: list[list[Text | str]] = [
        [str(each.node.depth), *_affected(each), _told(each)] for each in found.consumers
    ]
    print_columns(["distance", *(["affected"] if of_column else []), "node"], rows, wide=1 + of_column)
    if found.truncated:
        more("there is more: ask for a greater --limit")


def _affected(each: Consumer) -> list[Text]:
    if each.verdict is None:
        return []
    return [Text(each.verdict.affected.value, style=STYLES[each.verdict.affected])]


def _told(each: Consumer) -> Text:
    """Write a node, below it what is known of it."""
    facts: list[Text] = []
    if each.node.type == "dataset":
        fresh = each.last_update
        facts.append(Text(f"updated {when(fresh.event_time)}" if fresh else "no update known"))
    elif each.last_run is None:
        facts.append(Text("no run known"))
    else:
        facts.append(mark(each.last_run.state).append(f" {when(each.last_run.last_event_at)}"))
    facts += [plain(each.tool)] if each.tool else []
    facts += [plain("owned by " + ", ".join(owner.name for owner in each.owners))] if each.owners else []
    facts += [plain(each.verdict.why)] if each.verdict else []
    below = Text(" · ").join(facts)
    below.stylize("dim")
    return node_label(each.node.id, each.node.names).append("\n").append_text(below)
