"""Updates as triggers are given them, and under which keys they are joined."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from lineage.instants import iso
from lineage.runs import Update
from triggers.conditions import Input, Keys, Mode, Trigger
from triggers.deadlines import Timetable, timetable
from triggers.model import Due, Grain, KeySource
from triggers.partitions import cut, read, shift
from triggers.zones import local, times_shown, zone

WHOLE: Final = ""
"""The key of a join that has no keys."""

FORMATS: Final = {
    Grain.HOUR: "%Y-%m-%dT%H",
    Grain.DAY: "%Y-%m-%d",
    Grain.WEEK: "%Y-%m-%d",
    Grain.MONTH: "%Y-%m",
}
"""How the partition of a grain is written; a week by its Monday."""

NEW: Final = ""
BACKFILL: Final = "backfill"
SAME_VERSION: Final = "same_version"
"""What an update brings: something new, an older nominal time than was there, or a version that was there."""


class Arrived(NamedTuple):
    """An update that has come for an input of a trigger. Times in µs UTC."""

    input: str
    update: str
    """What makes it this update and no other, however often it is told of, see ``update_id``."""
    at: int
    """When the event came by which it is known: what joins go by, as clocks of producers differ."""
    dataset_id: int
    """Canonical."""
    namespace: str
    name: str
    run_id: str
    job_namespace: str
    job_name: str
    event_time: int
    nominal_at: int | None = None
    partition: str | None = None
    version: str | None = None
    rows: int | None = None
    news: str = NEW
    parts: tuple[str, ...] = ()
    """The partitions, of the input's own grain, that it wrote of the key's."""
    chain: tuple[str, ...] = ()
    """The triggers whose firings led to it, one after the other."""

    @classmethod
    def read(cls, values: Sequence[Any]) -> Arrived:
        """Read one that JSON made a list of."""
        *rest, parts, chain = values
        return cls._make((*rest, tuple(parts), tuple(chain)))

    def data(self) -> dict[str, Any]:
        """Say what a firing has consumed."""
        return {
            "update": self.update,
            "dataset": {"namespace": self.namespace, "name": self.name},
            "run_id": self.run_id,
            "job": {"namespace": self.job_namespace, "name": self.job_name},
            "event_time": iso(self.event_time),
            "received_at": iso(self.at),
            "nominal_time": None if self.nominal_at is None else iso(self.nominal_at),
            "partition": self.partition,
            "version": self.version,
            "rows": self.rows,
        }


def update_id(update: Update, run_key: bytes, job_id: int) -> int:
    """Give what makes an update this one (63 bits): the name of the dataset and the run.

    A run that is told of again, or differently, has not brought anything twice; one that streams brings something each
    time. Not the number of the run in the database, which is another one after a rebuild.
    """
    stream = update.event_time if update.kind == "stream" else 0
    text = f"{update.dataset_id}\0{run_key.hex()}\0{job_id}\0{stream}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def news_of(update: Update, greatest_nominal_before: int | None, version_seen_before: bool) -> str:
    """Tell what an update brings, by what was known of its dataset before: the greatest nominal time (µs UTC), and
    whether this very version had come."""
    if update.version is not None and version_seen_before:
        return SAME_VERSION
    if (
        update.nominal_at is not None
        and greatest_nominal_before is not None
        and update.nominal_at < greatest_nominal_before
    ):
        return BACKFILL
    return NEW


def keys_of(
    trigger: Trigger, wanted: Input, update: Update, name: str, at: int
) -> dict[str, tuple[str, ...]]:
    """Give the keys under which an update of ``name``, received ``at`` (µs UTC), counts, and the parts of each.

    Empty: it does not say which partition it wrote.
    """
    join = trigger.join
    if join.mode is Mode.EPOCH:
        tick = ticks(trigger).before(at + join.tolerance + 1)
        return {} if tick is None else {iso(tick): ()}
    if join.keys is None:
        return {WHOLE: ()}
    grain = wanted.grain or join.keys.grain
    found: defaultdict[str, set[str]] = defaultdict(set)
    for moment in _partitions(join.keys, grain, update, name, trigger.timezone):
        found[key_text(moment, join.keys.grain)].add(key_text(moment, grain))
    return {key: tuple(sorted(parts)) for key, parts in found.items()}


def _partitions(keys: Keys, grain: Grain, update: Update, name: str, timezone: str) -> list[datetime]:
    for source in keys.sources:
        if source is KeySource.SUBSET and update.partition is not None:
            found = [moment for text in update.partition.split(",") if (moment := read(text, grain))]
            if found:
                return found
        if source is KeySource.NOMINAL and update.nominal_at is not None:
            return [cut(local(update.nominal_at, zone(timezone)).replace(tzinfo=None), grain)]
    for pattern in keys.patterns:
        match = re.search(pattern, name)
        if match and (moment := read(match[1] if match.re.groups else match[0], grain)):
            return [moment]
    return []


def key_text(moment: datetime, grain: Grain) -> str:
    """Write the partition in which a local time lies."""
    return cut(moment, grain).strftime(FORMATS[grain])


def key_start(key: str, grain: Grain) -> datetime:
    """Read what ``key_text`` wrote: the local time at which the partition begins."""
    return datetime.strptime(key, FORMATS[grain])  # noqa: DTZ007  # of no zone: it is the trigger's


def parts_of(key: str, whole: Grain, grain: Grain, timezone: str) -> Iterator[str]:
    """Give the partitions of a finer grain that a key holds. An hour that clocks leave out is none of them."""
    own = zone(timezone)
    moment = key_start(key, whole)
    end = shift(moment, 1, whole)
    while moment < end:
        if grain is not Grain.HOUR or times_shown(moment, own):
            yield key_text(moment, grain)
        moment = shift(moment, 1, grain)


def ticks(trigger: Trigger) -> Timetable:
    """Give the ticks of the schedule by which epochs begin, or by which a trigger fires."""
    return timetable(Due(cron=trigger.join.schedule or trigger.schedule), trigger.timezone)
