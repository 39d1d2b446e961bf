"""What is known of a dataset when it is judged, and which of its updates brought something new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from lineage.instants import NAIVE_EPOCH
from lineage.runs import Update
from triggers.model import Expectation
from triggers.partitions import cut_at, key_of, shift
from triggers.verdict import Reason


class Check(NamedTuple):
    """The result of one check (``key`` tells it from others) in one run."""

    key: str
    event_time: int
    run_id: int
    success: bool
    severity: str | None = None  # as sent: "error", "warn"; None means an error


class SchemaSeen(NamedTuple):
    """A ``schema`` facet, and from when on it was in force."""

    at: int
    facet: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a dataset at the moment of judging: in any order, and the same thing twice is no harm.

    Needed are the updates since the last release that was met and one before (for ages: the last two that brought
    something new; for volumes: the history asked for), and those whose version or nominal time they repeat.

    ``complete_until``: all that was received up to then has been looked at (None: up to now). While work is waiting,
    or after a restart, it is in the past; then nobody concludes from missing data what was not so at that time.
    """

    updates: Sequence[Update] = ()
    checks: Sequence[Check] = ()
    schemas: Sequence[SchemaSeen] = ()
    complete_until: int | None = None


class Arrival(NamedTuple):
    """An update with the time at which its data was there, and the local time at which its partition begins."""

    at: int
    update: Update
    key: datetime | None


def arrived_at(update: Update) -> int:
    """Tell when the data was there: when its run ended, but not after we heard of it, nor before 1970.

    So a clock that runs ahead makes nothing fresher, and what was in time stays so when we hear of it late.
    """
    return max(0, min(update.event_time, update.received_at))


def arrivals(expectation: Expectation, updates: Sequence[Update]) -> list[Arrival]:
    """Give the updates, each once, by the time at which they arrived."""
    partition, timezone = expectation.partition, expectation.timezone
    found = [
        Arrival(arrived_at(update), update, key_of(update, partition, timezone) if partition else None)
        for update in set(updates)
    ]
    return sorted(found, key=_order)


def _order(arrival: Arrival) -> tuple[int, datetime, int, str, int]:
    update = arrival.update
    return arrival.at, arrival.key or NAIVE_EPOCH, update.nominal_at or 0, update.version or "", update.run_id


def sift(
    expectation: Expectation, found: Sequence[Arrival]
) -> tuple[list[Arrival], list[tuple[Arrival, Reason]]]:
    """Part the arrivals that brought new data from those that did not, which come with the reason.

    Nothing new brings the same version again, a backfill (its partition, or without partitions its nominal time, is
    older than one that was there before), a partition that lies further ahead than anything expected, which would hide
    all that come after it, and where that is refused an update without rows.
    """
    new: list[Arrival] = []
    old: list[tuple[Arrival, Reason]] = []
    versions: set[str] = set()
    newest: datetime | int | None = None
    for arrival in found:
        update = arrival.update
        if expectation.refuse_empty and update.rows == 0:
            old.append((arrival, Reason("empty", _told(arrival))))
            continue
        if _ahead(expectation, arrival):
            old.append((arrival, Reason("ahead", _told(arrival))))
            continue
        place: Any = arrival.key if expectation.partition else update.nominal_at
        backfill = place is not None and newest is not None and place < newest
        if place is not None and not backfill:
            newest = place
        if update.version is not None and update.version in versions:
            old.append((arrival, Reason("same_version", _told(arrival) | {"version": update.version})))
        elif backfill:
            old.append((arrival, Reason("backfill", _told(arrival))))
        else:
            new.append(arrival)
        if update.version is not None:
            versions.add(update.version)
    return new, old


def _ahead(expectation: Expectation, arrival: Arrival) -> bool:
    partition = expectation.partition
    if partition is None or arrival.key is None:
        return False
    if arrival.key - NAIVE_EPOCH <= timedelta(microseconds=arrival.at):
        return False  # not ahead of the clock: nearly all of them, and cheap to see
    here = cut_at(arrival.at, partition, expectation.timezone)
    # One more than the one expected: data may come early.
    return arrival.key > shift(here, max(partition.offset, 0) + 1, partition.grain)


def _told(arrival: Arrival) -> dict[str, Any]:
    update = arrival.update
    return {"at": arrival.at, "partition": update.partition, "nominal_at": update.nominal_at}
