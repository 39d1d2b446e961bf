"""Alerts for those who look: lists, one with all about it, and that somebody takes care of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    func,
    or_,
    select,
    update,
)

from collector.errors import NotFound, Unprocessable
from collector.storage import revisions
from collector.storage.catalog import NodeType, readings, visible_nodes
from collector.storage.node_facts import canonical
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import alert, namespace, notification
from collector.storage.upsert import among
from collector.storage.visibility import Visible
from triggers.alerts import Severity
from triggers.forecasting import FORECAST

GRAVEST_FIRST: Final = {severity.value: -severity.rank for severity in Severity}

Which = Literal["open", "ended", "all"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the caller may see: of namespaces of datasets and jobs by id, and of those of alerts by name."""

    visible: Visible = None
    places: Collection[str] = ()
    """Not looked at if ``visible`` is None: all."""


EVERYTHING: Final = Seen()


@dataclass(frozen=True, slots=True)
class Cause:
    """The alert that explains another; None of it for one that the caller may not see."""

    id: int | None = None
    node: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody's word that he takes care of an alert; µs UTC."""

    at: int
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A time that something was wrong, or is; times in µs UTC."""

    id: int
    fingerprint: str
    rule: str
    type: str
    namespace: str
    name: str
    subject_id: int
    severity: str
    labels: dict[str, str]
    owner: str | None
    tags: list[str]
    text: str
    explanation: str | None
    """None also for those who may not see everything: it names what else is wrong."""
    starts_at: int
    ends_at: int | None
    last_good_at: int | None
    cause: Cause | None
    path: list[str]
    """The nodes from the cause to this one; none if it is its own cause, or not all of them may be seen."""
    affects: int
    muted_by: str | None
    notified_at: int | None
    acknowledged: Acknowledgement | None

    @property
    def node(self) -> str:
        return f"{self.type}:{self.namespace}:{self.name}"


@dataclass(frozen=True, slots=True)
class Told:
    """That a receiver was told; ``title`` is None for those who may not see everything."""

    key: str
    """That its delivery is known by."""
    at: int
    receiver: str
    reason: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts to list: those for which everything holds that is given here."""

    which: Which = "open"
    severity: str | None = None
    subject_ids: Collection[int] | None = None
    cause: AlertRow | None = None
    acknowledged: bool | None = None
    affected: bool | None = None
    """Explained by another alert."""


def seen_by(conn: Connection, visible: Visible, sees: Callable[[str], bool]) -> Seen:
    """Give what somebody may see who sees some namespaces: alerts may be of one that no event has named."""
    if visible is None:
        return EVERYTHING
    names = conn.execute(select(namespace.c.name).union(select(alert.c.namespace))).scalars()
    return Seen(visible, [name for name in names if sees(name)])


def list_alerts(
    conn: Connection, wanted: Wanted, seen: Seen, *, after: Key | None, limit: int
) -> Page[AlertRow]:
    """List alerts: of open ones causes first, the gravest, the newest; of others the newest first."""
    statement = select(alert).where(may_see(seen), *conditions(conn, wanted))
    if wanted.which == "open":
        affected = case((alert.c.cause.is_(None), 0), else_=1)
        rank = case(GRAVEST_FIRST, value=alert.c.severity, else_=0)
        order: list[ColumnElement[Any]] = [affected, rank, -alert.c.starts_at, alert.c.id]
        statement = statement.add_columns(affected.label("affected"), rank.label("rank"))
        rows = conn.execute(ordered(statement, order, after, limit)).all()
        page = cut(rows, limit, lambda row: (row.affected, row.rank, -row.starts_at, row.id))
    else:
        rows = conn.execute(
            ordered(statement, (alert.c.starts_at, alert.c.id), after, limit, newest=True)
        ).all()
        page = cut(rows, limit, lambda row: (row.starts_at, row.id))
    return Page(shown(conn, page.items, seen), page.next)


def subjects(conn: Connection, node: str, sees: Callable[[str], bool]) -> list[int]:
    """Give the ids that ``dataset:NS:NAME`` or ``job:NS:NAME`` may mean in alerts, of namespaces that the caller sees.

    No event need have named it: something may be expected that has never come.
    """
    kind, _, rest = node.partition(":")
    node_type: NodeType = "job" if kind == "job" else "dataset"
    ids = [id_ for id_, place in readings(node_type, rest).items() if sees(place)]
    known = canonical(conn, ids) if node_type == "dataset" else {}
    return [known.get(id_, id_) for id_ in ids]


def search(conn: Connection, q: str, seen: Seen, limit: int) -> list[AlertRow]:
    """Give the alert of that id, and open ones of what has such a name, the newest first."""
    named = and_(alert.c.name.icontains(q, autoescape=True), alert.c.ends_at.is_(None))
    number = int(q) if q.isascii() and q.isdecimal() and len(q) < 19 else 0
    asked = select(alert).where(may_see(seen), or_(named, alert.c.id == number))
    return shown(conn, conn.execute(asked.order_by(alert.c.id.desc()).limit(limit)).all(), seen)


def find_alert(conn: Connection, alert_id: int, seen: Seen) -> AlertRow:
    """Look an alert up; raises ``NotFound``, also for what the caller may not see."""
    statement = select(alert).where(alert.c.id == alert_id, may_see(seen))
    # An address may hold a number of any length, and databases take none of more than 63 bits.
    row = conn.execute(statement).one_or_none() if alert_id.bit_length() < 64 else None
    if row is None:
        raise NotFound(f"There is no alert {alert_id}.")
    return shown(conn, [row], seen)[0]


def open_alerts(
    conn: Connection, subject_ids: Collection[int], seen: Seen
) -> dict[tuple[str, int], list[AlertRow]]:
    """Give the open alerts of datasets by (rule, canonical id), the oldest first."""
    rows = conn.execute(
        select(alert)
        .where(may_see(seen), alert.c.ends_at.is_(None), among(conn, alert.c.subject_id, subject_ids))
        .order_by(alert.c.starts_at, alert.c.id)
    ).all()
    found: dict[tuple[str, int], list[AlertRow]] = defaultdict(list)
    for each in shown(conn, rows, seen):
        found[each.rule, each.subject_id].append(each)
    return found


def open_rows(conn: Connection, seen: Seen) -> list[AlertRow]:
    """Give all open alerts, causes first: there are never more than the engine tells of."""
    rows = conn.execute(
        select(alert)
        .where(may_see(seen), alert.c.ends_at.is_(None))
        .order_by(case((alert.c.cause.is_(None), 0), else_=1), alert.c.id)
    ).all()
    return shown(conn, rows, seen)


def notifications(conn: Connection, found: AlertRow, seen: Seen, limit: int) -> list[Told]:
    """Give the newest notifications that named an alert.

    They are looked for in the texts of what was sent from its beginning on: it is seldom much.
    """
    if found.notified_at is None:
        return []
    named = notification.c.body.contains(f'"{found.fingerprint}"', autoescape=True)
    rows = conn.execute(
        select(notification)
        .where(notification.c.at >= found.starts_at, named)
        .order_by(notification.c.at.desc(), notification.c.id)
        .limit(limit)
    )
    return [
        Told(
            row.id,
            row.at,
            row.receiver,
            row.reason,
            json.loads(row.body)["title"] if seen.visible is None else None,
        )
        for row in rows
    ]


def acknowledge(conn: Connection, found: AlertRow, word: Acknowledgement | None) -> None:
    """Keep that somebody takes care of an open alert, or does not any more (None); the engine takes it in.

    Raises ``Unprocessable`` if the alert is over.
    """
    by, note, at = (None, None, None) if word is None else (word.by, word.note, word.at)
    changed = conn.execute(
        update(alert)
        .where(alert.c.id == found.id, alert.c.ends_at.is_(None))
        .values(acknowledged_at=at, acknowledged_by=by, acknowledged_note=note)
    )
    if not changed.rowcount:
        raise Unprocessable(f"Alert {found.id} is over.")
    revisions.advance(conn, revisions.ALERTS)


def may_see(seen: Seen) -> ColumnElement[bool]:
    """Give the condition that the caller may see an alert, and that it is worth seeing."""
    # A failed run of any job is kept in case that it explains something; nobody asked to hear of it before.
    worth = or_(alert.c.only_as_cause.is_(False), alert.c.affects > 0)
    return worth if seen.visible is None else and_(worth, alert.c.namespace.in_(seen.places))


def conditions(conn: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Give the conditions for what is wanted."""
    found: list[ColumnElement[bool]] = []
    if wanted.which != "all":
        ended = alert.c.ends_at.is_not(None)
        found.append(ended if wanted.which == "ended" else alert.c.ends_at.is_(None))
    if wanted.severity is not None:
        found.append(alert.c.severity == wanted.severity)
    if wanted.subject_ids is not None:
        found.append(among(conn, alert.c.subject_id, wanted.subject_ids))
    if wanted.cause is not None:
        found.append(_explained_by(wanted.cause))
    if wanted.acknowledged is not None:
        at = alert.c.acknowledged_at
        found.append(at.is_not(None) if wanted.acknowledged else at.is_(None))
    if wanted.affected is not None:
        found.append(alert.c.cause.is_not(None) if wanted.affected else alert.c.cause.is_(None))
    return found


def _explained_by(cause: AlertRow) -> ColumnElement[bool]:
    """Give the condition that an alert is explained by this time that its cause was bad, and no earlier one."""
    of = and_(alert.c.cause == cause.fingerprint, alert.c.starts_at >= cause.starts_at)
    return of if cause.ends_at is None else and_(of, alert.c.starts_at <= cause.ends_at)


def shown(conn: Connection, rows: Sequence[Any], seen: Seen) -> list[AlertRow]:
    """Give rows of ``alert`` as the caller may see them, in their order."""
    causes = _causes(conn, {row.cause for row in rows if row.cause is not None}, seen)
    paths = {row.id: json.loads(row.path) for row in rows if row.path}
    known = affected = None
    if seen.visible is not None:
        affected = _affected(conn, {row.fingerprint for row in rows if row.affects}, seen)
        known = visible_nodes(conn, {node for path in paths.values() for node in path}, seen.visible)
    return [
        AlertRow(
            id=row.id,
            fingerprint=row.fingerprint,
            rule=row.rule,
            type=row.type,
            namespace=row.namespace,
            name=row.name,
            subject_id=row.subject_id,
            severity=row.severity,
            labels=dict(json.loads(row.labels)),
            owner=row.owner,
            tags=json.loads(row.tags),
            text=_text(row, seen),
            explanation=row.explanation if seen.visible is None else None,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            last_good_at=row.last_good_at,
            cause=None if row.cause is None else causes.get(row.cause, Cause()),
            path=_path(paths.get(row.id, []), known),
            # The engine counts all of them.
            affects=row.affects if affected is None else min(row.affects, affected.get(row.fingerprint, 0)),
            muted_by=row.muted_by,
            notified_at=row.notified_at,
            acknowledged=None
            if row.acknowledged_at is None
            else Acknowledgement(row.acknowledged_at, row.acknowledged_by, row.acknowledged_note),
        )
        for row in rows
    ]


def _affected(conn: Connection, fingerprints: Collection[str], seen: Seen) -> dict[str, int]:
    """Count the alerts, whenever they were, that the caller may see and that one of these explains."""
    mine = (alert.c.cause.in_(fingerprints), may_see(seen))
    counted = select(alert.c.cause, func.count().label("number")).where(*mine).group_by(alert.c.cause)
    return {row.cause: row.number for row in conn.execute(counted)}


def _text(row: Any, seen: Seen) -> str:
    """Give what is wrong. Forecasts name the jobs that they wait for, which may be of any namespace."""
    if seen.visible is None or not set(FORECAST) & {(name, value) for name, value in json.loads(row.labels)}:
        return str(row.text)
    return f"{row.name}: It will probably be late."


def _path(nodes: list[str], shown: Collection[str] | None) -> list[str]:
    return nodes if shown is None or all(node in shown for node in nodes) else []


def _causes(conn: Connection, fingerprints: Collection[str], seen: Seen) -> dict[str, Cause]:
    """Give the newest alert of each fingerprint, of those that the caller may see."""
    if not fingerprints:
        return {}
    rows = conn.execute(
        select(alert)
        .where(alert.c.fingerprint.in_(fingerprints), may_see(seen))
        .order_by(alert.c.starts_at, alert.c.id)
    )
    return {
        row.fingerprint: Cause(row.id, f"{row.type}:{row.namespace}:{row.name}", _text(row, seen))
        for row in rows
    }
