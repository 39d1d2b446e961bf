"""What became of the last due times of datasets, and what is left of their error budgets; for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from collector.questions.scope import Scope
from collector.questions.slo import Line, lines
from collector.questions.standings import Standing
from collector.storage import labels
from collector.storage.node_facts import all_names
from collector.storage.outcomes import Entry, newest
from triggers.evaluate import lateness
from triggers.verdict import State

Key = tuple[str, int]
"""An expectation, and a canonical dataset that it is on."""


class Became(StrEnum):
    """What became of a due time."""

    MET = "met"
    LATE = "late"  # it came after its deadline, or may still come before the next is due
    MISSED = "missed"  # it never came
    FAILED = "failed"  # it came in time, and was not as it should be
    EXCLUDED = "excluded"  # a window takes it out of the account


@dataclass(frozen=True, slots=True)
class DueTime:
    """One due time that has passed, or was met before; times and durations in µs (UTC)."""

    release: int
    deadline: int
    arrived: int | None
    outcome: Became
    late_by: int | None
    """How long after its deadline it came, negative: before it. Of what is late now, until now; None: never."""
    excluded_by: str | None


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Of a dataset and an expectation: its newest due times, the oldest first, and the account of its deadlines."""

    due_times: list[DueTime]
    line: Line
    owners: list[str]
    tools: list[str]


def track_records(scope: Scope, standings: Sequence[Standing], count: int) -> dict[Key, TrackRecord]:
    """Give the track record of each of some standings, with ``count`` due times, in a few statements for all."""
    found = {(each.kept.expectation_id, each.kept.dataset_id): each for each in standings}
    ids = {dataset_id for _, dataset_id in found}
    known = all_names(scope.conn, ids)
    # Entered under names that have become one with these since.
    names = {key: {key[1], *known.get(key[1], ())} for key in found}
    of_name = {(key[0], name): key for key, own in names.items() for name in own}
    entries: defaultdict[Key, dict[int, Entry]] = defaultdict(dict)
    for entry in newest(scope.conn, of_name, count):
        entries[of_name[entry.expectation_id, entry.dataset_id]][entry.release] = entry
    accounts = lines(scope, {key: each.expectation.objective for key, each in found.items()}, of_name)
    owners = labels.owners(scope.conn, ids, visible=scope.visible)
    tools = labels.tools(scope.conn, ids, visible=scope.visible)
    return {
        key: TrackRecord(
            [_became(each, entry, scope.now) for _, entry in sorted(entries[key].items())[-count:]],
            accounts[key],
            list(dict.fromkeys(owners.get(key[1], ()))),
            sorted(tools.get(key[1], ())),
        )
        for key, each in found.items()
    }


def _became(standing: Standing, entry: Entry, now: int) -> DueTime:
    came = now if entry.arrived is None else entry.arrived
    late_by: int | None = came - entry.deadline
    if came > entry.deadline:
        late_by = lateness(standing.expectation, entry.deadline, came)
    open_ = standing.kept.state is State.LATE and standing.kept.release == entry.release
    if entry.excluded_by is not None:
        outcome = Became.EXCLUDED
    elif entry.met:
        outcome = Became.MET
    elif entry.arrived is None:
        outcome = Became.LATE if open_ else Became.MISSED
    else:
        outcome = Became.LATE if entry.arrived > entry.deadline else Became.FAILED
    if entry.arrived is None and not open_:
        late_by = None
    return DueTime(entry.release, entry.deadline, entry.arrived, outcome, late_by, entry.excluded_by)
