"""The account of deadlines: which share of them was met."""

from __future__ import annotations

from typing import Any

from collector.api import cursors, slo_shapes
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.questions import asking
from collector.api.services import reading
from collector.questions.slo import slo

blueprint = Native("slo", "Which share of the deadlines was met.")


@blueprint.get("/slo", slo_shapes.Slo, query=slo_shapes.SloQuery)
def get_slo(query: dict[str, Any]) -> object:
    """Give the share of deadlines that were met, and what is left of the error budget.

    By dataset, owner, expectation or tag, the smallest share first. Deadlines in windows that exclude them do not
    count.
    """
    skip = cursors.decode(query.get("cursor"), cursors.SKIP)
    limit = limit_of(query)
    with reading() as conn:
        scope = asking(conn, query)
        asked = slo_shapes.asked_of(query, scope.now)
        found = slo(scope, asked, skip=0 if skip is None else skip[0], limit=limit)
    return slo_shapes.document(asked, found)
