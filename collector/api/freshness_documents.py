"""Answers about freshness as ``freshness_shapes`` writes them, for the API and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from collector.api import cursors
from collector.questions.standings import Defined, Foretold, Standing, Told
from collector.questions.track_records import Key, TrackRecord
from collector.questions.traits import Trait, Value
from collector.questions.why import Why
from collector.storage.pages import Page
from collector.storage.standing_reads import Kept
from triggers.verdict import State

NO_RECORDS: Final[Mapping[Key, TrackRecord]] = {}


def standing(found: Standing, record: TrackRecord | None = None) -> dict[str, Any]:
    """Give a standing as ``shapes.Standing`` writes it; with its track record if that was asked for."""
    return _said(found.kept, found.sentence, found.expectation.timezone, found.late_by) | {
        "dataset": found.dataset,
        "condition": found.condition,
        "severity": found.expectation.severity.value,
        "violated": found.kept.state.violated,
        "held": found.held,
        "last_update": found.last_update,
        "forecast": found.forecast and _forecast(found.forecast),
        "alert": found.alert and found.alert.id,
        "cause": found.cause,
        "awaited": found.awaited,
        "history": record and record.due_times,
        "account": record and record.line,
        "owners": record and record.owners,
        "tools": record and record.tools,
    }


def _forecast(found: Foretold) -> dict[str, Any]:
    outlook = found.outlook
    return {
        "release": found.forecast.release,
        "deadline": found.forecast.deadline,
        "made_at": outlook.made_at,
        "expected_at": outlook.expected,
        "low_at": outlook.earliest,
        "high_at": outlook.latest,
        "chance": outlook.chance,
        "missing": outlook.missing,
        "sentence": found.sentence,
    }


def standings(page: Page[Standing], records: Mapping[Key, TrackRecord] = NO_RECORDS) -> dict[str, Any]:
    """Give a page of standings as ``shapes.Standings`` writes it."""
    return cursors.answer(
        page.map(lambda each: standing(each, records.get((each.kept.expectation_id, each.kept.dataset_id))))
    )


def counts(found: Mapping[State, int], values: Mapping[Trait, list[Value]] | None = None) -> dict[str, Any]:
    """Give counts as ``shapes.StateCounts`` writes them."""
    return {
        "values": values and {trait.value: counted for trait, counted in values.items()},
        "states": {state.value: number for state, number in found.items()},
        "total": sum(found.values()),
        "violated": sum(number for state, number in found.items() if state.violated),
    }


def expectation(found: Defined) -> dict[str, Any]:
    """Give an expectation as ``shapes.Expectation`` writes it."""
    states = {state.value: number for state, number in found.states.items()}
    return {
        "id": found.id,
        "condition": found.condition,
        "severity": found.severity,
        "timezone": found.timezone,
        "body": found.body,
        "datasets": found.datasets,
        "states": states,
        "sentence": found.sentence,
    }


def decision(told: Told) -> dict[str, Any]:
    """Give a decision as ``shapes.Decision`` writes it."""
    kept = told.decided.kept
    return _said(kept, told.sentence, told.timezone, kept.late_by) | {
        "at": told.decided.at,
        "prompt": told.decided.prompt,
    }


def why(found: Why) -> dict[str, Any]:
    """Give all about how a dataset stands as ``why_shapes.Why`` writes it."""
    return {
        "node": found.node,
        "state": found.state and found.state.value,
        "sentence": found.sentence,
        "standings": [standing(each) for each in found.standings],
        "alerts": found.alerts,
        "root_cause": found.root_cause,
        "muted": found.muted,
        "decisions": [decision(each) for each in found.decisions],
        "notifications": found.notifications,
    }


def _said(kept: Kept, sentence: str, timezone: str, late_by: int | None) -> dict[str, Any]:
    return {
        "expectation": kept.expectation_id,
        "state": kept.state.value,
        "since": kept.since,
        "release": kept.release,
        "deadline": kept.deadline,
        "late_by": late_by,
        "reason": kept.reason,
        "sentence": sentence,
        "timezone": timezone,
    }
