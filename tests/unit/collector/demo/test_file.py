"""The demo's own file is told from others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from collector.demo import file
from collector.demo.model import MINUTE
from collector.errors import ConfigurationError

LOOK = 29_000_000 * MINUTE


def test_a_file_that_is_not_there_is_no_demo_yet(tmp_path: Path) -> None:
    assert file.look_of(tmp_path / "demo.db") is None


def test_a_demo_is_known_by_its_mark_once_its_past_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    file.mark(path, None)
    assert file.look_of(path) is None
    file.mark(path, LOOK)
    assert file.look_of(path) == LOOK


def test_the_database_of_somebody_else_is_refused(tmp_path: Path, sqlite_template: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not the database of a demo"):
        file.look_of(sqlite_template)
    other = tmp_path / "notes.txt"
    other.write_text("not a database at all, and longer than the header of one is, by some words and more")
    with pytest.raises(ConfigurationError, match=r"notes\.txt cannot be read"):
        file.look_of(other)
    assert other.read_text().startswith("not a database")


def test_all_that_belongs_to_it_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("demo.db", "demo.db-wal", "demo.db-shm", "demo.db.lock", "demo.db.turn", "demo.db.bak"):
        (tmp_path / name).touch()
    file.remove(tmp_path / "demo.db")
    assert [each.name for each in tmp_path.iterdir()] == ["demo.db.bak"]


def test_the_mark_does_not_touch_what_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE kept (value)")
    file.mark(path, LOOK)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("kept",)]
