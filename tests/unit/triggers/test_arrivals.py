"""Under which keys updates count, and what makes firings on them the same."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from lineage.instants import parse_instant
from lineage.runs import Update
from tests.unit.triggers.joining import came, trigger, wait_for
from triggers.arrivals import keys_of, parts_of, update_id
from triggers.conditions import Join, Keys, Mode
from triggers.firings import Consumed, Firing, fire_key, id_of, longest, manual_key
from triggers.model import Grain, KeySource
from triggers.schedules import ends_at, starts_at

PLAIN = Update(1, 0, 1, 0, None, None, None, None, "run")


def instant(text: str) -> int:
    return parse_instant(text)[0]


def keys(
    keys: Keys, name: str = "orders", grain: Grain | None = None, zone: str = "UTC", **values: Any
) -> dict[str, tuple[str, ...]]:
    rule = trigger(Join(Mode.PARTITION, keys=keys), wait_for("a", grain=grain), timezone=zone)
    return keys_of(rule, rule.inputs["a"], PLAIN._replace(**values), name, 0)


@pytest.mark.parametrize(
    ("grain", "partition", "key"),
    [
        (Grain.HOUR, "dt=2026-11-22/hr=02", "2026-11-22T02"),
        (Grain.DAY, "20261122", "2026-11-22"),
        (Grain.WEEK, "2026-11-22", "2026-11-16"),
        (Grain.MONTH, "year=2026/month=11", "2026-11"),
    ],
)
def test_keys_are_partitions(grain: Grain, partition: str, key: str) -> None:
    assert list(keys(Keys(grain=grain), partition=partition)) == [key]


def test_sources_are_asked_in_order() -> None:
    both: dict[str, Any] = {"partition": "2026-11-20", "nominal_at": instant("2026-11-21T23:30:00Z")}
    assert list(keys(Keys(), **both)) == ["2026-11-20"]
    nominal = Keys((KeySource.NOMINAL, KeySource.SUBSET))
    assert list(keys(nominal, **both)) == ["2026-11-21"]
    # A day begins where the trigger is at home.
    assert list(keys(nominal, zone="Europe/Berlin", **both)) == ["2026-11-22"]


def test_names_tell_partitions_as_well() -> None:
    named = Keys((), patterns=(r"orders_(\d{8})", r"\d{4}-\d\d-\d\d$"))
    assert list(keys(named, "orders_20261122")) == ["2026-11-22"]
    assert list(keys(named, "events/2026-11-23")) == ["2026-11-23"]
    assert keys(named, "orders_99999999") == {}


def test_what_does_not_say_its_partition_has_no_key() -> None:
    assert keys(Keys()) == keys(Keys(), partition="full") == {}
    assert keys(Keys(grain=Grain.HOUR), partition="2026-11-22") == {}


def test_finer_partitions_are_parts_of_keys() -> None:
    found = keys(Keys(), grain=Grain.HOUR, partition="2026-11-22T23,2026-11-23T00,2026-11-23T01")
    assert found == {"2026-11-22": ("2026-11-22T23",), "2026-11-23": ("2026-11-23T00", "2026-11-23T01")}
    assert len(list(parts_of("2026-02", Grain.MONTH, Grain.DAY, "UTC"))) == 28
    assert len(list(parts_of("2026-11-16", Grain.WEEK, Grain.HOUR, "UTC"))) == 168
    spring = list(parts_of("2026-03-29", Grain.DAY, Grain.HOUR, "Europe/Berlin"))
    assert (len(spring), "2026-03-29T02" in spring) == (23, False)


def test_epochs_follow_each_other_without_a_gap() -> None:
    rule = trigger(Join(Mode.EPOCH, schedule="30 2 * * *", tolerance=60_000_000), timezone="Europe/Berlin")
    at = instant("2026-03-27T12:00:00Z")
    for _ in range(4):
        (key,) = keys_of(rule, rule.inputs["a"], PLAIN, "", at)
        end = ends_at(rule, key)
        assert end is not None
        assert starts_at(rule, key) <= at < end
        assert list(keys_of(rule, rule.inputs["a"], PLAIN, "", end - 1)) == [key]
        assert list(keys_of(rule, rule.inputs["a"], PLAIN, "", end)) != [key]
        at = end


def test_an_update_is_the_same_however_it_is_told_of() -> None:
    run = PLAIN._replace(event_time=5, version="v1")
    assert update_id(run, b"r", 1) == update_id(run._replace(event_time=6, rows=3, run_id=9), b"r", 1)
    assert len({update_id(run, b"r", 1), update_id(run, b"s", 1), update_id(run, b"r", 2)}) == 3
    stream = run._replace(kind="stream")
    assert update_id(stream, b"r", 1) != update_id(stream._replace(event_time=6), b"r", 1)
    assert 0 <= update_id(run, b"r", 1) < 1 << 63


def test_a_firing_has_one_id_for_what_it_is() -> None:
    key = fire_key("t", "2026-11-22", 0)
    assert key == fire_key("t", "2026-11-22", 0) != fire_key("t", "2026-11-22", 1)
    assert fire_key("ab", "c") != fire_key("a", "bc")
    assert UUID(id_of(key)).version == 8
    assert UUID(id_of(key)).variant == "specified in RFC 4122"
    assert manual_key("t", "", "n") != manual_key("t", "", "m")


def test_the_longest_chain_of_causes_counts() -> None:
    a, b = came("a", 1, chain=("x", "y")), came("b", 2, chain=("z",))
    firing = Firing("t", "", "k", 2, (Consumed("a", (a,)), Consumed("b", (b,)), Consumed("c", ())))
    assert firing.chain == ("x", "y", "t")
    assert longest([()]) == ()
    assert firing.consumed_json().startswith('[{"id":"a","updates":[{"update":')
