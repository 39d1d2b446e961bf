"""Engines in processes of their own, of which one after the other is killed and replaced."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterable

DEADLY = tuple(itertools.product((1, 2), ("before", "after")))
IMMORTAL = ((1, "never"),)


class Engines:
    """Two at a time; a new one for each that has died, each in another way.

    ``ends`` are what ``tests.mortal_engine`` takes: number and moment.
    """

    def __init__(self, url: str, ends: Iterable[tuple[int, str]] = DEADLY) -> None:
        self._url = url
        self._ends = itertools.cycle(ends)
        self._running: list[subprocess.Popen[bytes]] = []
        self.deaths = 0

    def look_after(self) -> None:
        """Replace those that have died."""
        for process in list(self._running):
            if process.poll() is not None:
                assert process.returncode == -9
                self._running.remove(process)
                self.deaths += 1
        while len(self._running) < 2:
            number, moment = next(self._ends)
            command = [sys.executable, "-m", "tests.mortal_engine", self._url, moment, str(number)]
            self._running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))

    def stop(self) -> None:
        """End them all."""
        for process in self._running:
            process.kill()
            process.wait()
