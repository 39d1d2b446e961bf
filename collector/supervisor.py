"""Keeping worker processes running: start them, start those again that die, end them in order."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from typing import Any

import structlog

SHORT_LIFE = 5.0
"""Seconds that a worker must live for its end to be an accident; sooner, and something is wrong with its
start.
"""

MOST_SHORT_LIVES = 5
"""Short lives in a row before giving up."""

RESTART_SECONDS = 0.5

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    started: float


class Supervisor:
    """Runs ``number`` processes of ``target(*arguments)`` until SIGTERM or SIGINT. Use from the main thread.

    The processes are spawned, not forked: a fork would take along the state of this process's threads. They
    get SIGTERM to end, and SIGKILL if they have not after ``kill_after`` seconds.
    """

    def __init__(
        self, target: Callable[..., None], arguments: tuple[Any, ...], number: int, kill_after: float
    ) -> None:
        self._target = target
        self._arguments = arguments
        self._number = number
        self._kill_after = kill_after
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._stopping = False
        self._short_lives = 0

    def run(self) -> bool:
        """Run until told to stop; False if it gave up because the workers do not stay alive."""
        with _signals(self._stop) as woken:
            try:
                self._workers = [self._spawn() for _ in range(self._number)]
                while not self._stopping and self._short_lives < MOST_SHORT_LIVES:
                    multiprocessing.connection.wait(
                        [woken, *(worker.process.sentinel for worker in self._workers)]
                    )
                    self._replace_dead()
            finally:
                self._end()
        return self._stopping

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _spawn(self) -> _Worker:
        process = self._context.Process(target=self._target, args=self._arguments, name="tidegate-worker")
        process.start()
        return _Worker(process, time.monotonic())

    def _replace_dead(self) -> None:
        for index, worker in enumerate(self._workers):
            if self._stopping or worker.process.is_alive():
                continue
            lived = time.monotonic() - worker.started
            self._short_lives = self._short_lives + 1 if lived < SHORT_LIFE else 0
            log.error(
                "worker died", pid=worker.process.pid, status=worker.process.exitcode, seconds=round(lived, 1)
            )
            if self._short_lives:
                time.sleep(RESTART_SECONDS)
            if self._short_lives < MOST_SHORT_LIVES:
                self._workers[index] = self._spawn()

    def _end(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + self._kill_after
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                log.warning("worker killed, as it did not end", pid=worker.process.pid)
                worker.process.kill()
                worker.process.join()


@contextmanager
def _signals(handler: Callable[..., None]) -> Iterator[socket.socket]:
    """Call ``handler`` on SIGTERM and SIGINT; what is given becomes readable then, to wake a wait."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    wakeup = signal.set_wakeup_fd(writing.fileno())
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, old in before.items():
            signal.signal(number, old)
        reading.close()
        writing.close()


def end_with_parent() -> None:
    """Make this worker end at once when its supervisor is gone, however that ended, so that the port is
    free.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        multiprocessing.connection.wait([sentinel])
        # What was acknowledged is on disk; nobody is left who could be told anything else.
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
