"""Alerts: what is wrong, what explains it, and who takes care of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api import alert_shapes as shapes
from collector.api import cursors
from collector.api.access import principal, require_operate, signed, visible
from collector.api.alias_shapes import NoQuery
from collector.api.native import Native
from collector.api.parameters import LAST_ID, limit_of
from collector.api.services import reading, services
from collector.storage import alert_reads
from collector.storage.alert_reads import Acknowledgement, Seen, Wanted
from collector.times import now_us

blueprint = Native("alerts", "What is wrong, what explains it, and who takes care of it.")

ONE = f"/alerts/<int(max={LAST_ID}):alert_id>"
ID = {"alert_id": "the id of the alert, as the list gives it"}

MOST_AFFECTED = 100
MOST_NOTIFICATIONS = 50


@blueprint.get("/alerts", shapes.Alerts, query=shapes.AlertsQuery, missing=True)
def list_alerts(query: dict[str, Any]) -> object:
    """List alerts.

    Of one failure that a hundred datasets suffer from there is one at its cause, and a hundred that it explains.
    """
    is_open = query["state"] == "open"
    after = cursors.decode(query.get("cursor"), cursors.BY_ALERT if is_open else cursors.BY_TIME)
    limit = limit_of(query)
    with reading() as conn:
        seen = _seen(conn)
        wanted = Wanted(
            which=query["state"],
            severity=query.get("severity"),
            subject_ids=alert_reads.subjects(conn, query["node"], principal().sees)
            if "node" in query
            else None,
            cause=alert_reads.find_alert(conn, query["cause"], seen) if "cause" in query else None,
            acknowledged=query.get("acknowledged"),
            affected=query.get("affected"),
        )
        return cursors.answer(alert_reads.list_alerts(conn, wanted, seen, after=after, limit=limit))


@blueprint.get(ONE, shapes.AlertDetail, query=NoQuery, missing=True, path=ID)
def get_alert(_query: dict[str, Any], alert_id: int) -> object:
    """Give an alert with what it explains, and who was told."""
    with reading() as conn:
        return _detail(conn, alert_id)


@blueprint.post(
    f"{ONE}/acknowledge",
    shapes.AlertDetail,
    body=shapes.AcknowledgeBody,
    missing=True,
    path=ID,
)
def acknowledge(body: dict[str, Any], alert_id: int) -> object:
    """Say that somebody takes care of an alert: nobody is reminded of it any more."""
    require_operate()
    word = Acknowledgement(now_us(), signed(body.get("by"), "$.by"), body["note"])
    return _set(alert_id, word)


@blueprint.post(f"{ONE}/unacknowledge", shapes.AlertDetail, body=shapes.NoBody, missing=True, path=ID)
def unacknowledge(_body: dict[str, Any], alert_id: int) -> object:
    """Say that nobody takes care of an alert after all."""
    require_operate()
    return _set(alert_id, None)


def _set(alert_id: int, word: Acknowledgement | None) -> object:
    database = services().database
    with database.write() as conn:
        alert_reads.acknowledge(conn, alert_reads.find_alert(conn, alert_id, _seen(conn)), word)
        database.notify(conn)
        return _detail(conn, alert_id)


def _detail(conn: Connection, alert_id: int) -> object:
    return detail(conn, alert_id, _seen(conn))


def detail(conn: Connection, alert_id: int, seen: Seen) -> dict[str, Any]:
    """Give an alert as ``shapes.AlertDetail`` writes it."""
    found = alert_reads.find_alert(conn, alert_id, seen)
    wanted = Wanted(which="open" if found.ends_at is None else "all", cause=found)
    affected = alert_reads.list_alerts(conn, wanted, seen, after=None, limit=MOST_AFFECTED)
    told = alert_reads.notifications(conn, found, seen, MOST_NOTIFICATIONS)
    fields = {name: getattr(found, name) for name in (*found.__slots__, "node")}
    return fields | {"affected": affected.items, "notifications": told}


def _seen(conn: Connection) -> Seen:
    return alert_reads.seen_by(conn, visible(conn), principal().sees)
