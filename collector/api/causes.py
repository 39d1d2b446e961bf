"""Alerts, grouped by what explains them."""

from __future__ import annotations

from typing import Any

from collector.api import cause_shapes as shapes
from collector.api import cursors
from collector.api.access import principal
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.questions import asking
from collector.api.services import reading
from collector.questions.causes import LONGEST_ERROR, Causes, CauseShown
from collector.storage import alert_reads
from collector.storage.alert_reads import Wanted

blueprint = Native("causes", "What is wrong, each with all that it explains.")


@blueprint.get("/alerts/causes", shapes.AlertCauses, query=shapes.CausesQuery)
def list_causes(query: dict[str, Any]) -> object:
    """List what is wrong that nothing else explains, each with how much it explains.

    A hundred datasets that are late because of one failed run are one of these.
    """
    ended = query["state"] == "ended"
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME if ended else cursors.BY_CAUSE)
    limit = limit_of(query)
    with reading() as conn:
        wanted = Wanted(
            which=query["state"],
            severity=query.get("severity"),
            subject_ids=alert_reads.subjects(conn, query["node"], principal().sees)
            if "node" in query
            else None,
            acknowledged=query.get("acknowledged"),
        )
        found = Causes(asking(conn, query))
        page = found.page(wanted, since=query.get("since"), after=after, limit=limit, named=shapes.MOST_NAMED)
        counts = found.count()._asdict()
    return cursors.answer(page.map(document), counts=counts)


def document(found: CauseShown) -> dict[str, Any]:
    """Give a cause as ``shapes.CauseAffecting`` writes it."""
    alert, tally = found.alert, found.tally
    fields = {name: getattr(alert, name) for name in (*alert.__slots__, "node")}
    run = found.run and {name: getattr(found.run, name) for name in (*found.run.__slots__, "duration")}
    if run and run["error"]:
        run["error"] = run["error"][:LONGEST_ERROR]
    return fields | {
        "title": found.title,
        "datasets": tally.datasets,
        "foretold": tally.foretold,
        "owners": tally.owners,
        "deadlines": tally.deadlines,
        "next_deadline": tally.next_deadline,
        "run": run,
        "affected": found.affected,
    }
