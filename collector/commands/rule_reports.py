"""How the answers to questions about rules look on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from collector.api.rule_question_documents import by_hour
from collector.commands.asking import more, print_columns
from collector.commands.terminal import note, out, plain, when
from collector.questions.replay import Course, Replayed
from collector.questions.rule_plan import Binding, Compared, Plan
from triggers.firings import Firing
from triggers.sentences import duration
from triggers.trigger_replay import Course as Fired
from triggers.verdict import State

SLOTS: Final = 30
"""Characters of a timeline."""

MARKS: Final = {
    State.UNKNOWN: ("·", "dim"),
    State.LEARNING: ("·", "dim"),
    State.FRESH: ("▁", "green"),
    State.RECOVERED: ("▁", "green"),
    State.DUE: ("▄", "yellow"),
    State.LATE: ("█", "red"),
    State.MISSED: ("█", "red"),
    State.FAILED: ("█", "red"),
}
WORST: Final = (State.FAILED, State.MISSED, State.LATE, State.DUE, State.RECOVERED, State.FRESH)

MOST_LINES: Final = 200

NOTHING: Final = (0, 0, 0, 0)

NIGHT: Final = (*range(22, 24), *range(7))
"""Hours of the day in which people sleep."""


def print_replay(found: Replayed) -> None:
    """Write how each dataset would have stood."""
    rows = [
        (
            course.expectation.id,
            course.dataset.name,
            str(course.met),
            str(course.late),
            str(course.missed),
            _shares(course),
            timeline(course, found.since, found.until),
        )
        for course in found.courses[:MOST_LINES]
    ]
    if not rows:
        if not found.triggers:
            note().print("These rules are on no dataset.")
        return
    print_columns(("expectation", "dataset", "met", "late", "missed", "states", "over time"), rows, 1)
    if len(found.courses) > MOST_LINES:
        more(f"and {len(found.courses) - MOST_LINES} more")


def timeline(course: Course, since: int, until: int) -> Text:
    """Draw the worst state of each part of the time."""
    drawn = Text()
    looks = list(course.looks)
    for slot in range(SLOTS):
        start = since + (until - since) * slot // SLOTS
        end = since + (until - since) * (slot + 1) // SLOTS
        before = [each for each in looks if each.at <= start][-1:]
        states = {each.stance.state for each in (*before, *(each for each in looks if start < each.at < end))}
        worst = next((state for state in WORST if state in states), State.UNKNOWN)
        drawn.append(*MARKS[worst])
    return drawn


def _shares(course: Course) -> str:
    total = sum(course.states.values()) or 1
    parts = sorted(course.states.items(), key=lambda each: -each[1])
    shares = [(state, 100 * length / total) for state, length in parts]
    return ", ".join(f"{state} {share:.0f} %" for state, share in shares if share >= 0.5)  # rounds up


def print_episodes(found: Replayed) -> None:
    """Write the alerts, each with how long it lasted, why, and who was told."""
    episodes = sorted(
        (episode for course in found.courses for episode in course.episodes),
        key=lambda episode: (episode.opened, episode.alert.rule, episode.alert.name),
    )
    if not episodes:
        return
    rows = []
    for episode in episodes[:MOST_LINES]:
        alert = episode.alert
        told = ", ".join(sorted(episode.receivers)) or "nobody"
        if episode.muted is not None:
            told += f" ({episode.muted.by} {episode.muted.id})"
        if episode.cause is not None:
            told += f", because of {episode.cause}"
        lasted = "still" if alert.ends is None else duration(max(0, alert.ends - alert.starts))
        rows.append((when(alert.starts), lasted, alert.rule, alert.text, told))
    out().print()
    print_columns(("alert since", "for", "expectation", "why", "told"), rows, 3)
    if len(episodes) > MOST_LINES:
        more(f"and {len(episodes) - MOST_LINES} more")


def print_notifications(found: Replayed) -> None:
    """Say how much each receiver would have been told, and how much of it at night."""
    hours = by_hour(found.notifications, found.timezone)
    total, night = len(found.notifications), sum(_at_night(counts) for counts in hours.values())
    parts = [f"{sum(counts)} to {receiver}" for receiver, counts in hours.items()]
    said = f": {', '.join(parts)}; {night} between 22:00 and 07:00 {found.timezone}" if total else ""
    out().print()
    out().print(plain(f"would have sent {_counted(total, 'notification')}{said}"))
    for receiver, counts in hours.items():
        busy = ", ".join(f"{hour:02}h {count}" for hour, count in enumerate(counts) if count)
        out().print(plain(f"  {receiver}: {busy}"), style="dim")


def print_firings(found: Replayed) -> None:
    """Write how often each trigger would have fired, and then when, and on what."""
    if not found.triggers:
        return
    rows = [
        (
            course.trigger.id,
            str(len(course.firings)),
            str(course.arrived),
            str(course.blocked),
            str(course.overdue),
            str(course.waiting),
            _remarks(course),
        )
        for course in found.triggers
    ]
    out().print()
    print_columns(("trigger", "fired", "updates", "held by gates", "overdue", "waiting", ""), rows, 6)
    firings = sorted((each for course in found.triggers for each in course.firings), key=lambda each: each.at)
    if not firings:
        return
    out().print()
    shown = [
        (when(each.at), each.trigger, _readable(each.key), _taken(each)) for each in firings[:MOST_LINES]
    ]
    print_columns(("would have fired", "trigger", "key", "on"), shown, 3)
    if len(firings) > MOST_LINES:
        more(f"and {len(firings) - MOST_LINES} more")


def _remarks(course: Fired) -> str:
    said = [f"{course.unkeyed} updates without a partition"] if course.unkeyed else []
    if course.broken_at is not None:
        said.append(f"stopped at {when(course.broken_at)}, as it fired too often")
    return "; ".join(said)


def _readable(key: str) -> str:
    """Write the tick of an epoch as other times."""
    return key.replace(":00.000000Z", "Z")


def _taken(firing: Firing) -> str:
    parts = [
        f"{each.input} ({len(each.updates)})" if len(each.updates) > 1 else each.input
        for each in firing.consumed
        if each.updates
    ]
    return (", ".join(parts) or "nothing") + (", not all" if firing.partial else "")


def print_changes(found: Plan) -> None:
    """Write the difference between rules."""
    for kind, id_ in found.added:
        out().print(plain(f"+ {kind} {id_}".rstrip()), style="green")
    for each in found.changed:
        out().print(plain(f"~ {each.kind} {each.id}".rstrip() + f": {', '.join(each.keys)}"), style="yellow")
    for kind, id_ in found.removed:
        out().print(plain(f"- {kind} {id_}".rstrip()), style="red")
    _print_bindings("+", found.gained)
    _print_bindings("-", found.lost)
    out().print(
        f"{len(found.added)} added, {len(found.changed)} changed, {len(found.removed)} removed, "
        f"{found.unchanged} unchanged; {len(found.gained)} bindings gained, {len(found.lost)} lost"
    )


def _print_bindings(sign: str, bindings: Sequence[Binding]) -> None:
    for each in bindings[:MOST_LINES]:
        out().print(
            plain(f"  {sign} {each.expectation} on {each.dataset.namespace}: {each.dataset.name}"),
            style="dim",
        )
    if len(bindings) > MOST_LINES:
        more(f"and {len(bindings) - MOST_LINES} more")


def print_comparison(found: Plan, before: Replayed, after: Replayed) -> None:
    """Write what the rules that change have said, and what they would have said."""
    old, new = _tally(before), _tally(after)
    rows = [
        (id_, *map(_change, old.get(id_, NOTHING), new.get(id_, NOTHING)))
        for id_ in sorted(old.keys() | new.keys())
    ]
    if rows:
        out().print()
        print_columns(("expectation", "alerts", "met", "late", "missed"), rows, 0)
    sent = [Counter(each.group.receiver for each in replayed.notifications) for replayed in (before, after)]
    for receiver in sorted(sent[0].keys() | sent[1].keys()):
        out().print(plain(f"notifications to {receiver}: {_change(sent[0][receiver], sent[1][receiver])}"))
    for each in found.triggers or ():
        out().print(plain(_would_fire(each)))
    days = (after.until - after.since) / 86_400_000_000
    out().print(f"over {days:.0f} days, from {when(after.since)} on", style="dim")


def _would_fire(each: Compared) -> str:
    times = "never" if not each.after else "once" if each.after == 1 else f"{each.after} times"
    if each.after is None:
        return f"trigger {each.trigger} goes: it would have fired {each.before} times"
    if each.before is None:
        return f"trigger {each.trigger} would have fired {times}"
    return (
        f"trigger {each.trigger} would have fired {times}, {each.same} of these as now (now: {each.before})"
    )


def _tally(found: Replayed) -> dict[str, tuple[int, ...]]:
    """Count alerts, and releases met, late and missed, by expectation."""
    counts: dict[str, tuple[int, ...]] = {}
    for course in found.courses:
        mine = len(course.episodes), course.met, course.late, course.missed
        known = counts.get(course.expectation.id, NOTHING)
        counts[course.expectation.id] = tuple(map(sum, zip(known, mine, strict=True)))
    return counts


def _change(before: int, after: int) -> str:
    return str(after) if before == after else f"{before} → {after}"


def _at_night(counts: Sequence[int]) -> int:
    return sum(counts[hour] for hour in NIGHT)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
