"""Alerts and groups of alerts, as the engine keeps them from one decision to the next."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, or_, select

from collector.storage.tables import alert, alert_group, notification
from collector.storage.upsert import REPLACE, names, replace, write_rows
from lineage.model import DatasetRef, JobRef
from triggers.alerts import Alert, Severity
from triggers.messages import Message
from triggers.notification_log import Entry
from triggers.pipeline import Group, State
from triggers.routing import GroupKey

KEY = ("fingerprint", "starts_at")

THEIRS = {"id", "acknowledged_at", "acknowledged_by", "acknowledged_note"}
"""Columns of ``alert`` that the engine does not write."""

COLUMNS = tuple(name for name in names(alert) if name not in THEIRS)


@dataclass(frozen=True, slots=True)
class Kept:
    """An alert as its row has it, with how it stood."""

    alert: Alert
    explanation: str | None = None
    cause: str | None = None
    """The fingerprint of the alert that explains it."""
    path: tuple[str, ...] = ()
    affects: int = 0
    muted_by: str | None = None
    notified_at: int | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was kept."""

    state: State
    alerts: dict[str, Kept] = field(default_factory=dict)
    """Open ones, and others of the state, by fingerprint."""


def load(conn: Connection, ended_since: int) -> Loaded:
    """Read what was kept; of alerts that ended before an instant (µs UTC), only those that a receiver waits for."""
    groups: dict[GroupKey, Group] = {}
    log: dict[GroupKey, Entry] = {}
    for row in conn.execute(select(alert_group)):
        key = GroupKey(row.route, row.receiver, _pairs(row.labels))
        if row.next_at is not None:
            groups[key] = Group(row.next_at, row.flushed)
        if row.log_at is not None:
            log[key] = Entry(row.log_at, row.log_number, _set(row.log_firing), _set(row.log_resolved))
    awaited = {fingerprint for entry in log.values() for fingerprint in entry.firing}
    wanted = or_(alert.c.ends_at.is_(None), alert.c.ends_at >= ended_since, alert.c.fingerprint.in_(awaited))
    alerts = {
        row.fingerprint: _kept(row)
        for row in conn.execute(select(alert).where(wanted).order_by(alert.c.starts_at, alert.c.id))
    }
    return Loaded(State(groups, log, {print_: kept.alert for print_, kept in alerts.items()}), alerts)


class Acknowledged(NamedTuple):
    """Somebody takes care of an alert; µs UTC."""

    at: int
    by: str
    note: str | None


def acknowledged(conn: Connection) -> dict[str, Acknowledged]:
    """Give the open alerts that somebody takes care of, by fingerprint."""
    columns = (
        alert.c.fingerprint,
        alert.c.acknowledged_at,
        alert.c.acknowledged_by,
        alert.c.acknowledged_note,
    )
    rows = conn.execute(
        select(*columns).where(alert.c.ends_at.is_(None), alert.c.acknowledged_at.is_not(None))
    )
    return {print_: Acknowledged(at, by or "", note) for print_, at, by, note in rows}


def write(conn: Connection, alerts: Iterable[Kept]) -> None:
    """Keep alerts: a row for each time that something was wrong."""
    update = {name: REPLACE for name in COLUMNS if name not in KEY}
    write_rows(conn, alert, COLUMNS, [_row(each) for each in alerts], update, key=KEY)


def write_groups(conn: Connection, before: State, after: State) -> None:
    """Keep groups and what they were told, as far as that has changed."""
    rows = []
    for key in after.groups.keys() | after.log.keys():
        group, entry = after.groups.get(key), after.log.get(key)
        if (group, entry) != (before.groups.get(key), before.log.get(key)):
            rows.append(_group_row(key, group, entry))
    write_rows(conn, alert_group, names(alert_group), rows, replace(alert_group))
    gone = (before.groups.keys() | before.log.keys()) - after.groups.keys() - after.log.keys()
    if gone:
        conn.execute(delete(alert_group).where(alert_group.c.id.in_([key.id for key in gone])))


def record(conn: Connection, messages: Iterable[Message]) -> None:
    """Keep what receivers are told."""
    rows = [
        (each.id, each.group, each.receiver, each.at, each.reason, json.dumps(each.data()))
        for each in messages
    ]
    write_rows(conn, notification, names(notification), rows)


def prune(conn: Connection, before: int) -> int:
    """Forget notifications, and alerts that ended before an instant (µs UTC); give how many rows went."""
    old = (
        delete(alert).where(alert.c.ends_at < before),
        delete(notification).where(notification.c.at < before),
    )
    return sum(conn.execute(statement).rowcount for statement in old)


def subject_of(found: Alert) -> int:
    """Give the id of the job or dataset that an alert is about."""
    ref = (JobRef if found.type == "job" else DatasetRef)(found.namespace, found.name)
    return ref.id


def _row(kept: Kept) -> tuple[Any, ...]:
    found = kept.alert
    values = {
        "fingerprint": found.fingerprint,
        "rule": found.rule,
        "type": found.type,
        "namespace": found.namespace,
        "name": found.name,
        "subject_id": subject_of(found),
        "severity": found.severity.value,
        "labels": json.dumps(found.labels),
        "owner": found.owner,
        "tags": json.dumps(sorted(found.tags)),
        "text": found.text,
        "explanation": kept.explanation,
        "only_as_cause": found.only_as_cause,
        "starts_at": found.starts,
        "ends_at": found.ends,
        "last_good_at": found.last_good,
        "cause": kept.cause,
        "path": json.dumps(kept.path) if kept.path else None,
        "affects": kept.affects,
        "muted_by": kept.muted_by,
        "notified_at": kept.notified_at,
    }
    return tuple(values[name] for name in COLUMNS)


def _kept(row: Row[Any]) -> Kept:
    found = Alert(
        rule=row.rule,
        type=row.type,
        namespace=row.namespace,
        name=row.name,
        severity=Severity(row.severity),
        starts=row.starts_at,
        ends=row.ends_at,
        last_good=row.last_good_at,
        owner=row.owner,
        tags=frozenset(json.loads(row.tags)),
        labels=_pairs(row.labels),
        text=row.text,
        only_as_cause=row.only_as_cause,
    )
    path = tuple(json.loads(row.path)) if row.path else ()
    return Kept(found, row.explanation, row.cause, path, row.affects, row.muted_by, row.notified_at)


def _group_row(key: GroupKey, group: Group | None, entry: Entry | None) -> tuple[Any, ...]:
    told: tuple[Any, ...] = (None, None, None, None)
    if entry is not None:
        told = (entry.at, entry.number, json.dumps(sorted(entry.firing)), json.dumps(sorted(entry.resolved)))
    next_at, flushed = (None, False) if group is None else (group.next, group.flushed)
    return key.id, key.route, key.receiver, json.dumps(key.labels), next_at, flushed, *told


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))


def _set(text: str | None) -> frozenset[str]:
    return frozenset(json.loads(text) if text else ())
