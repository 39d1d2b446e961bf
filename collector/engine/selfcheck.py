"""What the engine has to say about itself: that it cannot see, and what happened while it did not look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from collector.storage import standings
from triggers.alerts import Alert, Severity
from triggers.sentences import duration, moment
from triggers.watermark import Watermark

NAMESPACE = "tidegate"
NAME = "engine"

LAGGING = "engine.lagging"
OUTAGE = "engine.outage"
FLOODED = "engine.flooded"

TOLD_FOR = 3_600_000_000
"""µs for which an outage is an open alert: it is over when it is told, and receivers hear of open alerts only."""


@dataclass(slots=True)
class SelfCheck:
    """Watches the engine's own sight. ``lag`` is how long events may wait, and we be away, until it is told (µs)."""

    watermark: Watermark
    timezone: str
    lag: int
    _blind_since: int | None = None
    _outage_words: str | None = None

    def alerts(self, conn: Connection, oldest: int | None, now: int, *, quiet: bool) -> Iterator[Alert]:
        """Give what is wrong with the engine ``now`` (µs UTC).

        ``oldest`` is when the first waiting event came; ``quiet``: all that time has come for has been looked at.
        """
        if oldest is None or now - oldest <= self.lag:
            self._blind_since = None
        else:
            if self._blind_since is None:
                self._blind_since = oldest + self.lag
            since = moment(self._blind_since - self.lag, self.timezone)
            words = (
                f"Tidegate is behind. Events that came since {since} wait to be projected; until they are, "
                "nobody is told what has not come."
            )
            yield _alert(LAGGING, self._blind_since, words)
        outage = self.watermark.outage
        if outage is None or self.watermark.settling(now) or outage.end - outage.start < self.lag:
            return
        told_from = outage.end + self.watermark.settle
        if now < told_from + TOLD_FOR and (quiet or self._outage_words):
            if self._outage_words is None:
                late, excused = standings.missed_between(conn, outage.start, outage.end)
                self._outage_words = (
                    f"Tidegate took in no events from {moment(outage.start, self.timezone)} to "
                    f"{moment(outage.end, self.timezone)} ({duration(outage.end - outage.start)}). Of the deadlines in "
                    f"that time {late + excused} were missed, of which {excused} are not told of."
                )
            yield _alert(OUTAGE, told_from, self._outage_words)


def flooded(most: int, more: int, now: int) -> Alert:
    """Give the alert that more is wrong than is told of (µs UTC)."""
    words = (
        f"Tidegate tells of {most:,} alerts about datasets at a time. {more:,} more are open and wait until some of "
        "these have ended; all datasets that are late are listed under freshness."
    )
    return _alert(FLOODED, now, words)


def _alert(rule: str, starts: int, words: str) -> Alert:
    return Alert(rule, "job", NAMESPACE, NAME, Severity.WARNING, starts, text=words)
