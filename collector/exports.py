"""The graph in the formats of other programs: a part of it, or all of it piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from typing import Final

from sqlalchemy import Connection, select

from collector.errors import FieldError, Unprocessable
from collector.storage.declarations import Declarations, Part, count, pieces
from collector.storage.graph import SqlGraph, everything
from collector.storage.tables import dataset
from collector.storage.upsert import among
from collector.times import iso, now_us
from lineage.declarations import Event, dataset_event, job_event
from lineage.export import CSV_HEADER, FORMATS, csv_rows
from lineage.fold import Fold
from lineage.model import DatasetRef, JobRef
from lineage.outgoing import outgoing
from lineage.timeline import NOW, Moment
from lineage.traverse import Level, Subgraph

OPENLINEAGE: Final = "openlineage"
CSV: Final = "csv"

FORMAT_NAMES: Final = (*FORMATS, OPENLINEAGE)
"""For a part of the graph. All of it may be too much for one drawing, or for memory: ``WHOLE``."""

WHOLE: Final = (OPENLINEAGE, CSV)


def suits(form: str, level: str, fold: Fold) -> Fold:
    """Give the fold to walk with: events are about jobs as their tools report them.

    Raises:
        Unprocessable: the format cannot say what the level asks for.
    """
    levels = [Level.JOB.value] if form == OPENLINEAGE else [each.value for each in Level]
    if level not in levels:
        words = " or ".join(levels)
        raise Unprocessable(
            f"The format {form} is for level {words}.", errors=(FieldError("?level", f"Must be {words}."),)
        )
    return Fold.NONE if form == OPENLINEAGE else fold


def render(
    conn: Connection,
    subgraph: Subgraph,
    form: str,
    moment: Moment = NOW,
    sees: Callable[[str], bool] = everything,
) -> str:
    """Write a part of the graph; for ``openlineage`` one that was walked as ``suits`` says, at the same moment."""
    if form != OPENLINEAGE:
        return FORMATS[form](subgraph)
    jobs = [JobRef(node.namespace, node.name).id for node in subgraph.nodes if node.type == "job"]
    named = [DatasetRef(node.namespace, node.name).id for node in subgraph.nodes if node.type == "dataset"]
    canonical = select(dataset.c.canonical_id).where(among(conn, dataset.c.id, named))
    datasets = list(conn.execute(canonical).scalars())
    part = Part(frozenset(jobs), frozenset(datasets))
    declarations = Declarations(conn, moment, part=part, sees=sees)
    return "".join(_events(declarations, jobs, datasets, _time(moment)))


def whole(
    conn: Connection, form: str, moment: Moment = NOW, fold: Fold = Fold.NONE
) -> Iterator[tuple[str, int]]:
    """Write all of the graph in pieces; give each with the number of jobs and datasets done so far.

    ``fold`` is for ``csv``; see ``suits``. ``total`` says how many there are.
    """
    time, done = _time(moment), 0
    if form == CSV:
        yield ",".join(CSV_HEADER) + "\r\n", done
    for piece in pieces(conn, fold):
        done += len(piece)
        jobs = [id_ for type_, id_ in piece if type_ == "job"]
        datasets = [id_ for type_, id_ in piece if type_ == "dataset"]
        if form == CSV:
            yield csv_rows(outgoing(SqlGraph(conn, moment, fold, control=True), piece)), done
        else:
            yield "".join(_events(Declarations(conn, moment), jobs, datasets, time)), done


def total(conn: Connection, fold: Fold = Fold.NONE) -> int:
    """Count the jobs and datasets that ``whole`` goes through."""
    return count(conn, fold)


def _events(
    declarations: Declarations, jobs: Collection[int], datasets: Collection[int], time: str
) -> Iterator[str]:
    if jobs:
        yield from (_line(job_event(declared, time)) for declared in declarations.jobs(jobs))
    if datasets:
        for ref, others, sources in declarations.datasets(datasets):
            yield _line(dataset_event(ref, others, sources, time))


def _line(event: Event) -> str:
    return json.dumps(event, separators=(",", ":")) + "\n"


def _time(moment: Moment) -> str:
    return iso(now_us() if moment.at is None else moment.at) or ""
