"""Who was told of alerts, who will be, and what the receivers answered. Times in µs UTC."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from collector.storage.freshness_tables import rule
from collector.storage.outbox import State
from collector.storage.tables import alert_group, delivery, outbox

ALERTING = "alerting"
"""The kind of the rule that says who hears of what."""


class Sent(NamedTuple):
    """What became of a message."""

    id: int
    key: str
    state: str
    attempts: int
    next_at: int | None
    """When it is tried next; None unless it waits."""
    ended_at: int | None
    status: int | None
    """What the receiver answered last, of HTTP or SMTP."""
    error: str | None


class GroupTimes(NamedTuple):
    """When a group of alerts is looked at next, and when its receiver was told last."""

    next_at: int | None
    told_at: int | None


def alerting_rule(conn: Connection) -> dict[str, Any] | None:
    """Give the alerting section of the rules; None if there is none."""
    body = conn.execute(select(rule.c.body).where(rule.c.kind == ALERTING)).scalar()
    found: dict[str, Any] | None = None if body is None else json.loads(body)
    return found


def group_times(conn: Connection, ids: Collection[str]) -> dict[str, GroupTimes]:
    """Give those of these groups that there are, by id."""
    rows = conn.execute(
        select(alert_group.c.id, alert_group.c.next_at, alert_group.c.log_at).where(alert_group.c.id.in_(ids))
    )
    return {row.id: GroupTimes(row.next_at, row.log_at) for row in rows}


def sent(conn: Connection, keys: Collection[str]) -> dict[str, Sent]:
    """Give what became of messages, by their keys, of those that are still known."""
    last = select(delivery.c.status).where(delivery.c.outbox_id == outbox.c.id)
    status = last.order_by(delivery.c.id.desc()).limit(1).scalar_subquery().label("status")
    columns = [outbox.c[name] for name in Sent._fields if name != "status"]
    rows = conn.execute(select(*columns, status).where(outbox.c.key.in_(keys)))
    return {
        row.key: Sent(
            row.id,
            row.key,
            row.state,
            row.attempts,
            row.next_at if row.state == State.PENDING else None,
            row.ended_at,
            row.status,
            row.error,
        )
        for row in rows
    }
