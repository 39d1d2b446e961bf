"""``tidegate alerts``: what is wrong, what explains it, and who takes care of it."""

from __future__ import annotations

from typing import cast

import click
from rich.text import Text
from rich.tree import Tree
from sqlalchemy import Connection

from collector.api import alerts as answers
from collector.api import cursors
from collector.api.alert_detail_shapes import AlertDetail
from collector.api.alert_shapes import Alerts as Shape
from collector.api.freshness_shapes import SEVERITIES
from collector.commands.asking import format_option, limit_option, more, print_columns, print_json
from collector.commands.standing_text import mark_severity, named, remarks, way
from collector.commands.terminal import note, opened, out, plain, when, with_settings
from collector.commands.tree import node_label
from collector.questions.scope import Scope
from collector.settings import Settings
from collector.storage import alert_reads
from collector.storage.alert_reads import EVERYTHING, Acknowledgement, AlertRow, Wanted, Which
from collector.storage.graph import everything
from collector.times import now_us

AFFECTED_SHOWN = 5


@click.group(invoke_without_command=True)
@click.option(
    "--state", type=click.Choice(["open", "ended", "all"]), default="open", show_default=True, help="Which."
)
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only of this severity.")
@click.option("--node", help="Only about this dataset:NAMESPACE:NAME or job:NAMESPACE:NAME.")
@click.option(
    "--acknowledged/--unacknowledged", default=None, help="Only those that somebody, or nobody, has."
)
@limit_option
@format_option
@click.pass_context
@with_settings
def command(
    settings: Settings,
    ctx: click.Context,
    state: str,
    severity: str | None,
    node: str | None,
    acknowledged: bool | None,
    limit: int,
    form: str,
) -> None:
    """Show what is wrong: causes, the gravest first, under each what it affects."""
    if ctx.invoked_subcommand is not None:
        return
    causes = state == "open" and node is None
    with opened(settings) as database, database.read() as conn:
        wanted = Wanted(
            which=cast(Which, state),
            severity=severity,
            subject_ids=None if node is None else alert_reads.subjects(conn, node, everything),
            acknowledged=acknowledged,
            # Of JSON nobody asks for a drawing; what is affected is among the items there.
            affected=False if causes and form == "text" else None,
        )
        page = alert_reads.list_alerts(conn, wanted, EVERYTHING, after=None, limit=limit)
        if form == "json":
            print_json(Shape(), cursors.answer(page))
            return
        rows: list[list[Text | str]] = [
            [str(each.id), mark_severity(each.severity), when(each.starts_at), _cell(conn, each)]
            for each in page.items
        ]
    if rows:
        print_columns(["id", "severity", "since", "alert"], rows, wide=3)
    else:
        note().print("Nothing is wrong." if state == "open" else "There are none.")
    if page.next is not None:
        more("there is more: ask for a greater --limit")


@command.command()
@click.argument("alert_id", metavar="ID", type=int)
@format_option
@with_settings
def show(settings: Settings, alert_id: int, form: str) -> None:
    """Show all about an alert: what explains it, what it affects, and who was told."""
    with opened(settings) as database, database.read() as conn:
        found = answers.detail(Scope(conn, now_us(), settings.max_nodes), alert_id)
        alert = alert_reads.find_alert(conn, alert_id, EVERYTHING)
    if form == "json":
        print_json(AlertDetail(), found)
        return
    head = mark_severity(alert.severity).append("  ", "").append_text(node_label(alert.node, bold=True))
    tree = Tree(head.append("\n").append_text(plain(alert.text)))
    over = f" until {when(alert.ends_at)}" if alert.ends_at is not None else ""
    tree.add(plain(f"since {when(alert.starts_at)}{over}, by {alert.rule}"))
    if alert.explanation:
        tree.add(plain(alert.explanation))
    if alert.cause is not None:
        branch = tree.add(plain(f"because of {named(alert.cause)}"))
        if alert.path:
            branch.add(way(alert.path))
    if alert.owner:
        tree.add(plain(f"owned by {alert.owner}"))
    if words := remarks(alert):
        tree.add(words)
    if alert.affects:
        branch = tree.add(f"affects {alert.affects}")
        for each in found["affected"]:
            branch.add(plain(each.node))
    for told in found["notifications"]:
        tree.add(plain(f"{when(told['at'])}  told {told['receiver']}: {told['title']}"))
    out().print(tree)


@command.command()
@click.argument("alert_id", metavar="ID", type=int)
@click.option("--by", required=True, help="Who takes care of it.")
@click.option("--note", "words", required=True, help="What is being done.")
@with_settings
def ack(settings: Settings, alert_id: int, by: str, words: str) -> None:
    """Say that somebody takes care of an alert: nobody is reminded of it any more."""
    _set(settings, alert_id, Acknowledgement(now_us(), by, words))


@command.command()
@click.argument("alert_id", metavar="ID", type=int)
@with_settings
def unack(settings: Settings, alert_id: int) -> None:
    """Say that nobody takes care of an alert after all."""
    _set(settings, alert_id, None)


def _set(settings: Settings, alert_id: int, word: Acknowledgement | None) -> None:
    with opened(settings) as database, database.write() as conn:
        found = alert_reads.find_alert(conn, alert_id, EVERYTHING)
        alert_reads.acknowledge(conn, found, word)
        database.notify(conn)
    said = "not acknowledged any more" if word is None else f"acknowledged by {word.by}"
    out().print(plain(f"{found.name}: {said}"))


def _cell(conn: Connection, alert: AlertRow) -> Text:
    """Write an alert: what is wrong with what, and below it what people did, and what it affects."""
    cell = node_label(alert.node).append("\n").append_text(plain(alert.text))
    below = [remarks(alert)]
    if alert.ends_at is not None:
        below.append(plain(f"over since {when(alert.ends_at)}"))
    if alert.cause is not None:
        below.append(plain(f"because of {named(alert.cause)}"))
    for line in filter(None, below):
        cell.append("\n").append_text(line)
    if alert.affects and alert.ends_at is None:
        shown = alert_reads.list_alerts(
            conn, Wanted(cause=alert), EVERYTHING, after=None, limit=AFFECTED_SHOWN
        ).items
        cell.append(f"\naffects {alert.affects}", style="bold")
        for each in shown:
            place = "" if each.namespace == alert.namespace else f"{each.namespace}:"
            cell.append("\n  ").append_text(plain(f"{place}{each.name}"))
        if alert.affects > len(shown):
            cell.append(f"\n  … and {alert.affects - len(shown)} more", style="dim")
    return cell
