"""``tidegate why``: why a dataset stands as it does."""

from __future__ import annotations

import click
from rich.text import Text
from rich.tree import Tree

from collector.api import freshness_documents as documents
from collector.api.why_shapes import Why as Shape
from collector.commands.asking import asking, depth_option, format_option, print_json
from collector.commands.standing_text import (
    HIDDEN,
    by_clock,
    mark_severity,
    mark_state,
    remarks,
    way,
)
from collector.commands.terminal import out, plain, when, with_settings
from collector.commands.tree import node_label
from collector.questions.standings import Standing
from collector.questions.why import Why, why
from collector.settings import Settings
from collector.storage.alert_reads import AlertRow
from lineage.causes import Cause

CAUSES_SHOWN = 3


@click.command()
@click.argument("dataset")
@depth_option
@format_option
@with_settings
def command(settings: Settings, dataset: str, depth: int, form: str) -> None:
    """Show why DATASET stands as it does: what explains it, who was told, and what comes next.

    DATASET is dataset:NAMESPACE:NAME. Times are by the clock of the expectation that they are about.
    """
    with asking(settings) as scope:
        found = why(scope, dataset, depth=depth)
    if form == "json":
        print_json(Shape(), documents.why(found))
        return
    out().print(_tree(found))


def _tree(found: Why) -> Tree:
    head = Text() if found.state is None else mark_state(found.state).append("  ")
    head.append_text(node_label(found.node, bold=True)).append("\n").append_text(plain(found.sentence))
    tree = Tree(head)
    _branch(tree, "because", [_standing(each) for each in found.standings])
    for alert in found.alerts:
        if alert.cause is not None:
            _explained(tree, alert)
    if found.root_cause is not None:
        _upstream(tree, found.root_cause.causes[:CAUSES_SHOWN])
    _branch(tree, "next", [line for each in found.standings for line in _next(each)])
    told = [
        Text(f"{when(each.at)}  ").append_text(plain(f"{each.receiver}: {each.title or each.reason}"))
        for each in found.notifications
    ]
    words = [words for alert in found.alerts if (words := remarks(alert))]
    muted = [
        plain(f"{each.by} {each.id}: {each.reason} ({each.author}), until {when(each.ends) or 'it is ended'}")
        for each in found.muted
        if each.reason
    ]
    _branch(tree, "told", [*told, *words, *muted])
    lately = [
        Text(f"{by_clock(each.decided.at, each.timezone)}  ")
        .append_text(mark_state(each.decided.kept.state))
        .append_text(plain(f"  {each.decided.kept.expectation_id}: {each.sentence}"))
        for each in found.decisions
    ]
    _branch(tree, "lately", lately)
    return tree


def _branch(tree: Tree, name: str, lines: list[Text]) -> None:
    if lines:
        branch = tree.add(Text(name, style="bold"))
        for line in lines:
            branch.add(line)


def _standing(each: Standing) -> Text:
    marks = mark_state(each.kept.state, held=each.held).append("  ")
    severity = Text("  ").append_text(mark_severity(each.expectation.severity.value))
    said = plain(f"{each.expectation.id}: {each.sentence}")
    return (
        marks.append_text(said).append_text(severity) if each.kept.state.violated else marks.append_text(said)
    )


def _explained(tree: Tree, alert: AlertRow) -> None:
    cause = alert.cause
    branch = tree.add(Text("cause", style="bold"))
    if cause is None or cause.node is None:
        branch.add(HIDDEN)
        return
    branch.add(node_label(cause.node).append("\n").append_text(plain(cause.text or "")))
    if alert.path:
        branch.add(way(alert.path))


def _upstream(tree: Tree, causes: list[Cause]) -> None:
    if not causes:
        return
    branch = tree.add(Text("upstream", style="bold"))
    for cause in causes:
        style = "yellow" if cause.fault.weak or cause.follows else "red"
        line = Text(cause.fault.value.replace("_", " "), style=style).append("  ", "")
        line.append_text(node_label(cause.node)).append("\n").append_text(plain(cause.why))
        if len(cause.path) > 1:
            line.append("\n").append_text(way(list(cause.path)))
        branch.add(line)


def _next(each: Standing) -> list[Text]:
    timezone, lines = each.expectation.timezone, []
    if each.forecast is not None and each.forecast.sentence:
        lines.append(plain(each.forecast.sentence))
    if each.kept.deadline is not None and not each.kept.state.violated:
        lines.append(plain(f"{each.expectation.id}: late from {by_clock(each.kept.deadline, timezone)} on"))
    return lines
