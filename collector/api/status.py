"""How everything stands, on one page; and an event to try the way in."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection

from collector.api import causes
from collector.api import freshness_documents as freshness
from collector.api import status_shapes as shapes
from collector.api.access import principal
from collector.api.alert_shapes import NoBody
from collector.api.alias_shapes import NoQuery
from collector.api.native import Native
from collector.api.questions import asking
from collector.api.recording import recorder
from collector.api.services import reading
from collector.api.shapes import Run
from collector.questions.causes import Causes
from collector.questions.deadlines import next_deadlines
from collector.questions.emitters import emitters
from collector.questions.standings import Standings
from collector.questions.status import sentence
from collector.storage import intake
from collector.storage.alert_reads import Wanted
from collector.storage.event_reads import inbox_lag
from collector.storage.failed_runs import failed_lately
from collector.storage.intake import Ends
from collector.storage.tables import parked, rejected
from collector.times import iso, now_us
from lineage.declarations import CORE

blueprint = Native("status", "How everything stands.")

SHOWN: Final = 6
"""Causes, deadlines and failures that are given."""

MINUTE: Final = 60_000_000
MINUTES: Final = 60

TEST_JOB: Final = {"namespace": "test", "name": "tidegate.test_event"}
"""The job of test events; nothing else is called so."""
TEST_PRODUCER: Final = "urn:tidegate:test"


@blueprint.get("/status", shapes.Status, query=NoQuery)
def get_status(query: dict[str, Any]) -> object:
    """Tell how everything stands: what is wrong, what comes due, what failed, and whether events come in."""
    with reading() as conn:
        scope = asking(conn, query)
        found, states = Causes(scope), Standings(scope).counts()
        first = found.page(Wanted(), after=None, limit=SHOWN, named=0).items
        counts, ends = found.count(), intake.ends(conn)
        expectations = freshness.counts(states)
        return {
            "at": scope.now,
            "sentence": sentence(
                counts, first, expectations["violated"], expectations["total"], heard=ends is not None
            ),
            "expectations": expectations,
            "counts": counts._asdict(),
            "causes": [causes.document(each) for each in first],
            "deadlines": [
                {"at": each.at, "at_risk": each.at_risk, "standing": freshness.standing(each.standing)}
                for each in next_deadlines(scope, SHOWN)
            ],
            "failures": [
                {name: getattr(each.run, name) for name in Run().fields} | {"newest": each.newest}
                for each in failed_lately(conn, scope.visible, SHOWN)
            ],
            "intake": _intake(conn, ends, scope.now) if principal().sees_all else None,
            "tools": emitters(intake.sample(conn, ends, scope.visible)) if ends else [],
        }


@blueprint.post("/status/test-event", shapes.SentEvent, body=NoBody)
def send_test_event(_body: dict[str, Any]) -> object:
    """Send an event to this server, by the way that all events take.

    It is of a job `tidegate.test_event` in the namespace `test`, and stays in the log. The key needs the scope
    `ingest`. The answer comes when the event is in the log.
    """
    run_id = str(uuid4())
    event = {
        "eventType": "COMPLETE",
        "eventTime": iso(now_us()),
        "run": {"runId": run_id},
        "job": TEST_JOB,
        "producer": TEST_PRODUCER,
        "schemaURL": f"{CORE}RunEvent",
    }
    recorder().write([event], principal())
    return {"job": TEST_JOB, "run_id": run_id}


def _intake(conn: Connection, ends: Ends | None, now: int) -> dict[str, Any]:
    lag = inbox_lag(conn)
    since = (now // MINUTE - MINUTES + 1) * MINUTE
    events = intake.counts(conn, ends, since, MINUTE, MINUTES) if ends else [0] * MINUTES
    return {
        "minutes": [{"at": since + number * MINUTE, "events": count} for number, count in enumerate(events)],
        "first_received_at": ends and ends.first_received_at,
        "newest_received_at": ends and ends.last_received_at,
        "waiting": lag.size,
        "oldest_waiting_at": lag.oldest_received_at,
        "rejected": intake.count_up_to(conn, rejected, shapes.MOST_COUNTED),
        "parked": intake.count_up_to(conn, parked, shapes.MOST_COUNTED),
    }
