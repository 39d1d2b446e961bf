"""When to try again, and when no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

STEPS: Final = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR)
"""The longest pause after each attempt: those of the example in Standard Webhooks, of which the last is repeated."""

TRIED_FOR: Final = 24 * HOUR
"""After this time since it was queued nothing is tried again: a warning of yesterday is none."""

LONGEST_PAUSE: Final = HOUR
"""The longest time for which a receiver is left alone because it says so."""

AWAY: Final = MINUTE
"""The longest time for which a receiver that cannot be reached is sent nothing else."""


def pause(attempt: int, chance: Callable[[], float]) -> int:
    """Give the µs to wait after an attempt (1 is the first); ``chance`` gives numbers from 0 to 1.

    It is chance from nothing to the whole pause: those who failed together do not come back together.
    """
    return int(STEPS[min(attempt, len(STEPS)) - 1] * chance())


def away(failures: int) -> int:
    """Give the µs for which a receiver is sent nothing, after it could not be reached ``failures`` times running."""
    return min(AWAY, failures * failures * STEPS[0])


def next_attempt(
    attempt: int, queued_at: int, now: int, retry_after: int | None, chance: Callable[[], float]
) -> int | None:
    """Give the time (µs UTC) of the next attempt, not before the receiver will have it; None: no more."""
    wanted = min(retry_after or 0, LONGEST_PAUSE)
    next_at = now + max(wanted, pause(attempt, chance))
    last = queued_at + TRIED_FOR
    # The last attempt is when the time is up, not some hours before.
    return min(next_at, max(last, now + wanted)) if now < last else None
