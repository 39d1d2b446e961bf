"""Ids of runs: unlike those of jobs and datasets they are counted, for the sake of the order on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection, func, select

from collector.storage.engine import Database
from collector.storage.selects import chunks
from collector.storage.tables import run

RunKey = tuple[bytes, int]
"""(key of the run id, job id): what a run is."""


class RunIds(Protocol):
    """Who gives ids to runs."""

    def give(self, conn: Connection, runs: Sequence[RunKey]) -> list[int]:
        """Give an id to each of these runs, none of which is in the table."""

    def forget(self) -> None:
        """Drop what is kept in memory."""


class NextRunIds:
    """Counts on from the largest id in the table."""

    def __init__(self) -> None:
        self._next: int | None = None

    def give(self, conn: Connection, runs: Sequence[RunKey]) -> list[int]:
        if self._next is None:
            self._next = (conn.execute(select(func.max(run.c.id))).scalar() or 0) + 1
        first = self._next
        self._next += len(runs)
        return list(range(first, self._next))

    def forget(self) -> None:
        self._next = None


class SameRunIds:
    """Gives a run the id that it has in another database, so that what refers to it stays right."""

    def __init__(self, original: Database) -> None:
        self._original = original
        self._next = NextRunIds()

    def give(self, conn: Connection, runs: Sequence[RunKey]) -> list[int]:
        known: dict[RunKey, int] = {}
        with self._original.read() as original:
            for part in chunks(sorted({key for key, _ in runs})):
                found = original.execute(select(run.c.key, run.c.job_id, run.c.id).where(run.c.key.in_(part)))
                known.update(((key, job_id), id_) for key, job_id, id_ in found)
            new = [key for key in runs if key not in known]
            known.update(zip(new, self._next.give(original, new), strict=True))
        return [known[key] for key in runs]

    def forget(self) -> None:
        """Keep counting: ids given to runs that were not written are lost, which does no harm."""
