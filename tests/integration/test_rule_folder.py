"""A folder of rule files that is followed: all of it is in force, or what was before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from collector.api.rule_documents import read_rules
from collector.engine import folder as folder_module
from collector.engine.folder import Folder
from collector.errors import Conflict
from collector.storage import rules
from collector.storage.engine import Database
from tests.catalog import NOON

Events = list[Any]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rules"
    path.mkdir()
    return path


@pytest.fixture
def folder(database: Database, path: Path) -> Folder:
    return Folder(database, path, lambda: NOON, read_rules)


def write(path: Path, name: str, *ids: str) -> None:
    lines = [f"- {{id: {id_}, dataset: {{name: {id_}}}, max_age: 1h}}" for id_ in ids]
    (path / name).write_text("\n".join(["version: 1", "expectations:", *lines]) if ids else "version: 1")


def ids(database: Database) -> list[str]:
    with database.read() as conn:
        return sorted(rules.rules(conn).expectations)


def errors(events: Events) -> list[Any]:
    return [event["why"] for event in events if event["log_level"] == "error"]


def test_files_are_in_force_when_they_change(database: Database, path: Path, folder: Folder) -> None:
    write(path, "a.yaml", "a")
    write(path, "b.yml", "b")
    write(path, "notes.txt", "c")
    assert (folder.look(), folder.look()) == (True, False)
    assert ids(database) == ["a", "b"]

    write(path, "a.yaml", "a", "d")
    assert folder.look()
    assert ids(database) == ["a", "b", "d"]

    (path / "b.yml").unlink()
    assert folder.look()
    assert ids(database) == ["a", "d"]


def test_a_broken_file_changes_nothing_and_is_told_of_once(
    database: Database, path: Path, folder: Folder
) -> None:
    write(path, "a.yaml", "a")
    folder.look()
    write(path, "a.yaml", "x")
    (path / "b.yaml").write_text("version: 1\nexpectations:\n- id: b\n  max_age: 1h\n")
    with structlog.testing.capture_logs() as events:
        assert [folder.look() for _ in range(3)] == [False] * 3
    assert ids(database) == ["a"]
    assert errors(events) == [
        [
            "These 2 files cannot be used.",
            f"{path}/b.yaml:3: $.expectations[0].dataset: Missing data for required field.",
        ]
    ]

    write(path, "b.yaml", "b")
    assert folder.look()
    assert ids(database) == ["b", "x"]


def test_a_folder_that_is_gone_changes_nothing(database: Database, path: Path, folder: Folder) -> None:
    write(path, "a.yaml", "a")
    folder.look()
    moved = path.rename(path.with_name("moved"))
    with structlog.testing.capture_logs() as events:
        assert [folder.look() for _ in range(3)] == [False] * 3
    assert errors(events) == [[f"{path} is no folder."]]
    assert ids(database) == ["a"]
    moved.rename(path)
    assert folder.look()


def test_a_file_that_is_being_written_is_read_later(database: Database, path: Path) -> None:
    def interrupted(paths: Any) -> Any:
        rows = read_rules(paths)
        if not ids(database) and not (path / "b.yaml").exists():
            write(path, "b.yaml", "b")
        return rows

    write(path, "a.yaml", "a")
    folder = Folder(database, path, lambda: NOON, interrupted)
    assert not folder.look()
    assert ids(database) == []
    assert folder.look()
    assert ids(database) == ["a", "b"]


def test_nobody_else_changes_what_a_folder_says(database: Database, path: Path, folder: Folder) -> None:
    write(path, "a.yaml", "a")
    folder.look()
    with pytest.raises(Conflict, match=str(path)), database.write() as conn:
        rules.replace(conn, [], NOON)
    with database.write() as conn:
        rules.release(conn)
    with database.write() as conn:
        rules.replace(conn, [], NOON)
    # Whoever follows the folder still sets that right.
    assert folder.look()
    assert ids(database) == ["a"]


def test_a_folder_that_cannot_be_used_is_the_origin_all_the_same(
    database: Database, path: Path, folder: Folder
) -> None:
    (path / "a.yaml").write_text("version: 2")
    assert not folder.look()
    with database.read() as conn:
        assert rules.origin(conn) == str(path)


def test_it_is_followed_until_told_to_stop(
    database: Database, path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(folder_module, "SETTLE_SECONDS", 0.02)
    write(path, "a.yaml", "a")
    stop = threading.Event()
    thread = threading.Thread(target=folder.run, args=(stop,))
    thread.start()
    try:
        _wait(lambda: ids(database) == ["a"])
        write(path, "a.yaml", "b")
        _wait(lambda: ids(database) == ["b"])
    finally:
        stop.set()
        thread.join()


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
