"""The rows that a batch of events writes, gathered before the writing transaction begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Table

from collector.storage.facts import What
from collector.storage.timelines import LateJobs

Row = Sequence[Any]
"""Values in the order of a table's columns."""


class Insert(NamedTuple):
    """Arguments of ``upsert.write_rows``."""

    table: Table
    rows: list[Row]
    update: Mapping[str, str] | None
    newest: Sequence[str]


@dataclass(slots=True)
class Changes:
    """The rows that a batch writes."""

    inserts: list[Insert] = field(default_factory=list)
    gone_updates: list[tuple[int, int, int]] = field(default_factory=list)
    late: LateJobs = field(default_factory=dict)
    canonical: list[tuple[int, int]] = field(default_factory=list)
    """Datasets, by id, and the name that now stands for each."""

    facts: dict[int, What] = field(default_factory=dict)
    """What the engine is to look at: names of datasets, and jobs, by id."""

    which: dict[int, list[tuple[int, int] | int]] = field(default_factory=dict)
    """The new updates of each name of a dataset, (event_time, id of the run) each, in the order of their receipt; the
    ids of the changed runs of each job."""

    def tell(self, subject_id: int, what: What) -> None:
        self.facts[subject_id] = self.facts.get(subject_id, What(0)) | what

    def insert(
        self,
        table: Table,
        rows: Iterable[Row],
        update: Mapping[str, str] | None = None,
        newest: Sequence[str] = (),
    ) -> None:
        self.inserts.append(Insert(table, list(rows), update, newest))
