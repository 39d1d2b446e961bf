"""What events of the log are about, and what has become of them: the names behind their keys."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from collector.storage.tables import dataset, event, inbox, job, namespace, parked, run
from collector.storage.upsert import among
from lineage.model import DatasetRef, JobRef

Standing = Literal["projected", "waiting", "parked"]


class Subject(NamedTuple):
    """What an event is about, as far as the catalog knows it: nothing as long as the event waits to be read."""

    job: JobRef | None
    dataset: DatasetRef | None
    run_id: str | None
    state: Standing


def subjects(conn: Connection, event_ids: Collection[int]) -> dict[int, Subject]:
    """Give what events are about, by their ids."""
    if not event_ids:
        return {}
    of_job, of_dataset = namespace.alias("of_job"), namespace.alias("of_dataset")
    statement = (
        select(
            event.c.id,
            job.c.name.label("job"),
            of_job.c.name.label("job_namespace"),
            dataset.c.name.label("dataset"),
            of_dataset.c.name.label("dataset_namespace"),
            run.c.run_id,
            inbox.c.event_id.label("waiting"),
            parked.c.event_id.label("parked"),
        )
        .outerjoin_from(event, job, _is(job))
        .outerjoin(of_job, of_job.c.id == job.c.namespace_id)
        .outerjoin(dataset, _is(dataset))
        .outerjoin(of_dataset, of_dataset.c.id == dataset.c.namespace_id)
        .outerjoin(run, and_(run.c.key == event.c.run_key, run.c.job_id == event.c.entity_id))
        .outerjoin(inbox, inbox.c.event_id == event.c.id)
        .outerjoin(parked, parked.c.event_id == event.c.id)
        .where(among(conn, event.c.id, event_ids))
    )
    return {
        row.id: Subject(
            None if row.job is None else JobRef(row.job_namespace, row.job),
            None if row.dataset is None else DatasetRef(row.dataset_namespace, row.dataset),
            row.run_id,
            "parked" if row.parked else "waiting" if row.waiting else "projected",
        )
        for row in conn.execute(statement)
    }


def _is(table: Table) -> ColumnElement[bool]:
    return table.c.id == event.c.entity_id
