"""Finding what a node id means among all that it may: what exists and the caller may see."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from collector.api.access import visible
from collector.api.marquez.node_ids import JOB, NodeId, Written
from collector.api.marquez.refusals import missing
from collector.storage.marquez.hiding import hidden_ids
from collector.storage.marquez.job_names import find_jobs
from collector.storage.tables import dataset
from collector.storage.upsert import among
from collector.storage.visibility import within
from lineage.model import DatasetRef, JobRef


def find_node(conn: Connection, written: Written) -> tuple[NodeId, JobRef | DatasetRef]:
    """Give the reading of a node id that is there, and what it is: of a field the dataset.

    Raises ``NotFound``, naming the reading that Marquez would take.
    """
    readings = written.readings()
    hidden = hidden_ids(conn)
    if written.type == JOB:
        jobs = find_jobs(conn, [(each.namespace, each.name) for each in readings], visible(conn))
        for each in readings:
            known = jobs.get((each.namespace, each.name))
            if known is not None and known.id not in hidden:
                return each, JobRef(known.namespace, known.own)
        raise missing("Job", readings[0].name)
    there = _datasets(conn, readings) - hidden
    for each in readings:
        ref = DatasetRef(each.namespace, each.name)
        if ref.id in there:
            return each, ref
    raise missing("Dataset", readings[0].name)


def _datasets(conn: Connection, readings: Sequence[NodeId]) -> set[int]:
    ids = {DatasetRef(each.namespace, each.name).id for each in readings}
    chosen = select(dataset.c.id).where(
        among(conn, dataset.c.id, ids),
        dataset.c.job_id.is_(None),
        within(dataset.c.namespace_id, visible(conn)),
    )
    return set(conn.execute(chosen).scalars())
