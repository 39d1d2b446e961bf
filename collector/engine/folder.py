"""Following a folder of rule files: its rules are in force as soon as they are written, all of them or none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from collector.errors import BadRequest, TidegateError
from collector.storage import rules
from collector.storage.engine import Database
from triggers.documents import Row

ENDINGS: Final = (".yaml", ".yml")

POLL_SECONDS: Final = 2.0

SETTLE_SECONDS: Final = 0.3
"""How long files must stay as they are after a change: who writes several has not written them at once."""

log = structlog.get_logger(__name__)

Signature = list[tuple[str, int, int, int]]
"""Name, inode, size and time of change of each file."""


def files_in(path: Path) -> list[Path]:
    """List the rule files of a folder, by name; a file is itself. Raises BadRequest if a folder cannot be read."""
    if path.is_file() or not path.exists():
        return [path]  # what is wrong with it is told by whoever reads it
    try:
        return sorted(each for each in path.iterdir() if each.suffix in ENDINGS and each.is_file())
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error


def release_rules(database: Database) -> None:
    """Let anybody change the rules again: the server follows no folder any more.

    Another server that does says so at its next look, and puts its rules in force again.
    """
    with database.write() as conn:
        rules.release(conn)


class Folder:
    """The rules of one folder, kept in force; ``read`` reads its files as one. Several servers may follow the same."""

    def __init__(
        self,
        database: Database,
        path: Path,
        clock: Callable[[], int],
        read: Callable[[Sequence[Path]], list[Row]],
    ) -> None:
        self._database = database
        self._path = path.resolve()
        self._clock = clock
        self._read = read
        self._seen: Signature | None = None
        self._told = ""

    def run(self, stop: threading.Event) -> None:
        """Look every two seconds until told to stop."""
        last: Signature | None = None
        while not stop.is_set():
            now = self._signature()
            settled = self._seen is None or now == last
            if settled:
                self.look()
            last = now
            stop.wait(POLL_SECONDS if settled else SETTLE_SECONDS)

    def look(self) -> bool:
        """Put the rules of the files in force if the files have changed; tell whether that was done.

        Files that cannot be used change nothing, and are told of once: the rules in force stay.
        """
        found = self._signature()
        if found == self._seen and self._is_origin():
            return False
        try:
            if not self._path.is_dir():
                raise BadRequest(f"{self._path} is no folder.")
            rows = self._read([self._path])
        except TidegateError as error:
            self._seen = found
            self._refuse(error)
            return False
        if self._signature() != found:
            return False  # somebody is writing; the next look sees all of it
        with self._database.write() as conn:
            before = rules.state(conn).wanted
            number = rules.replace(conn, rows, self._clock(), str(self._path))
            self._database.notify(conn)
        self._seen, self._told = found, ""
        log.info("rule files read", folder=str(self._path), files=len(found), changed=number != before)
        return True

    def _refuse(self, error: TidegateError) -> None:
        with self._database.write() as conn:
            # Whoever sets things right does it in the folder, not past it.
            rules.set_origin(conn, str(self._path), self._clock())
        why = [error.detail, *(f"{each.path}: {each.reason}" for each in error.errors)]
        if (told := "\n".join(why)) != self._told:
            log.error("rule files refused; the rules in force stay", folder=str(self._path), why=why)
        self._told = told

    def _is_origin(self) -> bool:
        """Tell whether the rules are those of a folder still; of another, if a server has begun to follow that."""
        with self._database.read() as conn:
            return rules.origin(conn) is not None

    def _signature(self) -> Signature:
        try:
            stats = [(file.name, file.stat()) for file in files_in(self._path)]
        except (OSError, BadRequest):
            return []  # reading will tell
        return [(name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
