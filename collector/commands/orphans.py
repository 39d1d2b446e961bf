"""``tidegate orphans``: datasets with one side only."""

from __future__ import annotations

import json
from typing import Final

import click
from rich.text import Text

from collector.api import question_documents as documents
from collector.api.question_shapes import Orphans as Shape
from collector.commands.asking import asking, format_option, limit_option, more
from collector.commands.terminal import out, with_settings
from collector.commands.tree import node_label
from collector.questions.orphans import Orphans, orphans
from collector.settings import Settings
from collector.storage.orphans import Lack

LACKS: Final[dict[Lack, str]] = {
    "never_written": "read, but never written",
    "never_read": "written, but never read",
}


@click.command()
@click.option(
    "--never-written", "lack", flag_value="never_written", help="Only what is read, but never written."
)
@click.option("--never-read", "lack", flag_value="never_read", help="Only what is written, but never read.")
@click.option("--namespace", help="Only of this namespace.")
@limit_option
@format_option
@with_settings
def command(settings: Settings, lack: Lack | None, namespace: str | None, limit: int, form: str) -> None:
    """Show the datasets that are read but never written, and those that are written but never read."""
    with asking(settings) as scope:
        found: dict[Lack, Orphans] = {
            each: orphans(scope, each, namespace, after=None, limit=limit)
            for each in LACKS
            if lack in (None, each)
        }
    if form == "json":
        answer = {each: Shape().dump(documents.orphans(page)) for each, page in found.items()}
        click.echo(json.dumps(answer, indent=2))
        return
    for each, page in found.items():
        out().print(Text(LACKS[each], style="bold").append("" if page.datasets else ": none"))
        for node in page.datasets:
            out().print(Text("  ").append_text(node_label(node.id, node.names)))
        if page.next is not None:
            more("there are more: ask for a greater --limit, or for one --namespace")
