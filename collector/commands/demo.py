"""``tidegate demo``: the server on a made-up shop, whose tools have been at work for weeks and go on."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import structlog

from collector.commands.terminal import note, progress_bar
from collector.demo import file
from collector.demo.model import HOUR
from collector.settings import Settings

if TYPE_CHECKING:
    from collector.demo.opening import Opened
    from collector.demo.receiver import Receiver
    from collector.loops import Runner

HOST: Final = "127.0.0.1"
LONGEST_DAYS: Final = 90


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="Port to listen on."
)
@click.option(
    "-d", "--database", "path", type=click.Path(dir_okay=False, path_type=Path), default=file.NAME,
    show_default=True, metavar="FILE", help="SQLite file of the demo.",
)  # fmt: skip
@click.option("--reset", is_flag=True, help="Delete the file, and begin anew.")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    default=28,
    show_default=True,
    help="Days of history to begin with.",
)
@click.option(
    "--attached", is_flag=True, hidden=True,
    help="Belong to the program that has begun it: tell progress in lines, end when standard input does, and leave "
    "no file.",
)  # fmt: skip
def command(port: int, path: Path, reset: bool, days: int, attached: bool) -> None:
    """Show Tidegate at work: a made-up shop whose Airflow, dbt, Spark, Flink, dlt and Prefect send events.

    It has weeks of history, made within half a minute, and goes on while you look. One load has failed this morning,
    and what is made of it is late. All of it is in a file of its own; settings of a server, in files or in the
    environment, are not read. Listens on this machine only.
    """
    with _attached() if attached else nullcontext(path) as chosen:
        _run(chosen, port, days, _progress_lines if attached else progress_bar, reset=reset)


Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows how far something is; takes its unit, and how much of it there is to do."""


@contextmanager
def _attached() -> Iterator[Path]:
    """Give a file in a folder that is deleted at the end; the end of standard input is the end of it all."""
    from collector.serve import MULTIPROCESS

    # A server that has begun this one counts into a folder of its own.
    os.environ.pop(MULTIPROCESS, None)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def watch() -> None:
        # However the other program ends, its end of the pipe is closed then. It writes nothing into it.
        os.read(sys.stdin.fileno(), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, interrupt)
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-", ignore_cleanup_errors=True) as folder:
        threading.Thread(target=watch, name="input-watch", daemon=True).start()
        yield Path(folder, file.NAME)


@contextmanager
def _progress_lines(description: str, total: int) -> Iterator[Callable[[int], None]]:
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if done > told:
            told = done
            note().print(f"{done} of {total} {description}")

    yield tell


def _run(path: Path, port: int, days: int, progress: Progress, *, reset: bool) -> None:
    from collector.demo import opening
    from collector.demo.receiver import Receiver
    from collector.serve import listen

    # Made anew by the server. Of the past, only what goes wrong with the demo itself is worth a line.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    look = file.look_of(path)
    listen(HOST, port).close()
    if look is not None:
        opening.check_unused(path)
    with Receiver() as receiver:
        if look is None or reset:
            opened = _begin(path, receiver, days, progress, there=path.exists())
        else:
            opened = _go_on(path, look, receiver, progress)
        _serve(path, port, opened, receiver)


def _begin(path: Path, receiver: Receiver, days: int, progress: Progress, *, there: bool) -> Opened:
    from collector.demo import opening

    if there:
        note().print(f"Deleting {path}", highlight=False, markup=False)
    note().print(f"Making {days} day{'s' if days != 1 else ''} of history in {path}", markup=False)
    with progress("hours", days * 24) as bar:
        return opening.begin(path, receiver, days, lambda done: bar(done // HOUR))


def _go_on(path: Path, look: int, receiver: Receiver, progress: Progress) -> Opened:
    from collector.demo import opening

    note().print(f"Going on with {path}; --reset begins anew", markup=False)
    with progress("percent", 100) as bar:
        return opening.go_on(path, look, receiver, lambda done, of: bar(100 * done // max(of, 1)))


def _serve(path: Path, port: int, opened: Opened, receiver: Receiver) -> None:
    from collector.demo.live import Shop
    from collector.serve import serve

    settings = Settings(
        database=file.url_of(path),
        port=port,
        settle=0.0,
        evaluation_days=LONGEST_DAYS,
        outbound_allow=HOST,
        log_level="error",
    )

    def beside(url: str) -> Mapping[str, Runner]:
        shop = Shop(url, opened.story, opened.since, begun=opened.begun, live=opened.live)
        receiver.on_start = shop.start
        time = opened.story.local(opened.since)
        note().print(
            f"\nIt is {time:%H:%M} in the shop ({opened.story.zone}), and payments have not been loaded.\n"
            f"Open {url} to see why. Ctrl-C ends it, tidegate demo goes on from there.",
            markup=False,
        )
        return {"shop": shop}

    serve(settings, beside)
