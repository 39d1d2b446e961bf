"""What gates judge updates by: checks, later updates, and how datasets stand to expectations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from collector.storage.node_facts import check_name
from collector.storage.tables import assertion, dataset, dataset_update, expectation_state, run
from lineage.model import entity_id, run_key
from triggers.arrivals import Arrived
from triggers.conditions import Gate
from triggers.facts import Check
from triggers.verdict import State


@dataclass(slots=True)
class Found:
    """What is known of an update, as ``triggers.gates.judged`` takes it."""

    checks: Sequence[Check] = ()
    next_at: int | None = None
    states: Mapping[str, Sequence[State]] = field(default_factory=dict)
    run_id: int | None = None


def of(conn: Connection, gate: Gate, arrived: Arrived, stood: Mapping[tuple[str, int], State]) -> Found:
    """Read what a gate judges an update by; ``stood`` is newer than what is stored."""
    # It may have become one with another since it was updated.
    own = select(dataset.c.canonical_id).where(dataset.c.id == arrived.dataset_id)
    dataset_id = conn.execute(own).scalar() or arrived.dataset_id
    found = Found(states={id_: _states(conn, id_, dataset_id, stood) for id_ in gate.expectations})
    if gate.assertions is None:
        return found
    names = select(dataset.c.id).where(dataset.c.canonical_id == dataset_id)
    found.run_id = conn.execute(
        select(run.c.id).where(
            run.c.key == run_key(arrived.run_id),
            run.c.job_id == entity_id("job", arrived.job_namespace, arrived.job_name),
        )
    ).scalar()
    later = select(func.min(dataset_update.c.event_time)).where(
        dataset_update.c.dataset_id.in_(names), dataset_update.c.event_time > arrived.event_time
    )
    found.next_at = conn.execute(later).scalar()
    result = (assertion.c.name, assertion.c.assertion, assertion.c.column, assertion.c.event_time)
    rows = conn.execute(
        select(*result, assertion.c.run_id, assertion.c.success, assertion.c.severity).where(
            assertion.c.dataset_id.in_(names),
            (assertion.c.event_time >= arrived.event_time) | (assertion.c.run_id == found.run_id),
        )
    )
    found.checks = [
        Check(
            check_name(row.name, row.assertion, row.column), row.event_time, row.run_id, row.success, row.severity
        )
        for row in rows
    ]  # fmt: skip
    return found


def _states(
    conn: Connection, expectation_id: str, dataset_id: int, stood: Mapping[tuple[str, int], State]
) -> list[State]:
    """Give how the dataset stands to an expectation; if that is not on it, how all do that it is on."""
    own = (expectation_id, dataset_id)
    columns = select(expectation_state.c.dataset_id, expectation_state.c.state)
    mine = expectation_state.c.expectation_id == expectation_id
    row = conn.execute(columns.where(mine, expectation_state.c.dataset_id == dataset_id)).first()
    if row is not None:
        return [stood.get(own, State(row.state))]
    rows = conn.execute(columns.where(mine))
    return [stood.get((expectation_id, row.dataset_id), State(row.state)) for row in rows]
