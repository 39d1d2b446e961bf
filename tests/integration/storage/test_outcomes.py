"""The account of deadlines in the database: entered, corrected, and with windows taken out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from sqlalchemy import select

from collector.storage.engine import Database
from collector.storage.freshness_facts import SqlFacts
from collector.storage.outcomes import (
    Entry,
    Exclusion,
    Settled,
    account,
    misses,
    newest,
    reexclude,
    write,
)
from collector.storage.tables import outcome
from tests.accounts import nobody, settled
from tests.catalog import HOUR, NOON, Catalog
from tests.statements import counted
from triggers.alerts import Matcher
from triggers.breaches import Described
from triggers.looks import Stance, look
from triggers.maintenance import Maintenance
from triggers.model import Due, Expectation, Grace, Selector
from triggers.outcomes import Outcome, Settlement, needed, settle
from triggers.rules import RuleSet

DAY = 24 * HOUR
DAILY = Expectation(
    id="daily", selector=Selector(namespace="shop", name="orders"), condition=Due(at=time(7)), grace=Grace()
)
RULES = RuleSet({"daily": DAILY})
UPGRADE = Maintenance(
    id="upgrade",
    matchers=(Matcher("tag", "warehouse"),),
    author="anna",
    reason="upgrade",
    once=(NOON, NOON + DAY),
)
UNTOUCHED = Exclusion(RULES, nobody)


def describe(ids: Any) -> dict[int, Described]:
    known = {
        7: Described("shop", "orders", "team", frozenset({"warehouse"})),
        8: Described("shop", "customers"),
    }
    return {id_: known[id_] for id_ in ids if id_ in known}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def rows(database: Database) -> list[tuple[Any, ...]]:
    columns = (
        outcome.c.dataset_id,
        outcome.c.release_at,
        outcome.c.arrived_at,
        outcome.c.met,
        outcome.c.excluded_by,
    )
    with database.read() as conn:
        return [tuple(row) for row in conn.execute(select(*columns).order_by(*columns[:2]))]


def test_what_was_found_last_counts(database: Database) -> None:
    missed = Outcome(NOON, NOON + HOUR, None, False)
    with database.write() as conn:
        write(conn, [settled("daily", 7, missed)], UNTOUCHED)
        # It came three hours late; then it turns out that it had come in time.
        late = Settlement([], [missed._replace(arrived=NOON + 3 * HOUR)], 0, None)
        write(conn, [Settled("daily", 7, late)], UNTOUCHED)
    assert rows(database) == [(7, NOON, NOON + 3 * HOUR, False, None)]
    with database.write() as conn:
        in_time = Settlement([], [missed._replace(arrived=NOON, met=True)], 0, None)
        write(conn, [Settled("daily", 7, in_time)], UNTOUCHED)
    assert rows(database) == [(7, NOON, NOON, True, None)]


def test_what_was_before_the_account_began_is_not_entered(database: Database) -> None:
    before = Settlement([], [Outcome(NOON, NOON, NOON, False)], 0, None)
    with database.write() as conn:
        write(conn, [Settled("daily", 7, before)], UNTOUCHED)
    assert rows(database) == []


def test_deadlines_in_a_window_do_not_count(database: Database) -> None:
    rules = replace(RULES, windows=(UPGRADE,))
    deadlines = [NOON - 1, NOON, NOON + DAY - 1, NOON + DAY]
    found = [Outcome(at, at, None, False) for at in deadlines]
    with database.write() as conn:
        write(conn, [settled("daily", 7, *found), settled("daily", 8, *found)], Exclusion(rules, describe))
        tallies = account(conn, 0, NOON + 2 * DAY)
        missed = misses(conn, 0, NOON + 2 * DAY, dataset_ids=[7])
    assert sorted((each.dataset_id, each.deadlines, each.met, each.excluded) for each in tallies) == [
        (7, 2, 0, 2), (8, 4, 0, 0),
    ]  # fmt: skip
    assert [each.deadline for each in missed] == [NOON - 1, NOON + DAY]


def test_windows_that_change_are_applied_anew(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.storage.outcomes.PIECE", 2)
    found = [Outcome(NOON + at * HOUR, NOON + at * HOUR, None, False) for at in range(-2, 5)]
    with database.write() as conn:
        write(conn, [settled("daily", 7, *found), settled("gone", 7, *found)], UNTOUCHED)
        assert reexclude(conn, replace(RULES, windows=(UPGRADE,)), describe, NOON + HOUR) == 4
        assert reexclude(conn, replace(RULES, windows=(UPGRADE,)), describe, 0) == 1
        assert reexclude(conn, replace(RULES, windows=(replace(UPGRADE, excludes=False),)), describe, 0) == 5
    assert {row[-1] for row in rows(database)} == {None}


def test_a_dataset_that_no_event_has_named_is_excluded_by_its_name_in_the_rule(database: Database) -> None:
    by_name = replace(UPGRADE, matchers=(Matcher("name", "orders"), Matcher("rule", "daily")))
    with database.write() as conn:
        exclusion = Exclusion(replace(RULES, windows=(by_name,)), describe)
        write(conn, [settled("daily", 9, Outcome(NOON, NOON, None, False))], exclusion)
    assert rows(database)[0][-1] == "upgrade"


def test_facts_that_are_needed_suffice_from_the_database(database: Database) -> None:
    """Daily data, of which the engine hears only when the week is over; then the emitter's own delay."""
    seven = NOON - 5 * HOUR
    with database.write() as conn:
        catalog = Catalog(conn)
        dataset_id, job = catalog.dataset("orders"), catalog.job("load")
        conn_rows = [(day, seven + day * DAY - HOUR) for day in range(-30, 8)]
        for day, at in conn_rows:
            late = {3: 3 * HOUR}.get(day, 0)
            catalog.update(dataset_id, catalog.run(job, f"r{day}", at), at + late)
    stance: Stance | None = None
    settled_at: int | None = None
    for seen in (NOON, NOON + 7 * DAY):
        with database.write() as conn:
            need = needed(DAILY, stance, settled_at, seen)
            facts = SqlFacts(conn).facts({dataset_id: need})[dataset_id]
            facts = replace(facts, updates=[each for each in facts.updates if each.received_at <= seen])
            stance = look(DAILY, facts, stance, seen)
            settlement = settle(DAILY, facts, settled_at, seen)
            settled_at = settlement.settled_at
            write(conn, [Settled("daily", dataset_id, settlement)], UNTOUCHED)
    assert [(each[1], each[3]) for each in rows(database)] == [
        (seven + day * DAY, day != 3) for day in range(1, 8)
    ]


def test_the_newest_entries_of_many_come_in_one_statement(database: Database) -> None:
    def daily(count: int, *, met: bool = True) -> list[Outcome]:
        return [
            Outcome(NOON + n * DAY, NOON + n * DAY + HOUR, NOON + n * DAY if met else None, met)
            for n in range(count)
        ]

    with database.write() as conn:
        for expectation, dataset_id, entered in (
            ("daily", 7, daily(40)),
            ("daily", 8, daily(2, met=False)),
            ("other", 7, daily(5)),
            ("daily", 9, daily(3)),
        ):
            write(conn, [settled(expectation, dataset_id, *entered)], UNTOUCHED)
    with database.read() as conn, counted(database) as statements:
        found = newest(conn, [("daily", 7), ("daily", 8), ("daily", 1)], 3)
    assert len(statements) == 1
    assert [(each.dataset_id, (each.release - NOON) // DAY) for each in found if each.dataset_id == 7] == [
        (7, 37),
        (7, 38),
        (7, 39),
    ]
    assert [each for each in found if each.dataset_id != 7] == [
        Entry("daily", 8, NOON + n * DAY, NOON + n * DAY + HOUR, None, False, None) for n in range(2)
    ]


def test_only_the_deadlines_of_some_datasets_are_counted(database: Database) -> None:
    with database.write() as conn:
        for dataset_id in (7, 8):
            write(conn, [settled("daily", dataset_id, Outcome(NOON, NOON, NOON - 1, True))], UNTOUCHED)
        assert [each.dataset_id for each in account(conn, 0, NOON + 1, dataset_ids=[8])] == [8]
