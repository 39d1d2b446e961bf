"""Alerts: what is wrong, what explains it, and who takes care of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from collector.api import alert_shapes as shapes
from collector.api import cursors
from collector.api.access import principal, require_operate, signed, visible
from collector.api.alert_detail_shapes import AlertDetail
from collector.api.alias_shapes import NoQuery
from collector.api.causes import document as cause_document
from collector.api.freshness_documents import decision
from collector.api.native import Native
from collector.api.parameters import LAST_ID, limit_of
from collector.api.questions import asking
from collector.api.services import reading, services
from collector.api.silences import document as silence
from collector.questions.causes import Causes
from collector.questions.scope import Scope
from collector.questions.standings import Standings
from collector.questions.telling import alert_of, telling
from collector.questions.why import muted_by
from collector.storage import alert_reads, silences, told
from collector.storage.alert_reads import Acknowledgement, AlertRow, Seen, Wanted
from collector.times import now_us
from triggers.alerts import matches

blueprint = Native("alerts", "What is wrong, what explains it, and who takes care of it.")

ONE = f"/alerts/<int(max={LAST_ID}):alert_id>"
ID = {"alert_id": "the id of the alert, as the list gives it"}

MOST_AFFECTED = 100
MOST_NOTIFICATIONS = 50
MOST_SILENCES = 500
MOST_DECISIONS = 10


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


@blueprint.get(ONE, AlertDetail, query=NoQuery, missing=True, path=ID)
def get_alert(_query: dict[str, Any], alert_id: int) -> object:
    """Give an alert with what it explains, and who was told."""
    with reading() as conn:
        return detail(asking(conn, {}), alert_id)


@blueprint.post(
    f"{ONE}/acknowledge",
    AlertDetail,
    body=shapes.AcknowledgeBody,
    missing=True,
    path=ID,
)
def acknowledge(body: dict[str, Any], alert_id: int) -> object:
    """Say that somebody takes care of an alert: nobody is reminded of it any more."""
    require_operate()
    word = Acknowledgement(now_us(), signed(body.get("by"), "$.by"), body["note"])
    return _set(alert_id, word)


@blueprint.post(f"{ONE}/unacknowledge", AlertDetail, body=shapes.NoBody, missing=True, path=ID)
def unacknowledge(_body: dict[str, Any], alert_id: int) -> object:
    """Say that nobody takes care of an alert after all."""
    require_operate()
    return _set(alert_id, None)


def _set(alert_id: int, word: Acknowledgement | None) -> object:
    database = services().database
    with database.write() as conn:
        alert_reads.acknowledge(conn, alert_reads.find_alert(conn, alert_id, _seen(conn)), word)
        database.notify(conn)
        return detail(asking(conn, {}), alert_id)


def detail(scope: Scope, alert_id: int) -> dict[str, Any]:
    """Give an alert as ``alert_detail_AlertDetail`` writes it."""
    conn, causes = scope.conn, Causes(scope)
    shown = causes.one(alert_id)
    found, seen = shown.alert, causes.seen
    wanted = Wanted(which="open" if found.ends_at is None else "all", cause=found)
    affected = alert_reads.list_alerts(conn, wanted, seen, after=None, limit=MOST_AFFECTED)
    notifications = alert_reads.notifications(conn, found, seen, MOST_NOTIFICATIONS)
    everything = scope.visible is None
    deliveries = told.sent(conn, [each.key for each in notifications]) if everything else {}
    muted = next(iter(muted_by(scope, [found])), None)
    return cause_document(shown) | {
        "affected": affected.items,
        "notifications": [asdict(each) | {"delivery": deliveries.get(each.key)} for each in notifications],
        "muted": muted,
        "telling": telling(conn, found, muted) if everything else None,
        "silences": _matching(scope, found) if everything else None,
        "decisions": _decisions(scope, found),
    }


def _matching(scope: Scope, found: AlertRow) -> list[dict[str, Any]]:
    alert, states = alert_of(found), (silences.State.PENDING, silences.State.ACTIVE)
    page = silences.list_silences(scope.conn, states, scope.now, after=None, limit=MOST_SILENCES)
    return [silence(each, scope.now) for each in page.items if matches(each.matchers, alert)]


def _decisions(scope: Scope, found: AlertRow) -> list[dict[str, Any]]:
    if found.type != "dataset":
        return []
    page = Standings(scope).history(found.rule, found.subject_id, after=None, limit=MOST_DECISIONS)
    return [decision(each) for each in page.items]


def _seen(conn: Connection) -> Seen:
    return alert_reads.seen_by(conn, visible(conn), principal().sees)
