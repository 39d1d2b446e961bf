"""Up to when it is known what came, and what did not: the clock by which absence is judged.

It stands still while events wait to be projected, and for a while after an outage, in which emitters send what they
could not: nobody is told that something is missing which may be on its way. Prefect's events clock and Alertmanager's
settling after a start are the models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

SLACK = 500_000
"""µs by which it lags behind the clock at least: what is just being written to the log is not to be overtaken."""

BLINK = 5_000_000
"""µs that a restart may take without being an outage."""


class Outage(NamedTuple):
    """From when until when nobody took events in (µs UTC)."""

    start: int
    end: int


@dataclass(slots=True)
class Watermark:
    """The clock of one process. ``settle`` is how long after an outage it stands still (µs).

    It goes back only with the clock of the machine, when that had been ahead.
    """

    settle: int
    outage: Outage | None = None
    reached: int = 0

    def woke(self, last_alive: int | None, now: int, before: Outage | None = None) -> None:
        """Say that we have just started, and when we were last known to be alive (None: never before).

        ``before`` is the last outage that is known of: after one that has not settled we may have started once more.
        """
        self.outage = before
        if last_alive is not None and now - last_alive > BLINK:
            unsettled = before is not None and last_alive < before.end + self.settle
            self.outage = Outage(before.start if before and unsettled else last_alive, now)

    def settling(self, now: int) -> bool:
        """Tell whether what was sent during the outage may still be on its way."""
        return self.outage is not None and self.outage.end <= now < self.outage.end + self.settle

    def ahead(self, now: int) -> bool:
        """Tell whether it is known what came at times that have not come: the machine's clock has been set back."""
        return self.reached > now + BLINK

    def at(self, oldest: int | None, now: int) -> int:
        """Give the instant up to which all is known (µs UTC); ``oldest`` is when the first waiting event came."""
        known = now - SLACK
        if oldest is not None:
            known = min(known, oldest - 1)
        if self.outage is not None and self.settling(now):
            known = min(known, self.outage.start)
        self.reached = known if self.ahead(now) else max(self.reached, known)
        return self.reached
