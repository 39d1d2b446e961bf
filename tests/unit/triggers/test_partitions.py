"""Which partition an update wrote: read from its words, or from its nominal time."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineage.instants import parse_instant
from lineage.runs import Update
from triggers.model import Grain, KeySource, Partition
from triggers.partitions import key_of, read, shift


def update(partition: str | None = None, nominal: str | None = None) -> Update:
    nominal_at = parse_instant(nominal)[0] if nominal else None
    return Update(1, 0, 1, 0, nominal_at, partition, None, None, "run")


def on(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "grain", "expected"),
    [
        ("2026-11-22", Grain.DAY, "2026-11-22"),
        ("dt=2026-11-22", Grain.DAY, "2026-11-22"),
        ("dt=2026-11-22/hr=02", Grain.HOUR, "2026-11-22T02:00"),
        ("dt=20261122/country=DE/hour=5", Grain.HOUR, "2026-11-22T05:00"),
        ("country=DE/dt=2026-11-22/hr=02", Grain.DAY, "2026-11-22"),
        ("at=2026-11-22T14:30:00", Grain.HOUR, "2026-11-22T14:00"),
        ("year=2026/month=1/day=2/hour=3", Grain.HOUR, "2026-01-02T03:00"),
        ("year=2026/month=11", Grain.MONTH, "2026-11-01"),
        ("2026-11", Grain.MONTH, "2026-11-01"),
        ("2026-11-22", Grain.MONTH, "2026-11-01"),
        ("2026-11-22", Grain.WEEK, "2026-11-16"),
        ("2026-11-22", Grain.HOUR, None),  # a whole day is no hour
        ("2026-11", Grain.DAY, None),
        ("2026-13-40", Grain.DAY, None),
        ("id=1234567890", Grain.DAY, None),
        ("DE", Grain.DAY, None),
    ],
)
def test_partitions_are_read_from_their_words(text: str, grain: Grain, expected: str | None) -> None:
    assert read(text, grain) == (on(expected) if expected else None)


def test_of_several_partitions_the_newest_counts() -> None:
    assert key_of(update("dt=2026-11-21,dt=2026-11-22,dt=2026-11-20"), Partition(), "UTC") == on("2026-11-22")


def test_the_nominal_time_is_asked_when_the_words_say_nothing() -> None:
    spoken = update("country=DE", "2026-11-22T23:30:00Z")
    assert key_of(spoken, Partition(), "UTC") == on("2026-11-22")
    assert key_of(spoken, Partition(), "Europe/Berlin") == on("2026-11-23")
    assert key_of(spoken, Partition(timezone="UTC"), "Europe/Berlin") == on("2026-11-22")
    assert key_of(spoken, Partition(sources=(KeySource.SUBSET,)), "UTC") is None


def test_sources_are_asked_in_the_order_given() -> None:
    both = update("dt=2026-11-01", "2026-11-22T00:00:00Z")
    assert key_of(both, Partition(), "UTC") == on("2026-11-01")
    nominal_first = Partition(sources=(KeySource.NOMINAL, KeySource.SUBSET))
    assert key_of(both, nominal_first, "UTC") == on("2026-11-22")


def test_months_differ_in_length() -> None:
    assert shift(on("2026-01-01"), -1, Grain.MONTH) == on("2025-12-01")
    assert shift(on("2026-01-01"), 14, Grain.MONTH) == on("2027-03-01")
    assert shift(on("2026-11-02"), 2, Grain.WEEK) == on("2026-11-16")
