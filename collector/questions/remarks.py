"""What is said about rules, held against what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Literal

from lineage.runs import Update
from triggers.model import Selector
from triggers.sentences import duration

DAY = 86_400_000_000

LOOKED_BACK = 90 * DAY
"""µs of history that rules are held against."""

FORGOTTEN = 30 * DAY
"""µs without an update after which a dataset may be one that nobody writes any more."""

RECENT = 50
"""Updates of a dataset that are looked at for what they tell."""

MOST_DATASETS = 2_000
"""Datasets that are held against history; of more, the others are passed over, and it is said."""

MOST_NAMES = 20_000
"""Names of datasets among which the nearest are looked for."""

NEAREST = 3
"""Names that are given as hints."""

Severity = Literal["error", "warning", "note"]

Found = Iterator[tuple[Severity, str]]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a rule that its writer should know."""

    severity: Severity
    rule: str
    """``expectation ID``, ``trigger ID``, ``target ID``, ``route NAME``."""
    text: str


def written(selector: Selector) -> str:
    """Say which datasets a selector means."""
    parts = {key: getattr(selector, key) for key in selector.__slots__}
    return ", ".join(f"{key} {value!r}" for key, value in parts.items() if value is not None)


def unseen(selector: Selector, refs: Sequence[tuple[str, str]]) -> str:
    """Say that nobody has named a dataset; ``refs`` are (namespace, name) of those that may be meant instead."""
    wanted = selector.namespace or "", selector.name or ""
    near = [ref for ref in refs if ref[1] == wanted[1]]
    by_text = {" ".join(ref): ref for ref in refs}
    near += [by_text[text] for text in get_close_matches(" ".join(wanted), by_text, NEAREST, 0.8)]
    hint = "; there is " + ", ".join(f"{place}: {name}" for place, name in dict.fromkeys(near[:NEAREST]))
    return f"no event has named dataset {wanted[0]}: {wanted[1]}{hint if near else ''}"


def forgotten(updates: Sequence[Update], last: int, now: int) -> str | None:
    """Say for how long a dataset was not written, if that is longer than usual for it; times in µs UTC."""
    if last >= now - FORGOTTEN or _seldom(updates, last, now):
        return None
    return f"it was not written for {duration((now - last) // DAY * DAY)}"


def share(number: int) -> Severity:
    """Tell how grave it is that only so many updates say something: what none of them says, no rule can go by."""
    return "warning" if number else "error"


def _seldom(updates: Sequence[Update], last: int, now: int) -> bool:
    """Tell whether the pause is not unusual for a dataset."""
    times = sorted({update.event_time for update in updates})
    pauses = [later - one for one, later in pairwise(times)]
    return bool(pauses) and now - last <= 2 * max(pauses)
