"""How the terminal shows where datasets stand: states in colours, and times by the clock of an expectation."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from collector.commands.asking import short
from collector.commands.terminal import plain
from collector.storage.alert_reads import AlertRow, Cause
from triggers.alerts import Severity
from triggers.sentences import duration
from triggers.verdict import State
from triggers.zones import local, zone

STATES: Final = {
    State.MISSED: "bold red",
    State.LATE: "red",
    State.FAILED: "red",
    State.DUE: "yellow",
    State.UNKNOWN: "dim",
    State.LEARNING: "dim",
    State.RECOVERED: "green",
    State.FRESH: "green",
}

SEVERITIES: Final = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}

HIDDEN: Final = "something that you may not see"


def mark_state(state: State, *, held: bool = False) -> Text:
    """Write a state in its colour; ``held`` is one of which nobody is sure yet."""
    return Text(state.value + ("?" if held else ""), style=STATES[state])


def mark_severity(severity: str) -> Text:
    """Write a severity in its colour."""
    return Text(severity, style=SEVERITIES[Severity(severity)])


def by_clock(instant: int | None, timezone: str, *, short: bool = False) -> str:
    """Write an instant to the minute by the clock of a time zone, as sentences do, with the zone.

    ``short`` leaves out the year where room is scarce.
    """
    if instant is None:
        return ""
    return f"{local(instant, zone(timezone)):{'' if short else '%Y-'}%m-%d %H:%M %Z}"


def how_long(length: int | None) -> str:
    """Write a duration, if there is one."""
    return "" if length is None else duration(length)


def named(cause: Cause) -> str:
    """Name what explains an alert."""
    return HIDDEN if cause.node is None else short(cause.node)


def way(path: list[str]) -> Text:
    """Write a path on one line, the way data flow, by the last parts of the names."""
    line: Text = plain(" → ".join(short(node) for node in path))
    return line


def remarks(alert: AlertRow) -> Text:
    """Write what people and rules have done about an alert."""
    parts = []
    if alert.acknowledged:
        note = f": {alert.acknowledged.note}" if alert.acknowledged.note else ""
        parts.append(plain(f"acknowledged by {alert.acknowledged.by}{note}"))
    if alert.muted_by:
        parts.append(plain(f"muted by {alert.muted_by.replace(':', ' ', 1)}"))
    return Text(" · ").join(parts)
