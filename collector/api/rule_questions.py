"""Questions about rules that nobody follows yet: what they would have said, and what history says of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection

from collector.api import rule_question_documents as documents
from collector.api import rule_question_shapes as shapes
from collector.api.access import require_everything, require_operate
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.questions import asking
from collector.api.rule_documents import rules_of
from collector.api.rule_masks import unmasked
from collector.api.services import reading, services
from collector.errors import Unprocessable
from collector.questions.replay import Watch, replay
from collector.questions.rule_check import check
from collector.questions.rule_plan import Span, only, plan
from collector.questions.suggestions import Asked, suggestions
from collector.questions.triggers import Triggers
from collector.storage import rules
from collector.storage.firing_reads import Wanted
from collector.times import now_us
from triggers.documents import ruleset_of

blueprint = Native("rule_questions", "What rules would have said, and what history says of them.")

DAY: Final = 86_400_000_000

REPLAYED: Final = 30 * DAY
"""µs of history that are replayed if nothing else is asked for."""

WEEK: Final = 7 * DAY
"""Likewise, of a single trigger."""

LEARNED_FROM: Final = 180 * DAY

MOST_SECONDS: Final = 60.0
"""That one request may replay; the command line has no such bound."""

MOST_EVENTS: Final = 500_000


@blueprint.post("/rules/replay", shapes.RuleReplay, body=shapes.ReplayBody)
def replay_rules(body: dict[str, Any]) -> object:
    """Tell what rules would have said over recorded history, who would have been told, and when triggers had fired.

    Nothing is written or sent. What takes longer than a minute is refused: `tidegate rules replay` has no such bound.
    """
    require_operate()
    require_everything()
    span = _span(body)
    with _replaying() as conn:
        found = replay(conn, ruleset_of(rules_of(body["document"])), span.since, span.until, span.watch)
    return documents.replay(found)


@blueprint.get(
    "/triggers/<trigger_id>/replay",
    shapes.TriggerReplay,
    query=shapes.ReplaySpan,
    missing=True,
    path={"trigger_id": "the id of the trigger in the rules"},
)
def replay_trigger(query: dict[str, Any], trigger_id: str) -> object:
    """Tell when a trigger, as it is now, would have fired over recorded history, and when it did.

    Nothing is written or sent. What takes longer than a minute is refused, as of `/rules/replay`.
    """
    require_operate()
    require_everything()
    span = _span(query, WEEK)
    with _replaying() as conn:
        answers = Triggers(asking(conn, {}))
        answers.find(trigger_id)
        ruleset = only(rules.rules(conn), set(), {trigger_id})
        found = replay(conn, ruleset, span.since, span.until, span.watch)
        wanted = Wanted(trigger=trigger_id, since=span.since, until=span.until)
        recorded = answers.firings(wanted, limit=documents.FIRINGS).items
    return documents.trigger_replay(found, recorded)


@blueprint.post("/rules/plan", shapes.RulePlan, body=shapes.PlanBody)
def plan_rules(body: dict[str, Any]) -> object:
    """Tell what rules would change, were they put in place of those in force, and what both would have said.

    Nothing is written. Only what comes, goes or changes is replayed, and what depends on it.
    """
    require_operate()
    require_everything()
    with _replaying() as conn:
        wanted = unmasked(rules_of(body["document"]), rules.bodies(conn))
        found = plan(conn, wanted, _span(body) if body["replay"] else None)
    return documents.plan(found)


@blueprint.post("/rules/check", shapes.RuleRemarks, body=shapes.CheckBody)
def check_rules(body: dict[str, Any]) -> object:
    """Hold rules against history: datasets that nobody has seen, deadlines that were never met, routes to nowhere."""
    require_operate()
    require_everything()
    with reading() as conn:
        return {"items": check(conn, ruleset_of(rules_of(body["document"])), now_us())}


@blueprint.get("/rules/suggestions", shapes.SuggestedRules, query=shapes.SuggestionsQuery)
def get_suggestions(query: dict[str, Any]) -> object:
    """Suggest expectations from when, and with how many rows, datasets have been updated: for review."""
    require_everything()
    limit, now = limit_of(query), now_us()
    asked = Asked(
        now - query.get("history", LEARNED_FROM),
        now,
        query["timezone"],
        query.get("namespace"),
        query.get("name"),
        query["min_runs"],
    )
    with reading() as conn:
        found = suggestions(conn, asked)
    return documents.suggestions(found, asked.timezone, limit)


def _replaying() -> AbstractContextManager[Connection]:
    """Open a transaction that reads for longer than other questions may."""
    return services().database.read(MOST_SECONDS)


def _span(body: dict[str, Any], length: int = REPLAYED) -> Span:
    until = body.get("until", now_us())
    since = body.get("since", until - length)
    ends = monotonic() + MOST_SECONDS

    def begins(events: int) -> None:
        if events > MOST_EVENTS:
            raise Unprocessable(
                f"{events:,} events are too many to replay in one request: ask for a shorter time, or use "
                "`tidegate rules replay`."
            )

    def goes_on(_done: int) -> None:
        if monotonic() > ends:
            raise Unprocessable(
                "This takes longer than a minute: ask for a shorter time, or use `tidegate rules replay`."
            )

    return Span(since, until, Watch(begins, goes_on, goes_on))
