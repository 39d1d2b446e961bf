"""The processes of the program under test, as Linux shows them."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
ZOMBIE = "Z"


class Process(NamedTuple):
    """One process; ``group`` is the process group, which a server and all it starts share."""

    pid: int
    parent: int
    group: int
    command: str


def processes_of(group: int) -> list[Process]:
    """List the processes of a group, without those that have ended and wait to be noticed."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            # The name in parentheses may itself hold blanks and parentheses.
            state, parent, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != ZOMBIE:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(Process(int(folder.name), int(parent), group, command))
    return found


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
