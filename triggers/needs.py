"""How much of a dataset's past an expectation is judged by, so that not all of it has to be read each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from triggers.deadlines import timetable
from triggers.facts import Facts
from triggers.model import Anomaly, Assertions, Due, Expectation, Grain, MaxAge, SchemaUnchanged, Volume

DAY = 86_400_000_000

LONGEST: Mapping[Grain, int] = {
    Grain.HOUR: DAY // 12,  # clocks are put back
    Grain.DAY: 2 * DAY,
    Grain.WEEK: 8 * DAY,
    Grain.MONTH: 32 * DAY,
}
"""µs that a partition lasts at most, and somewhat more."""

WEEK = 7


@dataclass(frozen=True, slots=True)
class Need:
    """What must be known of a dataset.

    Of its updates those that came ``since`` then (µs UTC), and in any case the last ``news`` that brought something
    new; of them all, which ones did. Its ``checks`` and ``schemas`` only where told so.
    """

    since: int
    news: int = 0
    checks: bool = False
    schemas: bool = False

    def union(self, other: Need) -> Need:
        """Give what serves both."""
        return Need(
            min(self.since, other.since),
            max(self.news, other.news),
            self.checks or other.checks,
            self.schemas or other.schemas,
        )


class FactSource(Protocol):
    """Where facts are kept: the database, or the memory of a replay."""

    def facts(self, wanted: Mapping[int, Need]) -> Mapping[int, Facts]:
        """Give what is known of datasets, by canonical id, under whatever names they go; all of them are answered.

        ``Facts.complete_until`` is left to the caller.
        """


def need(expectation: Expectation, now: int) -> Need:
    """Say what an expectation is judged by at ``now`` (µs UTC)."""
    condition = expectation.condition
    if isinstance(condition, MaxAge):
        return Need(now, news=2)
    if isinstance(condition, Due):
        return Need(_two_releases_back(expectation, condition, now), news=2)
    if isinstance(condition, Volume):
        return _volume(condition.anomaly, now)
    if isinstance(condition, Assertions):
        return Need(now, news=0 if condition.wait is None else 1, checks=True)
    assert isinstance(condition, SchemaUnchanged)  # noqa: S101  # for the type checker
    return Need(now, schemas=True)


def _volume(anomaly: Anomaly | None, now: int) -> Need:
    if anomaly is None:
        return Need(now, news=1)
    if not anomaly.by_weekday:
        return Need(now, news=anomaly.history + 1)
    # Of what comes often, the same day of so many weeks; of what comes seldom, so many updates of any day.
    return Need(now - (anomaly.history + 1) * WEEK * DAY, news=anomaly.history * WEEK + 1)


def _two_releases_back(expectation: Expectation, condition: Due, now: int) -> int:
    """Give from when on data counts for the release before the last: who came first decides whether it was late."""
    table = timetable(condition, expectation.timezone)
    release = now
    for _ in range(2):
        earlier = table.before(release)
        if earlier is None:
            return 0
        release = earlier
    since = table.accepts_from(release)
    return since if expectation.partition is None else since - 2 * LONGEST[expectation.partition.grain]
