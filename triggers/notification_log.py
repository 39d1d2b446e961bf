"""Whether a receiver hears of a group of alerts now, by what it was told before.

The rules are those of Alertmanager's dedup stage (notify/dedup_stage.go), except that nothing is told to be resolved
that was not told to fire (alertmanager#891), and that what was told stays known while it is muted.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

KEPT = 2
"""Repeat intervals for which an entry is kept when nothing of it fires, as in Alertmanager."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a receiver was told of a group the last time; sets of fingerprints."""

    at: int
    """µs UTC."""
    number: int
    """How many entries there were for the group, with this."""
    firing: frozenset[str]
    """What it takes to be firing."""
    resolved: frozenset[str]
    """What was resolved with this."""

    def expired(self, now: int, repeat_interval: int) -> bool:
        """Say whether it can be forgotten; never while the receiver waits for an end."""
        return not self.firing and self.at < now - KEPT * repeat_interval


class Reason(StrEnum):
    """Why something is told."""

    FIRST = "first"
    NEW_FIRING = "new_firing"
    ALL_RESOLVED = "all_resolved"
    NEW_RESOLVED = "new_resolved"
    REPEAT = "repeat"


def decide(
    entry: Entry | None,
    firing: Set[str],
    held: Set[str],
    now: int,
    repeat_interval: int,
    *,
    send_resolved: bool = True,
    acknowledged: Set[str] = frozenset(),
) -> Reason | None:
    """Give the reason to tell a receiver of its group, or None.

    ``firing`` is what fires and is not muted, ``held`` what fires and is. What the entry has as firing and is in
    neither has been resolved. ALL_RESOLVED is given without ``send_resolved`` too: the log must be cleared, though
    nothing is sent (see ``sent``). What is acknowledged is not repeated, unless something else fires with it.
    """
    if entry is None:
        return Reason.FIRST if firing else None
    if not firing <= entry.firing:
        return Reason.NEW_FIRING
    open_ = entry.firing & (firing | held)
    if not open_:
        return Reason.ALL_RESOLVED if entry.firing else None
    if send_resolved and open_ != entry.firing:
        return Reason.NEW_RESOLVED
    if firing - acknowledged and entry.at < now - repeat_interval:
        return Reason.REPEAT
    return None


def sent(reason: Reason, *, send_resolved: bool) -> bool:
    """Say whether a message leaves, or only the log is written."""
    return send_resolved or reason is not Reason.ALL_RESOLVED


def told(entry: Entry | None, firing: Set[str], held: Set[str], now: int) -> Entry:
    """Give the entry that follows a decision to tell: muted ones that the receiver knows of stay known."""
    before = entry.firing if entry else frozenset[str]()
    open_ = frozenset(firing | (before & held))
    return Entry(now, entry.number + 1 if entry else 1, open_, before - open_)
