"""The next deadlines: when datasets must have come, and whether they will."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from collector.questions.scope import Scope
from collector.questions.standings import Standing, Standings
from collector.storage import deadlines, standing_reads
from collector.storage.deadlines import Ahead
from collector.storage.standing_reads import Wanted
from triggers.deadlines import timetable
from triggers.documents import expectation_of
from triggers.model import Due, Expectation
from triggers.verdict import State

CANDIDATES: Final = 200
"""Datasets that are looked at for the next deadlines. Each is looked at by the engine no later than its deadline, so
those are taken that it looks at first; if this many come before, a deadline after them may be left out."""

MET: Final = (State.FRESH, State.RECOVERED)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline that is yet to come; µs UTC."""

    at: int
    at_risk: bool
    """It was announced that it will be missed."""
    standing: Standing


def next_deadlines(scope: Scope, limit: int) -> list[Deadline]:
    """Give the next deadlines: first those that will probably be missed, then the others, in the order of time."""
    risky = deadlines.announced(scope.conn, scope.visible, scope.now, limit)
    others = deadlines.coming(scope.conn, scope.visible, CANDIDATES) if len(risky) < limit else []
    bodies = standing_reads.definitions(scope.conn, {each.expectation_id for each in others})
    expectations = {id_: expectation_of(body) for id_, body in bodies.items()}
    at = {(each.expectation_id, each.dataset_id): each.deadline for each in risky}
    times: dict[tuple[str, int], int] = {}
    for each in others:
        key = each.expectation_id, each.dataset_id
        expectation = expectations.get(each.expectation_id)
        if key in at or expectation is None:
            continue
        found = _deadline(expectation, each, scope.now)
        if found is not None and found > scope.now:
            times[key] = found
    nearest = sorted(times, key=lambda key: (times[key], key))[: limit - len(risky)]
    chosen = {**{key: known for key, known in at.items() if known}, **{key: times[key] for key in nearest}}
    # Of a dataset of which several things are expected, all of them are read.
    wanted = Wanted(dataset_ids=[dataset_id for _, dataset_id in chosen])
    page = Standings(scope).page(wanted, after=None, limit=CANDIDATES) if chosen else None
    standings = (
        {(each.kept.expectation_id, each.kept.dataset_id): each for each in page.items} if page else {}
    )
    return [Deadline(time, key in at, standings[key]) for key, time in chosen.items() if key in standings]


def _deadline(expectation: Expectation, ahead: Ahead, now: int) -> int | None:
    """Give from when on the next data of a dataset are late."""
    condition = expectation.condition
    if not isinstance(condition, Due) or ahead.state not in MET:
        return ahead.deadline
    last = now if ahead.release is None else ahead.release
    release = timetable(condition, expectation.timezone).after(last)
    return None if release is None else release + expectation.grace.late
