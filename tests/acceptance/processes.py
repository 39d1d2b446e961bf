"""The processes of the program under test, as Linux shows them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
ZOMBIE = "Z"


class Process(NamedTuple):
    """One process; ``group`` is the process group, which a server and all it starts share."""

    pid: int
    parent: int
    group: int
    session: int
    command: str


def processes_of(group: int) -> list[Process]:
    """List the processes of a group, without those that have ended and wait to be noticed."""
    return [process for process in processes() if process.group == group]


def family(pid: int) -> list[Process]:
    """List the processes of a session, named by the process that began it, and all that these have started."""
    every = list(processes())
    found = {process.pid: process for process in every if process.session == pid}
    while more := {each.pid: each for each in every if each.parent in found and each.pid not in found}:
        found |= more
    return list(found.values())


def processes() -> Iterator[Process]:
    """List all processes, without those that have ended and wait to be noticed."""
    for folder in PROC.glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            # The name in parentheses may itself hold blanks and parentheses.
            state, *numbers = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if state != ZOMBIE:
                parent, group, session = map(int, numbers)
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield Process(int(folder.name), parent, group, session, command)


def gone(group: int, seconds: float) -> bool:
    """Wait until no process of a group is left; False if there still is one after ``seconds``."""
    until = time.monotonic() + seconds
    while processes_of(group):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def peak_memory(pid: int) -> int:
    """Give the most bytes of memory that a process has had at once."""
    status = (PROC / str(pid) / "status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024
