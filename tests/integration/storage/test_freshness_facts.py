"""What rules are judged by, read from the database: as much as is needed, with few statements, along the indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, text

from collector.storage import tables
from collector.storage.engine import Database
from collector.storage.freshness_facts import SqlFacts
from collector.storage.upsert import names, write_rows
from tests.catalog import HOUR, NOON, Catalog
from tests.histories import DAY, expectations, moments, updates
from tests.statements import counted
from triggers.evaluate import evaluate
from triggers.facts import Check, Facts
from triggers.memory import MemoryFacts
from triggers.model import Assertions, Expectation, MaxAge, SchemaUnchanged, Selector, Volume
from triggers.needs import Need, need
from triggers.verdict import State

ORDERS = Selector(name="orders")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def expect(condition: MaxAge | Volume | Assertions | SchemaUnchanged) -> Expectation:
    return Expectation(id="it", selector=ORDERS, condition=condition)


def both(*needs: Need) -> Need:
    """Give what serves all."""
    wanted = needs[0]
    for each in needs[1:]:
        wanted = wanted.union(each)
    return wanted


def facts_of(database: Database, dataset_id: int, wanted: Need) -> Facts:
    with database.read() as conn:
        return SqlFacts(conn).facts({dataset_id: wanted})[dataset_id]


@pytest.fixture
def three_names(database: Database) -> list[int]:
    """Two datasets, of which the first has two names; give the ids of these three, the canonical ones last."""
    with database.write() as conn:
        catalog = Catalog(conn)
        table, path, other = catalog.dataset("orders"), catalog.dataset("path"), catalog.dataset("other")
        catalog.alias(path, table, "symlink")
    return [path, table, other]


# A database is emptied of one history before the next is written.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.lists(expectations(), min_size=1, max_size=3), moments())
def test_what_is_read_says_the_same_as_all_there_is(
    database: Database,
    three_names: list[int],
    data: st.DataObject,
    several: list[Expectation],
    now: int,
) -> None:
    path, table, other = three_names
    histories = {
        table: data.draw(updates((path, table))),
        other: data.draw(updates((other,), longest=10)),
    }
    with database.write() as conn:
        conn.execute(tables.dataset_update.delete())
        rows = {row[:3]: row for history in histories.values() for row in history}
        write_rows(conn, tables.dataset_update, names(tables.dataset_update), list(rows.values()))
    wanted = both(*(need(each, now) for each in several))
    with database.read() as conn:
        found = SqlFacts(conn).facts(dict.fromkeys(histories, wanted))
    for id_, history in histories.items():
        for each in several:
            assert evaluate(each, found[id_], now) == evaluate(each, Facts(history), now)
        memory = MemoryFacts(histories).facts({id_: wanted})[id_]
        assert set(memory.updates) <= set(history) >= set(found[id_].updates)


def long_history(database: Database, datasets: int, each: int) -> list[int]:
    """Write datasets with an update every hour until noon; give their ids."""
    with database.write() as conn:
        catalog = Catalog(conn)
        ids = [catalog.dataset(f"t{number}") for number in range(datasets)]
        rows = [
            (id_, at, number, at, at - DAY, None, f"v{number}", 10, "run")
            for id_ in ids
            for number, at in enumerate(range(NOON - each * HOUR, NOON, HOUR))
        ]
        write_rows(conn, tables.dataset_update, names(tables.dataset_update), rows)
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("ANALYZE"))
    return ids


def test_many_datasets_cost_as_many_statements_as_one(database: Database) -> None:
    ids = long_history(database, 30, 40)
    wanted = both(
        need(expect(MaxAge(DAY)), NOON),
        need(expect(Assertions()), NOON),
        need(expect(SchemaUnchanged()), NOON),
    )
    numbers = []
    with database.read() as conn:
        for some in (ids[:1], ids):
            with counted(database) as statements:
                found = SqlFacts(conn).facts(dict.fromkeys(some, wanted))
            numbers.append(len(statements))
            assert {len(each.updates) for each in found.values()} <= set(range(3, 6))
    assert numbers == [5, 5]


def test_nothing_of_a_long_history_is_read_through(database: Database) -> None:
    ids = long_history(database, 20, 200)
    asked: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    with database.read() as conn:
        event.listen(database.engine, "before_cursor_execute", note)
        SqlFacts(conn).facts(dict.fromkeys(ids[:3], need(expect(MaxAge(DAY)), NOON)))
        event.remove(database.engine, "before_cursor_execute", note)
        explain = "EXPLAIN QUERY PLAN "
        if conn.dialect.name == "postgresql":
            # So few rows that reading them all would be cheapest.
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN "
        plans = [
            " ".join(str(row) for row in conn.exec_driver_sql(explain + statement, parameters).all())
            for statement, parameters in asked
        ]
    newest, nominal, version = plans
    assert "ix_dataset_update_dataset_id_nominal_at" in nominal
    assert "ix_dataset_update_version" in version
    for plan in plans:
        assert "PRIMARY KEY (dataset_id=? AND event_time" in plan or "using pk_dataset_update" in plan
        assert not re.search("(Seq Scan on|SCAN) (dataset_update|earlier)", plan)
    assert "ix_dataset_canonical_id" in newest


def test_checks_are_the_newest_of_each_and_those_of_the_newest_runs(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        table, path = catalog.dataset("orders"), catalog.dataset("path")
        catalog.alias(path, table, "symlink")
        job = catalog.job("load")
        runs = [catalog.run(job, f"r{n}", NOON + n * HOUR) for n in range(4)]
        catalog.assertion(table, runs[0], "not_null", success=False, at=NOON)
        catalog.assertion(path, runs[1], "not_null", at=NOON + HOUR)
        catalog.assertion(table, runs[0], "unique", success=False, at=NOON)
        catalog.assertion(table, runs[2], "unique", at=NOON + 2 * HOUR)
        catalog.assertion(table, runs[3], "unique", success=False, at=NOON + 3 * HOUR)
        catalog.update(table, runs[2], NOON + 2 * HOUR)
    found = facts_of(database, table, need(expect(Assertions()), NOON))
    kept = {(check.key, check.run_id, check.success) for check in found.checks}
    assert kept >= {("not_null", runs[1], True), ("unique", runs[3], False)}
    assert ("unique", runs[2], True) not in kept
    waiting = facts_of(database, table, need(expect(Assertions(wait=HOUR)), NOON + 2 * HOUR))
    assert Check("unique", NOON + 2 * HOUR, runs[2], True) in waiting.checks
    state = evaluate(expect(Assertions(names=frozenset({"unique"}))), found, NOON + 4 * HOUR).state
    assert state is State.FAILED
    assert evaluate(expect(Assertions(names=frozenset({"not_null"}))), found, NOON).state is State.FRESH


def test_checks_are_named_as_people_name_them_and_warnings_are_kept_apart(database: Database) -> None:
    with database.write() as conn:
        catalog = Catalog(conn)
        table = catalog.dataset("orders")
        run = catalog.run(catalog.job("load"), "r")
        known = {"dataset_id": table, "run_id": run, "digest": 0, "assertion": "not_null", "success": False}
        for key, rest in enumerate(
            (
                {"event_time": NOON, "column": "id"},
                {"event_time": NOON, "column": "id", "name": "ids are there"},
                {"event_time": NOON + 1, "severity": "warn"},
            )
        ):
            conn.execute(insert(tables.assertion).values(known | {"key": key} | rest))
    found = facts_of(database, table, need(expect(Assertions()), NOON))
    assert {(check.key, check.severity) for check in found.checks} == {
        ("not_null(id)", None),
        ("ids are there", None),
        ("not_null", "warn"),
    }


def test_a_schema_that_comes_back_is_in_force_again(database: Database) -> None:
    old, new = ({"fields": [{"name": name, "type": "int"}]} for name in ("a", "b"))
    with database.write() as conn:
        catalog = Catalog(conn)
        table, path = catalog.dataset("orders"), catalog.dataset("path")
        catalog.alias(path, table, "symlink")
        catalog.facet(table, "schema", old, NOON, NOON + 3 * HOUR)
        catalog.facet(path, "schema", new, NOON + HOUR, NOON + 2 * HOUR)
        catalog.facet(table, "schema", None, NOON + 4 * HOUR)
    unchanged = expect(SchemaUnchanged())
    found = facts_of(database, table, need(unchanged, NOON))
    assert [seen.facet["fields"][0]["name"] for seen in sorted(found.schemas, key=lambda seen: seen.at)] == [
        "a",
        "b",
        "a",
    ]
    assert evaluate(unchanged, found, NOON).state is State.FRESH


def test_datasets_that_nobody_knows_are_answered_too(database: Database) -> None:
    wanted = both(need(expect(MaxAge(DAY)), NOON), need(expect(Assertions()), NOON))
    assert facts_of(database, 12345, wanted) == Facts()
