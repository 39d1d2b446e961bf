"""``tidegate why``: why a dataset stands as it does, or what a trigger waits for."""

from __future__ import annotations

import click
from rich.text import Text
from rich.tree import Tree

from collector.api import freshness_documents as documents
from collector.api import trigger_answers
from collector.api.trigger_shapes import TriggerWhy as TriggerWhyShape
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
from collector.commands.trigger_text import add_firings, trigger_tree
from collector.questions.scope import Scope
from collector.questions.standings import Standing
from collector.questions.trigger_why import TriggerWhy, trigger_why
from collector.questions.why import Why, why
from collector.settings import Settings
from collector.storage.alert_reads import AlertRow
from collector.storage.trigger_reads import find_trigger
from lineage.causes import Cause
from triggers.conditions import NAMESPACE

CAUSES_SHOWN = 3

OF_TRIGGERS = ("trigger:", f"job:{NAMESPACE}:")
"""What may stand before the id of a trigger."""


@click.command()
@click.argument("subject", metavar="DATASET|TRIGGER")
@click.option("--key", help="Of a trigger, the join to look at first: a partition, or the tick of an epoch.")
@depth_option
@format_option
@with_settings
def command(settings: Settings, subject: str, key: str | None, depth: int, form: str) -> None:
    """Show why a dataset stands as it does: what explains it, who was told, and what comes next.

    Of a trigger: what has come of what it waits for, what is missing, and what goes on upstream of that.

    DATASET is dataset:NAMESPACE:NAME; TRIGGER is the id of a trigger in the rules, also written trigger:ID or
    job:tidegate:ID. Times are by the clock of the expectation, or trigger, that they are about.
    """
    with asking(settings) as scope:
        trigger_id = _trigger_of(scope, subject)
        if trigger_id is None and key is not None:
            raise click.UsageError("Only joins of triggers have keys.")
        if trigger_id is None:
            found = why(scope, subject, depth=depth)
        else:
            explained = trigger_why(scope, trigger_id, key=key, depth=depth)
    if trigger_id is None:
        if form == "json":
            print_json(Shape(), documents.why(found))
        else:
            out().print(_tree(found))
    elif form == "json":
        print_json(TriggerWhyShape(), trigger_answers.why(explained))
    else:
        out().print(_trigger_tree(explained))


def _trigger_of(scope: Scope, subject: str) -> str | None:
    """Give the id of the trigger that is meant; None: a dataset is. What has no colon can be no dataset."""
    prefix = next((each for each in OF_TRIGGERS if subject.startswith(each)), "")
    id_ = subject.removeprefix(prefix)
    known = find_trigger(scope.conn, id_, scope.visible) is not None
    return id_ if known or id_ != subject or ":" not in subject else None


def _trigger_tree(found: TriggerWhy) -> Tree:
    timezone = found.shown.trigger.timezone
    tree = trigger_tree(found.shown, found.joins, found.sentence)
    if found.missing:
        branch = tree.add(Text("missing", style="bold"))
        for each in found.missing:
            line = plain(f"{each.input}: ").append_text(node_label(each.node)).append("\n")
            leaf = branch.add(line.append_text(plain(each.sentence)))
            for cause in each.upstream.causes if each.upstream is not None else ():
                if len(cause.path) > 1:
                    leaf.add(way(list(cause.path)))
    add_firings(tree, found.firings, timezone)
    return tree


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
