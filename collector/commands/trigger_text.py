"""How the terminal shows triggers: states in colours, and what came and what is missing as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from collector.commands.standing_text import by_clock
from collector.commands.terminal import plain
from collector.questions.trigger_sentences import HIDDEN, of_hold, of_trigger, wanted
from collector.questions.triggers import Shown
from collector.storage.firing_reads import FiringRow
from collector.storage.firings import Progress
from collector.storage.trigger_reads import JoinRow, TriggerState
from lineage.instants import parse_instant
from triggers.joins import Standing

STATES: Final = {
    TriggerState.BROKEN.value: "bold red",
    TriggerState.PAUSED.value: "yellow",
    TriggerState.BLOCKED.value: "red",
    TriggerState.HELD.value: "cyan",
    TriggerState.WAITING.value: "yellow",
    TriggerState.IDLE.value: "green",
    TriggerState.NEW.value: "dim",
    Standing.DONE.value: "green",
    Progress.RUNNING.value: "yellow",
    Progress.STARTED.value: "yellow",
    Progress.COMPLETED.value: "green",
    Progress.FAILED.value: "red",
    Progress.DEAD.value: "bold red",
    Progress.LOST.value: "red",
}
"""Of triggers, joins, firings and actions; words that are the same mean the same."""


def mark(state: str) -> Text:
    """Write a state in its colour."""
    return Text(state, style=STATES.get(state, ""))


def waits(shown: Shown) -> Text:
    """Say in few words what a trigger waits for."""
    row, join = shown.row, shown.row.foremost
    if row.paused_at is not None:
        because = f": {row.paused_reason}" if row.paused_reason else ""
        return Text("paused by ").append_text(plain(f"{row.paused_by}{because}"))
    if row.broken_at is not None:
        return Text("to be resumed: it fired too often")
    if join is not None and join.standing is Standing.HELD:
        words = "; ".join(of_hold(hold, shown.trigger.timezone) for hold in join.holds)
    else:
        words = wanted(shown.tree)
    if join is not None and join.key:
        words += f" ({join.key})"
    others = sum(
        row.joins.get(standing, 0) for standing in (Standing.WAITING, Standing.BLOCKED, Standing.HELD)
    )
    text: Text = plain(words)
    if others > 1:
        text.append(f" and {others - 1} more", style="dim")
    if row.overdue:
        text.append("  overdue", style="red")
    return text


def since(shown: Shown) -> int | None:
    """Give since when a trigger stands as it does (µs UTC)."""
    row, join = shown.row, shown.row.foremost
    if row.paused_at is not None or row.broken_at is not None:
        return row.paused_at or row.broken_at
    if join is None:
        return None
    return join.complete_at if join.standing is Standing.HELD else join.begun_at


def trigger_tree(shown: Shown, joins: Sequence[JoinRow], sentence: str | None = None) -> Tree:
    """Draw a trigger, with the joins that are given."""
    head = mark(shown.row.state.value).append("  ", "").append("trigger ", style="magenta")
    head.append(shown.row.id, style="bold").append("\n", "")
    tree = Tree(head.append_text(plain(sentence or of_trigger(shown))))
    for join in joins:
        _grow_join(tree, join, shown.trigger.timezone)
    return tree


def add_firings(tree: Tree, firings: Iterable[FiringRow], timezone: str) -> None:
    """Draw what was fired, the newest first."""
    lines = [firing_line(each, timezone) for each in firings]
    branch = tree.add(Text("fired", style="bold")) if lines else tree
    for line in lines:
        branch.add(line)


def firing_line(each: FiringRow, timezone: str) -> Text:
    """Write a firing on one line."""
    line = Text(f"{by_clock(each.at, timezone)}  ").append_text(mark(each.state))
    if each.key:
        line.append("  ").append_text(plain(each.key))
    line.append("  ").append_text(plain(cause_of(each)))
    if each.partial:
        line.append("  partial", style="yellow")
    line.append(f"  {each.id}", style="dim")
    if each.error:
        line.append_text(plain(f"  {each.error}"))
    return line


def cause_of(each: FiringRow) -> str:
    """Say why a trigger fired; by hand also who wanted it, and what for."""
    by = f" by {each.by}" if each.by else ""
    return f"{each.cause}{by} ({each.reason})" if each.reason else f"{each.cause}{by}"


def update_words(update: Mapping[str, Any], timezone: str) -> Text:
    """Say when an update came and how much it brought, and on another line of what it is, and from which run."""
    words = [by_clock(parse_instant(update["received_at"])[0], timezone)]
    if update["partition"]:
        words.append(update["partition"])
    elif update["nominal_time"]:
        words.append(f"for {by_clock(parse_instant(update['nominal_time'])[0], timezone)}")
    if update["rows"] is not None:
        words.append(f"{update['rows']:,} rows")
    below = f"{update['dataset']['namespace']}:{update['dataset']['name']}"
    if update["job"] is not None:
        below += f" by {update['job']['namespace']}:{update['job']['name']}, run {update['run_id']}"
    line: Text = plain("  ".join(words))
    return line.append("\n").append(plain(below).plain, style="dim")


def grow(tree: Tree, evaluation: Mapping[str, Any], timezone: str) -> None:
    """Draw a condition: what has come, and what is missing."""
    if "of" not in evaluation:
        tree.add(_leaf(evaluation, timezone))
        return
    required = sum(not each.get("optional", False) for each in evaluation["of"])
    number = "all" if evaluation["at_least"] == required else str(evaluation["at_least"])
    branch = tree.add(_tick(evaluation).append(f"{number} of"))
    for each in evaluation["of"]:
        grow(branch, each, timezone)


def _grow_join(tree: Tree, join: JoinRow, timezone: str) -> None:
    head = (
        Text(join.key or "what has come", style="bold")
        .append("  ", "")
        .append_text(mark(join.standing.value))
    )
    if join.begun_at is not None:
        head.append(f"  since {by_clock(join.begun_at, timezone)}", style="dim")
    if join.overdue_at is not None:
        head.append(f"  overdue since {by_clock(join.overdue_at, timezone)}", style="red")
    branch = tree.add(head)
    if join.tree is None:
        branch.add(Text("not looked at yet", style="dim"))
    else:
        grow(branch, join.tree, timezone)
    for hold in join.holds:
        branch.add(Text("held  ", style="cyan").append_text(plain(of_hold(hold, timezone))))


def _leaf(leaf: Mapping[str, Any], timezone: str) -> Text:
    line = _tick(leaf).append_text(plain(leaf["input"] or HIDDEN))
    if leaf["optional"]:
        line.append(" (optional)", style="dim")
    if not leaf["met"] and leaf.get("missing"):
        word = {"awaited": "awaited: ", "failed": "held back: "}.get(leaf.get("gate") or "", "missing: ")
        line.append("  ").append_text(Text(word, style="dim" if leaf["optional"] else "yellow"))
        line.append_text(plain(leaf["missing"]))
    if leaf["updates"] > 1:
        line.append(f"  {leaf['updates']} updates, the last", style="dim")
    if leaf.get("latest") is not None:
        line.append("  ").append_text(update_words(leaf["latest"], timezone))
    return line


def _tick(part: Mapping[str, Any]) -> Text:
    if part["met"]:
        return Text("✓ ", style="green")
    return Text("· " if part.get("optional") else "✗ ", style="dim" if part.get("optional") else "red")
