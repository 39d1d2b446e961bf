"""The rules in the database: replaced as a whole, and only what changes is new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from collector.api.rule_documents import read_rules
from collector.errors import Conflict
from collector.storage import revisions, rules
from collector.storage.engine import Database
from collector.storage.freshness_tables import rule
from tests.architecture.test_layout import ROOT
from triggers.documents import Row, ruleset_of

EXAMPLES = ROOT / "fixtures" / "rules"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def expectation(id_: str, **keys: Any) -> Row:
    body = {"id": id_, "timezone": "UTC", "dataset": {"name": "orders"}, "max_age": "2h"} | keys
    return Row("expectation", id_, body)


def put(database: Database, rows: Sequence[Row], now: int, folder: str | None = None) -> int:
    with database.write() as conn:
        return rules.replace(conn, rows, now, folder)


def changed_at(database: Database) -> dict[str, int]:
    with database.read() as conn:
        return {row.id: row.changed_at for row in conn.execute(select(rule))}


def test_what_is_written_is_read_in_its_order(database: Database) -> None:
    rows = read_rules([EXAMPLES / "warehouse", EXAMPLES / "quality.yaml"])
    put(database, rows, 1)
    with database.read() as conn:
        assert rules.bodies(conn) == rows
        read = rules.rules(conn)
    wanted = ruleset_of(rows)
    assert (read.expectations, read.targets, read.windows) == (
        wanted.expectations,
        wanted.targets,
        wanted.windows,
    )
    assert read.policy == wanted.policy


def test_an_empty_database_has_no_rules(database: Database) -> None:
    with database.read() as conn:
        assert rules.rules(conn) == ruleset_of([])
        assert rules.state(conn) == (0, 0)
        assert rules.origin(conn) is None


def test_only_what_changes_is_new(database: Database) -> None:
    assert put(database, [expectation("a"), expectation("b"), expectation("c")], 1) == 1
    assert put(database, [expectation("c"), expectation("b", max_age="3h"), expectation("d")], 2) == 2

    assert changed_at(database) == {"c": 1, "b": 2, "d": 2}
    with database.read() as conn:
        assert [row.id for row in rules.bodies(conn)] == ["c", "b", "d"]
        assert rules.state(conn) == (2, 0)
    with database.write() as conn:
        revisions.follow(conn, revisions.RULES, 2)
    with database.read() as conn:
        assert revisions.get(conn, revisions.RULES) == (2, 2)


def test_rules_that_stay_as_they_are_are_no_change(database: Database) -> None:
    rows = [expectation("a"), expectation("b")]
    assert [put(database, rows, now) for now in (1, 2)] == [1, 1]
    assert put(database, rows[::-1], 3) == 1
    assert changed_at(database) == {"a": 1, "b": 1}
    assert put(database, [], 4) == 2
    assert put(database, [], 5) == 2


def test_whose_files_a_server_follows_are_changed_there_only(database: Database) -> None:
    put(database, [expectation("a")], 1, "/etc/rules")
    with pytest.raises(Conflict, match="the files in /etc/rules"):
        put(database, [], 2)
    with database.read() as conn:
        assert rules.origin(conn) == "/etc/rules"
        assert [row.id for row in rules.bodies(conn)] == ["a"]
    assert put(database, [expectation("b")], 3, "/etc/rules") == 2
    with database.write() as conn:
        rules.release(conn)
    assert put(database, [], 5) == 3


def test_of_rules_that_cannot_be_written_none_is(database: Database) -> None:
    put(database, [expectation("a")], 1)

    def fail() -> None:
        with database.write() as conn:
            rules.replace(conn, [expectation("b")], 2)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as conn:
        assert rules.bodies(conn) == [expectation("a")]
        assert rules.state(conn).wanted == 1


def test_any_number_of_rules_is_read_and_written(database: Database) -> None:
    many = [expectation(f"e{number}") for number in range(3_000)]
    assert put(database, many, 1, Path("/x").as_posix()) == 1
    with database.read() as conn:
        assert len(rules.rules(conn).expectations) == 3_000
