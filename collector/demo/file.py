"""The database file of a demo: told from others by a mark in it, so that nobody's own data are taken for one's.

SQLite keeps two numbers for whoever makes a file: ``application_id`` says what it is, ``user_version`` here when the
demo was first looked at, in minutes since 1970-01-01 UTC, and 0 as long as its past is not complete.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from collector.demo.model import MINUTE
from collector.errors import ConfigurationError, Conflict

APPLICATION_ID: Final = int.from_bytes(b"TdDm", "big")

NAME: Final = "tidegate-demo.db"


def url_of(path: Path) -> str:
    """Give the URL by which the database is opened."""
    return f"sqlite:///{path}"


def look_of(path: Path) -> int | None:
    """Tell when a demo was first looked at (µs UTC); None if there is no file, or its past is not complete.

    Raises ``ConfigurationError`` if the file is not that of a demo.
    """
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (id_,) = connection.execute("PRAGMA application_id").fetchone()
            (minutes,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from error
    if id_ != APPLICATION_ID:
        raise ConfigurationError(
            f"{path} is not the database of a demo, and is left as it is. Name another file with --database."
        )
    return minutes * MINUTE or None


def mark(path: Path, look: int | None) -> None:
    """Mark a file as a demo's; with ``look`` (µs UTC), as one whose past is complete."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {(look or 0) // MINUTE}")
        connection.commit()


@contextmanager
def making(path: Path) -> Iterator[None]:
    """Keep others from making the same file during the block; raises ``Conflict`` if somebody is at it."""
    beside = path.with_name(f"{path.name}.making")
    with beside.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(
                f"A demo is being made in {path}. Wait for it, or name another file with --database."
            ) from error
        try:
            yield
        finally:
            beside.unlink()


def remove(path: Path) -> None:
    """Delete a demo's file, and what is kept beside it while it is open."""
    for suffix in ("", "-wal", "-shm", ".lock", ".turn"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
