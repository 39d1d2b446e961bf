"""``tidegate changes``: what has changed upstream."""

from __future__ import annotations

import click
from rich.text import Text

from collector.api import question_documents as documents
from collector.api.question_shapes import Changes
from collector.commands.asking import (
    asking,
    depth_option,
    fold_option,
    format_option,
    limit_option,
    more,
    print_columns,
    print_json,
)
from collector.commands.terminal import INSTANT, out, plain, when, with_settings
from collector.commands.tree import node_label
from collector.questions.changes import changes
from collector.settings import Settings


@click.command()
@click.argument("node")
@click.option("--since", type=INSTANT, required=True, help="As 2026-11-22T05:00:00Z.")
@depth_option
@fold_option
@limit_option
@format_option
@with_settings
def command(settings: Settings, node: str, since: int, depth: int, fold: str, limit: int, form: str) -> None:
    """Show what has changed since a time upstream of NODE: edges, schemas, code, and how runs ended.

    NODE is dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.
    """
    with asking(settings, fold) as scope:
        found = changes(scope, node, since, depth=depth, after=None, limit=limit)
    if form == "json":
        print_json(Changes(), documents.changes(found))
        return
    if not found.changes:
        out().print(plain(f"Nothing has changed upstream of {found.node} since {when(since)}."))
        return
    rows: list[list[Text | str]] = [
        [when(each.at), each.kind, node_label(each.node).append("\n").append_text(plain(each.what))]
        for each in found.changes
    ]
    print_columns(["at", "kind", "what"], rows, wide=2)
    if found.next is not None or found.truncated:
        more("there is more: ask for a greater --limit, or a later --since")
