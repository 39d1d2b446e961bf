"""``tidegate export``: the whole graph, for other programs."""

from __future__ import annotations

from typing import TextIO

import click

from collector.commands.terminal import INSTANT, opened, progress_bar, with_settings
from collector.exports import CSV, WHOLE, total, whole
from collector.settings import Settings
from lineage.fold import Fold
from lineage.timeline import Moment


@click.command()
@click.option("--format", "form", type=click.Choice(WHOLE), default=WHOLE[0], show_default=True)
@click.option(
    "--fold",
    type=click.Choice([fold.value for fold in Fold]),
    default="auto",
    show_default=True,
    help="The job that stands for a job in csv, as for lineage; events are about jobs as reported.",
)
@click.option("--as-of", type=INSTANT, help="The graph at this time, as 2026-11-22T05:00:00Z.")
@click.option(
    "-o", "--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="File to write."
)
@with_settings
def command(settings: Settings, form: str, fold: str, as_of: int | None, output: TextIO) -> None:
    """Write the whole graph.

    openlineage: a JobEvent for each job, one a line, and DatasetEvents for datasets with several names: any other
    backend, or an empty Tidegate, makes the same graph of it. csv: an edge a line.
    """
    folded = Fold(fold) if form == CSV else Fold.NONE
    with (
        opened(settings) as database,
        database.read() as conn,
        progress_bar("writing", total(conn, folded)) as progress,
    ):
        for text, done in whole(conn, form, Moment(as_of), folded):
            output.write(text)
            progress(done)
