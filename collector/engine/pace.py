"""How often it is decided what receivers hear: as soon as may be, unless that would hold up the events to come."""

from __future__ import annotations

from dataclasses import dataclass

EASY_SECONDS = 0.05
PATIENCE = 10
"""Seconds for which a decision waits for facts that come faster than they are looked at."""

REST = 2
"""A decision that took longer is followed by a rest of so many times as long. Where hundreds of alerts are open each
costs tenths of a second, and every event upstream of them would ask for one."""


@dataclass(slots=True)
class Pace:
    """Times are monotonic seconds."""

    _owed_since: float | None = None
    rest_until: float = 0.0

    @property
    def owes(self) -> bool:
        """Whether there is something to decide that is put off for a moment."""
        return self._owed_since is not None

    def owe(self, now: float) -> None:
        """Say that there is something to decide."""
        if self._owed_since is None:
            self._owed_since = now

    def may_decide(self, now: float, *, full: bool, behind: bool) -> bool:
        """Tell whether what is owed is decided now: not while there is more to be looked at.

        Facts may come without an end. Those that wait may have mended something, but that was as true before.
        """
        if self._owed_since is None or behind or now < self.rest_until:
            return False
        return not full or now - self._owed_since > PATIENCE

    def decided(self, begun: float, ended: float) -> None:
        """Say that it was decided, and how long that took."""
        took = ended - begun
        self.rest_until = ended + (REST * took if took > EASY_SECONDS else 0)
        self._owed_since = None
