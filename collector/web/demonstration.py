"""The demo beside a server: ``tidegate demo`` as a process of its own, begun from a page, that ends with this one."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

import structlog
from flask import current_app

EXTENSION: Final = "tidegate-demonstration"

COMMAND: Final = (
    sys.executable,
    "-c",
    "import sys; sys.path.append(sys.argv.pop(1)); from collector.cli import main; main()",
    str(Path(__file__).parents[2]),
)
"""This program, also where it is not installed; ``-m`` would take a folder of the same name that lies about."""

MADE: Final = re.compile(r"(\d+) of (\d+) hours")
OPEN: Final = re.compile(r"Open (http://127\.0\.0\.1:\d+) ")
"""What the command says, see ``collector.commands.demo``: hours of history made so far, and where it listens."""

END_SECONDS: Final = 15.0
"""How long a demo may take to end in order."""

KEPT_LINES: Final = 20

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Standing:
    """How far a demo is: hours of history made, out of so many; its address; why it has ended."""

    made: int = 0
    hours: int = 0
    url: str | None = None
    failure: str | None = None


class Demonstration:
    """Runs one demo at most. Safe to use from several threads.

    The demo has its own port and its own file, in a folder that it deletes. It ends when its standard input does,
    which only this process holds: so also if this process is killed.
    """

    def __init__(self, command: Sequence[str] = COMMAND, days: int | None = None) -> None:
        self._line = [*command, "demo", "--attached", "--port", "0", *(["--days", str(days)] if days else [])]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._standing: Standing | None = None

    @property
    def standing(self) -> Standing | None:
        """How far the demo is; None if there is none."""
        return self._standing

    def start(self) -> None:
        """Start the demo, unless there is one; that it cannot be started is in ``standing``, too."""
        with self._lock:
            if self._standing is not None and self._standing.failure is None:
                return
            standing = self._standing = Standing()
            try:
                process = self._process = subprocess.Popen(  # noqa: S603  # this program itself
                    self._line,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    process_group=0,  # Ctrl-C in a terminal is for the server; the demo hears of it by its input
                )
            except OSError as error:
                standing.failure = f"{self._line[0]}: {error.strerror}"
                return
        log.info("demo started", pid=process.pid)
        threading.Thread(target=_follow, args=(process, standing), name="demo", daemon=True).start()

    def stop(self) -> None:
        """End the demo, if there is one, and wait until it has."""
        with self._lock:
            process, self._process, self._standing = self._process, None, None
        if process is None:
            return
        cast(IO[str], process.stdin).close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("demo killed, as it did not end", pid=process.pid)
            process.kill()


def demonstration() -> Demonstration:
    """Give that of the application that handles this request."""
    return cast(Demonstration, current_app.extensions[EXTENSION])


def _follow(process: subprocess.Popen[str], standing: Standing) -> None:
    """Read all that a demo says, to its end: nobody else does, and it would wait for somebody to."""
    last: deque[str] = deque(maxlen=KEPT_LINES)
    with cast(IO[str], process.stdout) as output:
        for line in output:
            if found := MADE.match(line):
                standing.made, standing.hours = int(found[1]), int(found[2])
            elif found := OPEN.match(line):
                standing.url = found[1]
            elif line.strip():
                last.append(line.strip())
    status = process.wait()
    standing.failure = _reason(status, last)
    log.info("demo ended", pid=process.pid, status=status)


def _reason(status: int, lines: Sequence[str]) -> str:
    """Say why a demo has ended, as well as its last lines tell."""
    if status < 0:
        return f"it was ended by signal {-status}"
    if status == 0:
        return "it was told to"
    told = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    return [f"status {status}", *lines, *told][-1]
