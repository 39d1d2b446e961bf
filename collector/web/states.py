"""The one vocabulary for how things stand: a word, an icon and how loud it is, for every state that a document has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown. ``css`` names the icon ``#i-CSS`` and the class ``s-CSS``; the louder, the worse."""

    word: str
    css: str
    loudness: int = 0


FRESHNESS: Final[Mapping[str, Look]] = {
    "failed": Look("failed", "failed", 6),
    "missed": Look("missed", "missed", 5),
    "late": Look("late", "late", 4),
    "due": Look("due", "due", 3),
    "affected": Look("waiting on upstream", "waiting", 2),
    "recovered": Look("came late", "recovered", 1),
    "learning": Look("learning", "learning"),
    "unknown": Look("unknown", "unknown"),
    "fresh": Look("fresh", "fresh"),
}
"""How a dataset stands to what is expected of it. ``affected`` is a violation that something upstream explains."""

RUN: Final[Mapping[str, Look]] = {
    "FAIL": Look("failed", "failed", 6),
    "ABORT": Look("aborted", "aborted", 2),
    "RUNNING": Look("running", "running", 1),
    "OTHER": Look("announced", "unknown"),
    "COMPLETE": Look("completed", "fresh"),
}

OTHER: Final[Mapping[str, Look]] = {
    # triggers, their inputs and joins
    "new": Look("not followed yet", "unknown"),
    "arrived": Look("arrived", "fresh"),
    "checking": Look("being checked", "due", 1),
    "broken": Look("stopped itself", "failed", 6),
    "blocked": Look("blocked", "failed", 4),
    "held": Look("held back", "paused", 2),
    "paused": Look("paused", "paused", 2),
    "waiting": Look("waiting", "waiting", 1),
    "idle": Look("idle", "unknown"),
    "done": Look("done", "fresh"),
    # firings, their actions, and deliveries
    "queued": Look("queued", "due", 1),
    "fired": Look("fired", "fresh"),
    "started": Look("started", "running", 1),
    "running": Look("running", "running", 1),
    "completed": Look("completed", "fresh"),
    "lost": Look("lost", "late", 3),
    "skipped": Look("skipped", "aborted", 1),
    "dead": Look("given up", "failed", 5),
    "pending": Look("pending", "due", 1),
    "delivered": Look("delivered", "fresh"),
    "cancelled": Look("cancelled", "aborted", 1),
    "retry": Look("to be tried again", "due", 1),
    "refused": Look("refused", "failed", 5),
    "gone": Look("wants no more", "failed", 5),
    "left_out": Look("left out", "aborted", 1),
    # alerts and silences
    "open": Look("open", "late", 4),
    "resolved": Look("resolved", "fresh"),
    "silenced": Look("silenced", "silenced", 1),
    "active": Look("active", "silenced"),
    "expired": Look("expired", "aborted"),
    # events of the log
    "projected": Look("in the catalog", "fresh"),
    "parked": Look("parked", "failed", 4),
    # checks
    "passed": Look("passed", "fresh"),
}

UNKNOWN: Final = Look("unknown", "unknown")


def look(state: str | None) -> Look:
    """Give how a state is shown; a word that nobody knows is shown as it is, as unknown."""
    if state is None:
        return UNKNOWN
    for words in (FRESHNESS, RUN, OTHER):
        if state in words:
            return words[state]
    return Look(state.lower().replace("_", " "), "unknown")


def standing(document: Mapping[str, Any]) -> str:
    """Give the state of a standing as it is shown: what waits for something upstream is no alarm of its own."""
    return "affected" if explained(document) else str(document["state"])


def explained(document: Mapping[str, Any]) -> bool:
    """Tell whether something upstream explains that a dataset is not as expected."""
    return bool(document["violated"]) and document["cause"] is not None


def worst(states: Iterable[str]) -> str | None:
    """Give the loudest of several states, None of none."""
    return max(states, key=lambda state: look(state).loudness, default=None)
