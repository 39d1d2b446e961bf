"""How much of a dataset's past an expectation is judged by, so that not all of it has to be read each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from lineage.runs import Update
from triggers.deadlines import timetable
from triggers.facts import Arrival, Facts, arrivals, sift
from triggers.model import Anomaly, Assertions, Due, Expectation, MaxAge, Partition, SchemaUnchanged, Volume
from triggers.partitions import cut_at, shift, wanted_by
from triggers.quality import compared
from triggers.zones import wall, zone

BEHIND = 3
"""Partitions that an update lies behind the newest one that could come: what is read at once is enough until then."""

SIZES = (3, 8, 32, 128, 512, 2048, 2**40)
"""How many of the updates before those that are needed in any case are read: the next more where it is not enough."""


class Asked(NamedTuple):
    """What one expectation needs to know of updates.

    Those that came ``since`` then (µs UTC), and probably ``before`` of those before it; see ``suffice``.
    """

    expectation: Expectation
    since: int
    before: int


class Need(NamedTuple):
    """What must be known of a dataset: its updates as far as is ``asked``, its checks and schemas where told so."""

    asked: tuple[Asked, ...] = ()
    checks: bool = False
    schemas: bool = False

    def union(self, other: Need) -> Need:
        """Give what serves both."""
        return Need(self.asked + other.asked, self.checks or other.checks, self.schemas or other.schemas)

    @property
    def since(self) -> int:
        """From when on all updates are needed (µs UTC)."""
        return min(each.since for each in self.asked)

    @property
    def before(self) -> int:
        """How many of those before that are needed, probably."""
        return max(each.before for each in self.asked)


class FactSource(Protocol):
    """Where facts are kept: the database, or the memory of a replay."""

    def facts(self, wanted: Mapping[int, Need]) -> Mapping[int, Facts]:
        """Give what is known of datasets, by canonical id, under whatever names they go; all of them are answered.

        ``Facts.complete_until`` is left to the caller.
        """


def need(expectation: Expectation, seen: int) -> Need:
    """Say what an expectation is judged by if all that was received until ``seen`` (µs UTC) has been looked at."""
    condition, more = expectation.condition, 0 if expectation.partition is None else BEHIND
    if isinstance(condition, MaxAge):
        return Need((Asked(expectation, seen, 3 + more),))
    if isinstance(condition, Due):
        return Need((Asked(expectation, _from_when(expectation, condition, seen), 2 + more),))
    if isinstance(condition, Volume):
        return Need((Asked(expectation, seen, _updates_compared(condition.anomaly) + 2 + more),))
    if isinstance(condition, Assertions):
        asked = () if condition.wait is None else (Asked(expectation, seen, 2 + more),)
        return Need(asked, checks=True)
    assert isinstance(condition, SchemaUnchanged)  # noqa: S101  # for the type checker
    return Need(schemas=True)


def suffice(need: Need, updates: Sequence[Update], whole_from: int | None) -> bool:
    """Tell whether expectations are judged by these updates as they would be by all there are.

    ``updates`` must hold all with an ``event_time`` from ``whole_from`` on (None: all there are), of those before one
    with the greatest nominal time, and one of each version that is among the former. Where it is not enough, more is
    to be read: with all there are, it is.
    """
    return whole_from is None or all(_enough(asked, updates, whole_from) for asked in need.asked)


def _enough(asked: Asked, updates: Sequence[Update], whole_from: int) -> bool:
    expectation, condition = asked.expectation, asked.expectation.condition
    sure = list(_surely_new(expectation, updates, whole_from))
    if isinstance(condition, MaxAge):
        return len(sure) > 1
    if isinstance(condition, Due):
        # The one that met the release came since then, and was not the first of all.
        return bool(sure) and sure[-1].at < asked.since
    if isinstance(condition, Volume):
        counted = [arrival for arrival in reversed(sure) if arrival.update.rows is not None]
        if condition.anomaly is None or not counted:
            return bool(counted)
        return len(compared(condition.anomaly, expectation.timezone, counted)) == condition.anomaly.history
    return bool(sure)


def _surely_new(expectation: Expectation, updates: Sequence[Update], whole_from: int) -> Iterator[Arrival]:
    """Give what brought something new, the newest first, as far as nothing that was not read can change that.

    What was not read came before ``whole_from``. It can only make more of these old: as a partition (or nominal time)
    that is greater than theirs, which has a bound, or as the same version.
    """
    partition = expectation.partition
    new, old = sift(expectation, arrivals(expectation, updates))
    if partition is not None and isinstance(expectation.condition, MaxAge | Due):
        new = [arrival for arrival in new if arrival.key is not None]
    earlier = [update for update in updates if update.event_time < whole_from]
    # Read as that of an earlier update, and yet not taken for the same: that update is not one that counts, and whether
    # another one is, is not known.
    unclear = {update.version for update in earlier if update.version is not None}
    if old and old[-1][1].code == "backfill" and old[-1][0].update.version in unclear:
        return
    nominals = [update.nominal_at for update in earlier if update.nominal_at is not None]
    bound: Any = max(nominals, default=None)
    if partition is not None:
        bound = _furthest(partition, expectation.timezone, whole_from)
    for arrival in reversed(new):
        place: Any = arrival.update.nominal_at if partition is None else arrival.key
        behind = place is not None and bound is not None and place < bound
        if arrival.at < whole_from or behind or arrival.update.version in unclear:
            return
        yield arrival


def _furthest(partition: Partition, timezone: str, before: int) -> datetime:
    """Give a partition that is not less than any which counts of an update that came before an instant."""
    # As triggers.facts.sift has it, and one more for the hour that comes twice.
    return shift(cut_at(before, partition, timezone), max(partition.offset, 0) + 2, partition.grain)


def _updates_compared(anomaly: Anomaly | None) -> int:
    if anomaly is None:
        return 1
    return anomaly.history * (7 if anomaly.by_weekday else 1) + 1


def _from_when(expectation: Expectation, condition: Due, seen: int) -> int:
    """Give from when on an update can have met the last release that may still be told of as met."""
    table, partition = timetable(condition, expectation.timezone), expectation.partition
    # While the next one is not yet due: until then the verdict is about the one before.
    release = table.before(seen - expectation.grace.warn + 1)
    if release is None:
        return 0
    if partition is None:
        return table.accepts_from(release)
    wanted = wanted_by(release, partition, condition.calendar, expectation.timezone)
    earliest = shift(wanted, -max(partition.offset, 0) - 2, partition.grain)
    return wall(earliest, zone(partition.timezone or expectation.timezone))
