"""``tidegate triggers``: what waits for data, what was started when it was there, and what came of that."""

from __future__ import annotations

import click
import yaml
from rich.text import Text
from rich.tree import Tree

from collector.api import cursors, firing_shapes, trigger_answers
from collector.api import trigger_shapes as shapes
from collector.commands.asking import asking, format_option, limit_option, more, print_columns, print_json
from collector.commands.expectations import plain_lines
from collector.commands.standing_text import by_clock
from collector.commands.terminal import INSTANT, note, out, plain, when, with_settings
from collector.commands.trigger_requests import fire, pause, reset, resume, retry
from collector.commands.trigger_text import (
    add_firings,
    cause_of,
    mark,
    since,
    trigger_tree,
    update_words,
    waits,
)
from collector.questions.triggers import FiringShown, Shown, Triggers
from collector.settings import Settings
from collector.storage import firing_reads
from collector.storage.firing_reads import ActionRow, Wanted
from collector.storage.runs import RunRow
from collector.storage.trigger_reads import TriggerState


@click.group(invoke_without_command=True)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(shapes.STATES),
    help="Only in this state. May be repeated.",
)
@limit_option
@format_option
@click.pass_context
@with_settings
def command(settings: Settings, ctx: click.Context, states: tuple[str, ...], limit: int, form: str) -> None:
    """Show how triggers stand, and what each waits for. Times are by the clock of the trigger."""
    if ctx.invoked_subcommand is not None:
        return
    with asking(settings) as scope:
        wanted = list(map(TriggerState, states)) or None
        page = Triggers(scope).page(wanted, after=None, limit=limit)
        if form == "json":
            print_json(shapes.Triggers(), trigger_answers.triggers(scope, page))
            return
    if page.items:
        headings = ["trigger", "state", "waits for", "since", "last fired", "outcome"]
        print_columns(headings, [_row(each) for each in page.items], wide=2)
    else:
        note().print("There are none." if states else "The rules have no triggers.")
    if page.next is not None:
        more("there is more: ask for a greater --limit")


@command.command()
@click.argument("trigger_id", metavar="TRIGGER")
@format_option
@with_settings
def show(settings: Settings, trigger_id: str, form: str) -> None:
    """Show a trigger: what it is, what has come of what it waits for, and what it fired last."""
    with asking(settings) as scope:
        if form == "json":
            print_json(shapes.TriggerDetail(), trigger_answers.trigger_detail(scope, trigger_id))
            return
        answers = Triggers(scope)
        shown = answers.find(trigger_id)
        tree = trigger_tree(shown, answers.open_joins(trigger_id))
        branch = tree.add(Text("inputs", style="bold"))
        for each in answers.inputs(shown):
            names = ", ".join(f"{ref.namespace}:{ref.name}" for ref in each.datasets) or "no dataset is known"
            more_ = f" and {each.bound - len(each.datasets)} more" if each.bound > len(each.datasets) else ""
            branch.add(plain(f"{each.id}: {names}{more_}"))
        add_firings(tree, answers.firings(Wanted(trigger=trigger_id)).items, shown.trigger.timezone)
    out().print(plain_lines(yaml.safe_dump(shown.definition, sort_keys=False, allow_unicode=True)))
    out().print(tree)


@command.command()
@click.argument("trigger_id", metavar="[TRIGGER]", required=False)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(firing_reads.STATES),
    help="Only in this state. May be repeated.",
)
@click.option("--key", help="Only of joins with this key.")
@click.option("--since", "start", type=INSTANT, metavar="TIME", help="Only at this time or later.")
@click.option("--until", "end", type=INSTANT, metavar="TIME", help="Only before this time.")
@limit_option
@format_option
@with_settings
def firings(
    settings: Settings,
    trigger_id: str | None,
    states: tuple[str, ...],
    key: str | None,
    start: int | None,
    end: int | None,
    limit: int,
    form: str,
) -> None:
    """List what triggers fired, or TRIGGER alone, the newest first."""
    with asking(settings) as scope:
        wanted = Wanted(trigger_id, states or None, key, start, end)
        page = Triggers(scope).firings(wanted, after=None, limit=limit)
    if form == "json":
        print_json(firing_shapes.Firings(), cursors.answer(page))
        return
    rows: list[list[Text | str]] = [
        [
            when(each.at),
            each.trigger_id,
            each.key,
            f"{each.cause}, partial" if each.partial else each.cause,
            mark(each.state),
            each.id,
            each.error or "",
        ]
        for each in page.items
    ]
    if rows:
        print_columns(["fired", "trigger", "key", "cause", "state", "firing", "error"], rows, wide=6)
    else:
        note().print("There are none.")
    if page.next is not None:
        more("there is more: ask for a greater --limit")


@command.command()
@click.argument("firing_id", metavar="FIRING")
@format_option
@with_settings
def firing(settings: Settings, firing_id: str, form: str) -> None:
    """Show a firing: what it consumed, what it did, and which runs that started."""
    with asking(settings) as scope:
        found = Triggers(scope).firing(firing_id)
    if form == "json":
        print_json(firing_shapes.FiringDetail(), trigger_answers.firing(found))
        return
    out().print(_firing_tree(found))


for _request in (fire, pause, resume, reset, retry):
    command.add_command(_request)


def _row(shown: Shown) -> list[Text | str]:
    timezone, last = shown.trigger.timezone, shown.last
    outcome = Text() if last is None else mark(last.state)
    return [
        shown.row.id,
        mark(shown.row.state.value),
        waits(shown),
        by_clock(since(shown), timezone, short=True),
        by_clock(None if last is None else last.at, timezone, short=True),
        outcome,
    ]


def _firing_tree(found: FiringShown) -> Tree:
    row, detail = found.detail.row, found.detail
    head = mark(row.state).append("  ", "").append("firing ", style="magenta").append(row.id, style="bold")
    key = f" ({row.key})" if row.key else ""
    part = ", with what was there" if row.partial else ""
    head.append_text(plain(f"  {row.trigger_id}{key} fired at {when(row.at)}: {cause_of(row)}{part}"))
    if row.error:
        head.append_text(plain(f"  {row.error}"))
    tree = Tree(head)
    if len(detail.chain) > 1:
        tree.add(plain(f"led to by {' → '.join(detail.chain)}"))
    branch = tree.add(Text("consumed", style="bold"))
    for each in detail.consumed:
        leaf = branch.add(plain(each["id"])) if each["updates"] else None
        for update in each["updates"]:
            if leaf is not None:
                leaf.add(update_words(update, "UTC"))
    if detail.actions:
        branch = tree.add(Text("did", style="bold"))
        for action in detail.actions:
            _grow_action(branch, action, found.recognised.get(action.id))
    return tree


def _grow_action(tree: Tree, action: ActionRow, run: RunRow | None) -> None:
    verb = "start" if action.starts else "notify"
    head = mark(action.state).append_text(plain(f"  {action.id}: {verb} {action.target}"))
    branch = tree.add(head)
    if action.delivery is not None:
        sent = action.delivery
        number = "1 attempt" if sent.attempts == 1 else f"{sent.attempts} attempts"
        at = f" {when(sent.ended_at)}" if sent.ended_at is not None else ""
        branch.add(plain(f"delivery {sent.id}: {sent.state}{at} after {number}"))
    if run is not None:
        ended = f", ended {when(run.ended_at)}" if run.ended_at is not None else ""
        branch.add(
            plain(
                f"run {run.run_id} of {run.job.namespace}:{run.job.name}: {run.state or 'not begun'}{ended}"
            )
        )
    if action.handle and action.handle.get("url"):
        branch.add(plain(str(action.handle["url"])))
    if action.error:
        branch.add(Text(plain(action.error).plain, style="red"))
