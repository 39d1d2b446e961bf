"""How the nodes of a lineage answer stand, as ``log_shapes.LineageNode`` declares it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from collector.api.fields import Instant
from collector.api.shapes import said
from collector.questions.node_states import DatasetStands, JobStands, NodeStates
from collector.times import iso

SECOND = 1_000_000


class StatePart(Schema):
    """What a node has besides, with `state`. What has to do with what is expected is null where nothing is."""

    upstream = fields.Integer(metadata=said("nodes from which an edge leads to it"))
    downstream = fields.Integer(metadata=said("nodes to which an edge leads from it"))
    tool = fields.String(allow_none=True, metadata=said("of a job: `SPARK`, `DBT`, …; null: not said"))
    expectation = fields.String(allow_none=True, metadata=said("the one to which a dataset stands worst"))
    since = Instant(allow_none=True, metadata=said("when the state of a dataset began"))
    deadline = Instant(allow_none=True, metadata=said("of a dataset: from when on it is late"))
    late_by = fields.Float(
        allow_none=True, metadata=said("seconds that a dataset is late now, or came too late")
    )
    last_update = Instant(allow_none=True, metadata=said("of a dataset"))
    alert = fields.Integer(allow_none=True, metadata=said("the open alert about that"))
    violated = fields.Boolean(metadata=said("of a dataset: it is not as expected"))
    affected = fields.Boolean(metadata=said("of a dataset: something else explains that"))
    cause = fields.String(
        allow_none=True, metadata=said("the node that explains it; null also if the key may not see it")
    )


def with_states(document: dict[str, Any], states: NodeStates) -> dict[str, Any]:
    """Add to the nodes of an answer how they stand."""
    for node in document["nodes"]:
        if beside := states.neighbours.get(node["id"]):
            node |= beside._asdict()
        if node["id"] in states.datasets:
            node |= _dataset(states.datasets[node["id"]])
        elif node["id"] in states.jobs:
            node |= _job(states.jobs[node["id"]])
    return document


def _dataset(stands: DatasetStands) -> dict[str, Any]:
    kept, alert = stands.kept, stands.alert
    return {
        "state": kept and kept.state.value,
        "expectation": kept and kept.expectation_id,
        "since": iso(kept.since) if kept else None,
        "deadline": iso(kept.deadline) if kept else None,
        "late_by": None if stands.late_by is None else stands.late_by / SECOND,
        "last_update": iso(stands.updated_at),
        "alert": alert and alert.id,
        "violated": kept is not None and kept.state.violated,
        "affected": alert is not None and alert.cause is not None,
        "cause": alert.cause.node if alert and alert.cause else None,
    }


def _job(stands: JobStands) -> dict[str, Any]:
    run = stands.run
    return {
        "state": run and run.state,
        "run_id": run and run.run_id,
        "started_at": iso(run.started_at) if run else None,
        "ended_at": iso(run.ended_at) if run else None,
        "tool": stands.tool,
    }
