"""The engine's queue: which datasets and jobs the projector has changed, and in what.

It says where to look, not what is to be seen there: whoever looks reads the tables, so many changes of one dataset cost
one look, and one that is told twice does no harm. Updates and runs are named one by one as well, for those who
count them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import IntFlag
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection, Dialect, Integer, bindparam, delete, func, select

from collector.storage.prepared import Prepared
from collector.storage.tables import fact
from collector.storage.upsert import MANY, among_parameter, many, write_rows


class What(IntFlag):
    """In what something has changed, as a set."""

    UPDATE = 1  # of a dataset: its updates
    CHECK = 2  # of a dataset: results of checks
    FACET = 4  # its schema, owners or tags
    NAME = 8  # of a dataset: it is new, or is one with another now
    RUN = 16  # of a job: one of its runs
    EDGE = 32  # of a job: what it reads and writes
    SENT = 64  # of a row of the outbox: what became of it
    REQUEST = 128  # of the job that a trigger is: somebody asks something of it


class Told(NamedTuple):
    """What was read of the queue."""

    ids: list[int]
    subjects: dict[int, What]
    """Names of datasets, and jobs, by id."""
    oldest: int | None
    """When the first of them was written (µs UTC); None if there is nothing."""
    updates: Sequence[UpdateKey] = ()
    """The updates that are new, as they became known; one that changed afterwards is there again."""
    runs: Sequence[int] = ()
    """The runs that changed."""


UpdateKey = tuple[int, int, int]
"""(name of a dataset, event_time, run): the primary key of ``dataset_update``."""

Which = Mapping[int, Sequence[tuple[int, int] | int]]
"""As ``Changes`` has it."""

NONE: Which = {}


def tell(conn: Connection, changes: Mapping[int, What], now: int, which: Which = NONE) -> None:
    """Queue changes, in the transaction that makes them."""
    rows = [
        (subject, int(what), now, json.dumps(which[subject]) if subject in which else None)
        for subject, what in changes.items()
    ]
    write_rows(conn, fact, ("subject_id", "what", "at", "which"), rows, key=("id",))


def told(conn: Connection, limit: int) -> Told:
    """Read what was queued first."""
    rows = _told(conn.dialect).run(conn, {"limit": limit}).all()
    subjects: dict[int, What] = {}
    for row in rows:
        subjects[row.subject_id] = subjects.get(row.subject_id, What(0)) | What(row.what)
    updates: list[UpdateKey] = []
    runs: list[int] = []
    for row in rows:
        for each in json.loads(row.which) if row.which is not None else ():
            if isinstance(each, int):
                runs.append(each)
            else:
                updates.append((row.subject_id, *each))
    return Told(
        [row.id for row in rows], subjects, min((row.at for row in rows), default=None), updates, runs
    )


@lru_cache
def _told(dialect: Dialect) -> Prepared:
    return Prepared(select(fact).order_by(fact.c.id).limit(bindparam("limit", type_=Integer)), dialect)


def forget(conn: Connection, ids: list[int]) -> None:
    """Take out of the queue what has been looked at."""
    if ids:
        _forget(conn.dialect).run(conn, {"ids": many(conn, ids)})


@lru_cache
def _forget(dialect: Dialect) -> Prepared:
    return Prepared(
        delete(fact).where(among_parameter(dialect, fact.c.id, bindparam("ids", type_=MANY))), dialect
    )


def waiting(conn: Connection) -> tuple[int, int | None]:
    """Give how many rows wait, and when the first of them was written (µs UTC)."""
    row = conn.execute(select(func.count(), func.min(fact.c.at))).one()
    return row[0], row[1]
