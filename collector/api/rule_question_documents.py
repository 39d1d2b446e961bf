"""Answers to questions about rules as ``rule_question_shapes`` writes them, for the API and for the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from collector.api.rule_question_shapes import HOURS_A_DAY
from collector.questions.replay import Course, Replayed
from collector.questions.rule_plan import Plan
from collector.questions.suggestions import Suggested
from collector.storage.firing_reads import FiringRow
from triggers.pipeline import Notification
from triggers.rule_files import document_of
from triggers.sentences import sentence
from triggers.trigger_replay import Course as Fired
from triggers.zones import local, zone

FIRINGS: Final = 1_000
"""Of one trigger, that an answer holds."""


def replay(found: Replayed) -> dict[str, Any]:
    """Give a replay as ``RuleReplay`` writes it."""
    sent = [
        {
            "at": each.at,
            "receiver": each.group.receiver,
            "route": each.group.route,
            "reason": each.reason.value,
            "firing": len(each.firing),
            "resolved": len(each.resolved),
        }
        for each in found.notifications
    ]
    hours = by_hour(found.notifications, found.timezone)
    receivers = [
        {"receiver": receiver, "notifications": sum(counts), "by_hour": counts}
        for receiver, counts in hours.items()
    ]
    return {
        "since": found.since,
        "until": found.until,
        "timezone": found.timezone,
        "events": found.events,
        "items": [_course(course) for course in found.courses],
        "receivers": receivers,
        "notifications": sent,
        "triggers": [_trigger(course) for course in found.triggers],
    }


def by_hour(notifications: Iterable[Notification], timezone: str) -> dict[str, list[int]]:
    """Count what each receiver would have been told, by the hour of the day."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * HOURS_A_DAY)
    for each in notifications:
        found[each.group.receiver][local(each.at, zone(timezone)).hour] += 1
    return dict(sorted(found.items()))


def _course(course: Course) -> dict[str, Any]:
    expectation = course.expectation
    return {
        "expectation": expectation.id,
        "dataset": course.dataset,
        "met": course.met,
        "late": course.late,
        "missed": course.missed,
        "states": {state.value: length for state, length in course.states.items()},
        "alerts": [
            {
                "opened": episode.opened,
                "starts": episode.alert.starts,
                "ends": episode.alert.ends,
                "severity": episode.alert.severity.value,
                "text": episode.alert.text,
                "cause": episode.cause,
                "muted_by": f"{episode.muted.by}:{episode.muted.id}" if episode.muted else None,
                "receivers": sorted(episode.receivers),
            }
            for episode in course.episodes
        ],
        "decisions": [
            {
                "at": each.at,
                "state": each.stance.state.value,
                "release": each.stance.verdict.release,
                "deadline": each.stance.verdict.deadline,
                "since": each.stance.verdict.since,
                "text": sentence(each.stance.verdict.reason, expectation.timezone),
            }
            for each in course.looks
        ],
    }


def _trigger(course: Fired) -> dict[str, Any]:
    counts = ("arrived", "unkeyed", "blocked", "overdue", "waiting", "broken_at")
    return {
        "trigger": course.trigger.id,
        "fired": len(course.firings),
        **{name: getattr(course, name) for name in counts},
        "firings": [
            {
                "at": each.at,
                "key": each.key,
                "cause": each.cause.value,
                "partial": each.partial,
                "inputs": [taken.data() for taken in each.consumed],
            }
            for each in course.firings[-FIRINGS:]
        ],
    }


def trigger_replay(found: Replayed, recorded: Sequence[FiringRow]) -> dict[str, Any]:
    """Give the replay of a single trigger as ``TriggerReplay`` writes it, with the firings that were recorded."""
    course = found.triggers[0]
    return _trigger(course) | {
        "since": found.since,
        "until": found.until,
        "events": found.events,
        "arrivals": [{"input": each.input, "update": each.data()} for each in course.arrivals[-FIRINGS:]],
        "recorded": recorded,
    }


def plan(found: Plan) -> dict[str, Any]:
    """Give a plan as ``RulePlan`` writes it."""
    return {
        "added": [{"kind": kind, "id": id_} for kind, id_ in found.added],
        "changed": found.changed,
        "removed": [{"kind": kind, "id": id_} for kind, id_ in found.removed],
        "unchanged": found.unchanged,
        "gained": found.gained,
        "lost": found.lost,
        "before": found.before and replay(found.before),
        "after": found.after and replay(found.after),
        "triggers": found.triggers,
    }


def suggestions(found: Suggested, timezone: str, limit: int | None = None) -> dict[str, Any]:
    """Give suggestions as ``SuggestedRules`` writes them."""
    shown = Suggested(found.suggestions[:limit], found.datasets)
    return {
        "items": [{"id": each.body["id"], "evidence": each.evidence} for each in shown.suggestions],
        "datasets": found.datasets,
        "document": document_of(shown.rows(timezone)),
    }
