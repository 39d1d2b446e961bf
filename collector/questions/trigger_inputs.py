"""How each input of triggers stands, of many triggers at once: come, or why it has not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from collector.questions.scope import Scope
from collector.questions.trigger_sentences import leaves
from collector.questions.triggers import NAMED, Shown
from collector.storage import forecasts, standings, trigger_sources
from collector.storage.node_facts import newest_runs
from collector.storage.runs import RunRow
from triggers.forecasting import Outlook
from triggers.verdict import State


class Stands(StrEnum):
    """How an input stands."""

    ARRIVED = "arrived"
    CHECKING = "checking"
    """It came; checks of it are to come."""
    BLOCKED = "blocked"
    """It came, and a gate holds it back."""
    WAITING = "waiting"
    LATE = "late"
    """A deadline that an expectation sets it has passed."""
    FAILED = "failed"
    """The newest run of a job that writes it failed."""


LATE: Final = (State.LATE, State.MISSED)

GATES: Final = {"awaited": Stands.CHECKING, "failed": Stands.BLOCKED}


@dataclass(frozen=True, slots=True)
class InputStanding:
    """How an input stands; times in µs UTC."""

    input: str | None
    """None: the caller may not see what it is."""
    optional: bool
    state: Stands
    arrived_at: str | None = None
    """When the last update of it came (ISO 8601)."""
    expected_at: int | None = None
    """By what its jobs did in the nights before; None: nobody can say, or nobody asked to know."""
    expected_from: int | None = None
    expected_until: int | None = None
    """It comes between these in nine of ten cases."""
    run: RunRow | None = None
    """The run that failed."""


@dataclass(frozen=True, slots=True)
class _Sources:
    """What is known of the datasets that have not come, by their canonical ids."""

    bound: Mapping[tuple[str, str], Sequence[int]]
    late: frozenset[int]
    outlooks: Mapping[int, Outlook]
    failed: Mapping[int, RunRow]


def input_standings(scope: Scope, triggers: Sequence[Shown]) -> dict[str, list[InputStanding]]:
    """Tell how the inputs of each of these triggers stand, by its id, in the order in which rules write them."""
    sources = _sources(scope, [each.row.id for each in triggers])
    return {
        shown.row.id: [_standing(leaf, shown.row.id, sources) for leaf in leaves(shown.tree)]
        for shown in triggers
    }


def _sources(scope: Scope, trigger_ids: Sequence[str]) -> _Sources:
    bound = trigger_sources.bound(scope.conn, trigger_ids, scope.visible, NAMED)
    ids = sorted({id_ for each in bound.values() for id_ in each})
    late = frozenset(
        each.dataset_id for each in standings.of_datasets(scope.conn, ids) if each.stance.state in LATE
    )
    outlooks = {
        each.dataset_id: each.outlook
        for each in forecasts.of_datasets(scope.conn, ids)
        if each.outlook is not None and each.outlook.expected is not None
    }
    writers = trigger_sources.writers(scope.conn, ids, scope.visible)
    newest = newest_runs(
        scope.conn, sorted({id_ for each in writers.values() for id_ in each}), scope.visible
    )
    failed = {
        dataset_id: newest[job_id]
        for dataset_id, job_ids in writers.items()
        for job_id in sorted(job_ids, reverse=True)
        if job_id in newest and newest[job_id].state == "FAIL"
    }
    return _Sources(bound, late, outlooks, failed)


def _standing(leaf: Mapping[str, Any], trigger_id: str, sources: _Sources) -> InputStanding:
    name, latest = leaf["input"], leaf.get("latest")
    arrived_at = None if latest is None else latest["received_at"]
    if leaf["met"] or name is None:
        state = Stands.ARRIVED if leaf["met"] else Stands.WAITING
        return InputStanding(name, leaf["optional"], state, arrived_at)
    if leaf.get("gate") in GATES:
        return InputStanding(name, leaf["optional"], GATES[leaf["gate"]], arrived_at)
    ids = sources.bound.get((trigger_id, name), ())
    run = next((sources.failed[id_] for id_ in ids if id_ in sources.failed), None)
    outlooks = [sources.outlooks[id_] for id_ in ids if id_ in sources.outlooks]
    outlook = min(outlooks, key=lambda each: each.expected or 0, default=None)
    late = not sources.late.isdisjoint(ids)
    state = Stands.FAILED if run else Stands.LATE if late else Stands.WAITING
    found = InputStanding(name, leaf["optional"], state, arrived_at, run=run)
    if outlook is None:
        return found
    return replace(
        found,
        expected_at=outlook.expected,
        expected_from=outlook.earliest,
        expected_until=outlook.latest,
    )
