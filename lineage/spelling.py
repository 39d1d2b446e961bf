"""Instants and durations as sentences say them."""

from __future__ import annotations

from datetime import timedelta

from lineage.instants import EPOCH

SECOND = 1_000_000
UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def spelled(instant: int | None) -> str:
    """Write an instant (µs since 1970-01-01 UTC) to the second; None as a time that nobody has said."""
    if instant is None:
        return "an unknown time"
    return f"{(EPOCH + timedelta(microseconds=instant)).isoformat(timespec='seconds')[:-6]}Z"


def spelled_duration(duration: int) -> str:
    """Write a duration (µs) in its two greatest units: ``2 days 3 hours``, ``40 seconds``, ``less than a second``."""
    left, words = duration // SECOND, list[str]()
    for name, seconds in UNITS:
        number, left = divmod(left, seconds)
        if number and len(words) < 2:
            words.append(f"{number} {name}{'s' if number > 1 else ''}")
        elif words:
            break
    return " ".join(words) or "less than a second"
