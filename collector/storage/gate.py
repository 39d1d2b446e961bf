"""The queue of those who want to write to one SQLite file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from collector.errors import DatabaseUnavailable


class WriteGate:
    """Lets one writer at a time, of any thread and process, to a SQLite file; the others wait asleep.

    SQLite itself makes waiting writers sleep and try again, up to 100 ms late and in no order. Here the
    kernel wakes the next. The gate is not reentrant. A process that dies lets go of it.

    Two locks make it fair: whoever is next holds the *turn* while waiting for the *gate*, so a writer that
    comes back at once queues behind the next. With one lock it would win every time, being awake.
    """

    def __init__(self, path: str) -> None:
        self._gate = path + ".lock"
        self._turn = path + ".turn"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the gate and hold it during the block."""
        gate = _open(self._gate)
        try:
            turn = _open(self._turn)
            try:
                fcntl.flock(turn, fcntl.LOCK_EX)
                fcntl.flock(gate, fcntl.LOCK_EX)
            finally:
                _release(turn)
            yield
        finally:
            _release(gate)


def _open(path: str) -> int:
    # Locks belong to the open file, so each holder opens its own: threads exclude each other like processes.
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DatabaseUnavailable(f"The lock file {path} cannot be opened: {error.strerror}.") from error


def _release(descriptor: int) -> None:
    # Closing is not enough when a child forked meanwhile has the same open file.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
