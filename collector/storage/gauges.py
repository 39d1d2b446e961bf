"""What those who watch the program ask every few seconds, each answered from an index or a short queue."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from collector.storage import facts, outbox_reads, standing_reads, standings
from collector.storage.standing_reads import EVERYTHING
from collector.storage.tables import alert, outbox, trigger_join, trigger_state
from triggers.verdict import State


class Gauges(NamedTuple):
    """How the engine and the dispatcher are doing; instants in µs UTC, None where there is nothing."""

    facts: int
    oldest_fact: int | None
    next_look: int | None
    """When the dataset that has waited longest was to be looked at, or the next one is."""
    outbox: dict[str, int]
    """By state."""
    oldest_outgoing: int | None
    alerts: dict[tuple[str, str], int]
    """Open ones by (how they stand, severity): affected, else muted, else acknowledged, else open."""
    expectations: dict[State, int]
    """Datasets, each as often as something is expected of it, by state."""


def read(conn: Connection) -> Gauges:
    """Read all of them."""
    waiting, oldest_fact = facts.waiting(conn)
    _, oldest_outgoing = outbox_reads.waiting(conn)
    sent = conn.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
    stands = case(
        (alert.c.cause.is_not(None), "affected"),
        (alert.c.muted_by.is_not(None), "muted"),
        (alert.c.acknowledged_at.is_not(None), "acknowledged"),
        else_="open",
    ).label("stands")
    told = (
        select(stands, alert.c.severity, func.count().label("alerts"))
        .where(alert.c.ends_at.is_(None))
        .group_by(stands, alert.c.severity)
    )
    return Gauges(
        waiting,
        oldest_fact,
        standings.next_look(conn),
        {row[0]: row[1] for row in sent},
        oldest_outgoing,
        {(row.stands, row.severity): row.alerts for row in conn.execute(told)},
        standing_reads.count_states(conn, EVERYTHING),
    )


class TriggerGauges(NamedTuple):
    """How triggers are doing, for those who watch the program."""

    joins: dict[str, int]
    """By standing."""
    unkeyed: int
    due: int
    """Joins whose time to be looked at has come."""
    oldest_due: int | None
    """When that of the first of them came."""


def read_triggers(conn: Connection, now: int) -> TriggerGauges:
    """Count how triggers are doing at a time (µs UTC)."""
    grouped = select(trigger_join.c.state, func.count()).group_by(trigger_join.c.state)
    joins = {row[0]: row[1] for row in conn.execute(grouped)}
    unkeyed = conn.execute(select(func.coalesce(func.sum(trigger_state.c.unkeyed), 0))).scalar_one()
    since = case((trigger_join.c.next_at == 0, trigger_join.c.changed_at), else_=trigger_join.c.next_at)
    passed = select(func.count(), func.min(since)).where(trigger_join.c.next_at <= now)
    due, oldest = conn.execute(passed).one()
    return TriggerGauges(joins, int(unkeyed), due, oldest)
