"""``tidegate demo``: the server on a made-up shop, whose tools have been at work for weeks and go on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
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
def command(port: int, path: Path, reset: bool, days: int) -> None:
    """Show Tidegate at work: a made-up shop whose Airflow, dbt, Spark, Flink, dlt and Prefect send events.

    It has weeks of history, made within half a minute, and goes on while you look. One load has failed this morning,
    and what is made of it is late. All of it is in a file of its own; settings of a server, in files or in the
    environment, are not read. Listens on this machine only.
    """
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
            opened = _begin(path, receiver, days, there=path.exists())
        else:
            opened = _go_on(path, look, receiver)
        _serve(path, port, opened, receiver)


def _begin(path: Path, receiver: Receiver, days: int, *, there: bool) -> Opened:
    from collector.demo import opening

    if there:
        note().print(f"Deleting {path}", highlight=False, markup=False)
    note().print(f"Making {days} days of history in {path}", markup=False)
    with progress_bar("hours", days * 24) as bar:
        return opening.begin(path, receiver, days, lambda done: bar(done // HOUR))


def _go_on(path: Path, look: int, receiver: Receiver) -> Opened:
    from collector.demo import opening

    note().print(f"Going on with {path}; --reset begins anew", markup=False)
    with progress_bar("percent", 100) as bar:
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
