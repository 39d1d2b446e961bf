"""Early warnings: looks ahead at the releases that datasets owe, from some time before their deadlines on.

One row for each expectation that asks to be warned and each dataset that it is on. Its timer is the beginning of the
time in which a warning may be given; in that time it is looked at again and again, and when an upstream job has run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection

from collector.questions.forecast import awaited, look
from collector.storage import forecasts
from collector.storage.facts import What
from collector.storage.forecasts import Forecast, Key
from collector.storage.node_facts import canonical
from triggers.alerts import Alert
from triggers.breaches import Described
from triggers.deadlines import timetable
from triggers.forecasting import alert_of, next_look
from triggers.model import Due, EarlyWarning, Expectation
from triggers.rules import RuleSet

PLACED = 500
"""Datasets of which one step finds out what they owe."""

LOOKED = 4
"""Forecasts that one step makes: each takes some ten milliseconds, and alerts wait for them."""

PLAN_US = 60_000_000
"""How often it is made sure that there is a row for each dataset that an expectation is on."""

GAP_US = 10_000_000
"""How long after a forecast it is not made anew because jobs run."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one step has found; nothing of it is written yet."""

    rows: list[Forecast] = field(default_factory=list)
    gone: set[Key] = field(default_factory=set)
    more: bool = False
    """Whether there is more to be done at once."""

    @property
    def any(self) -> bool:
        return bool(self.rows or self.gone)


class Announced(NamedTuple):
    """A deadline that will be missed, and has not passed."""

    expectation: Expectation
    forecast: Forecast

    def alert(self, described: Described) -> Alert:
        """Give the alert of it."""
        assert self.forecast.outlook is not None  # noqa: S101  # nothing else is announced
        return alert_of(self.expectation, described, self.forecast.outlook)


class Forecasts:
    """Makes the forecasts of one database; whoever has it must be the only one to do so.

    What it keeps in memory only says when to look earlier than the rows do. It is made anew when it is given another
    ``RuleSet``, so that whoever could not write what a step found gives it one.
    """

    def __init__(self) -> None:
        self._rules: RuleSet | None = None
        self._planned_at = 0
        self._datasets: set[int] = set()
        self._soon: dict[Key, int] = {}
        self._jobs: dict[Key, frozenset[int]] = {}
        self._watchers: dict[int, set[Key]] = defaultdict(set)

    def bindings_changed(self) -> None:
        """Say that expectations are on other datasets now."""
        self._planned_at = 0

    def step(self, conn: Connection, rules: RuleSet, subjects: Mapping[int, What], now: int) -> Changes:
        """Look at what time has come for, and at what facts touch. Reads only; ``write`` keeps what was found.

        ``now`` (µs UTC) is the instant up to which all that came is known: a job whose events wait is not late.
        """
        gone = self._plan(conn, rules, now)
        if not self._datasets:
            return Changes(gone=gone)
        rows = {row.key: row for row in forecasts.due(conn, now, PLACED)}
        full = len(rows) == PLACED
        for key, row in self._touched(conn, subjects, now).items():
            rows.setdefault(key, row)
        wanted = {
            key: expectation
            for key in rows
            if key not in gone and (expectation := rules.expectations.get(key[0])) and expectation.warning
        }
        releases = awaited(conn, wanted, now)
        found: list[Forecast] = []
        looked = 0
        for key, expectation in wanted.items():
            row = _placed(rows[key], expectation, releases[key], now)
            self._soon.pop(key, None)
            if not _is_open(row, expectation.warning, now):
                self._watch(key, frozenset())
            elif looked < LOOKED:
                looked += 1
                row = self._look(conn, expectation, row, now)
            else:
                self._soon[key] = now
            if row != rows[key]:
                found.append(row)
        return Changes(found, gone, full or any(at <= now for at in self._soon.values()))

    def next_wake(self, conn: Connection) -> int | None:
        """Give when there is something to look at (µs UTC), if nothing happens before."""
        at = forecasts.next_look(conn)
        return min([*self._soon.values(), *([] if at is None else [at])], default=None)

    def _plan(self, conn: Connection, rules: RuleSet, now: int) -> set[Key]:
        """Make sure that what is bound has a row, or is to get one; give what is not any more."""
        if rules is self._rules and now - self._planned_at < PLAN_US:
            return set()
        known = forecasts.all_keys(conn)
        warned = {id_ for id_, expectation in rules.expectations.items() if expectation.warning}
        bound = forecasts.bound(conn, warned) if warned else set()
        new = bound if rules is not self._rules else bound - known
        self._soon |= dict.fromkeys(new, now)
        self._soon = {key: at for key, at in self._soon.items() if key in bound}
        for key in self._jobs.keys() - bound:
            self._watch(key, frozenset())
        self._rules, self._planned_at = rules, now
        self._datasets = {dataset_id for _, dataset_id in bound}
        return known - bound

    def _touched(self, conn: Connection, subjects: Mapping[int, What], now: int) -> dict[Key, Forecast]:
        """Give the rows that facts touch, and those that are to be looked at again."""
        for id_, what in subjects.items():
            if what & What.RUN:
                self._soon |= {key: self._soon.get(key, now) for key in self._watchers.get(id_, ())}
        updated = [id_ for id_, what in subjects.items() if what & (What.UPDATE | What.NAME)]
        datasets = (set(canonical(conn, updated).values()) & self._datasets) if updated else set()
        soon = {key for key, at in self._soon.items() if at <= now}
        if not datasets and not soon:
            return {}
        soon = set(sorted(soon)[:PLACED])
        rows = {row.key: row for row in forecasts.of_datasets(conn, datasets | {id_ for _, id_ in soon})}
        found: dict[Key, Forecast] = {key: row for key, row in rows.items() if key[1] in datasets}
        for key in soon - found.keys():
            row = rows.get(key, Forecast(*key))
            made_at = row.outlook.made_at if row.outlook else 0
            if key in self._jobs and now < made_at + GAP_US:
                self._soon[key] = made_at + GAP_US
            else:
                found[key] = row
        return found

    def _look(self, conn: Connection, expectation: Expectation, row: Forecast, now: int) -> Forecast:
        assert row.release is not None  # noqa: S101  # it is open
        assert row.deadline is not None  # noqa: S101
        assert expectation.warning is not None  # noqa: S101
        told, jobs = look(conn, expectation, row.dataset_id, row.release, row.outlook, now)
        self._watch(row.key, jobs)
        return row._replace(outlook=told, next_at=next_look(expectation.warning, row.deadline, now))

    def _watch(self, key: Key, jobs: frozenset[int]) -> None:
        before = self._jobs.pop(key, frozenset())
        for id_ in before - jobs:
            self._watchers[id_].discard(key)
            if not self._watchers[id_]:
                del self._watchers[id_]
        for id_ in jobs - before:
            self._watchers[id_].add(key)
        if jobs:
            self._jobs[key] = jobs


def write(conn: Connection, changes: Changes) -> None:
    """Keep what a step found, in a writing transaction."""
    if changes.rows:
        forecasts.write(conn, changes.rows)
    if changes.gone:
        forecasts.delete(conn, changes.gone)


def open_warnings(
    conn: Connection, rules: RuleSet, now: int, changes: Changes | None = None
) -> list[Announced]:
    """Give the deadlines that will be missed, of those after ``now`` (µs UTC); ``changes`` are not yet written."""
    changes = changes or Changes()
    rows = {row.key: row for row in forecasts.announced(conn, now)}
    rows |= {row.key: row for row in changes.rows}
    return [
        Announced(expectation, row)
        for key, row in rows.items()
        if key not in changes.gone
        and row.outlook is not None
        and row.outlook.missing
        and row.deadline is not None
        and now < row.deadline
        and (expectation := rules.expectations.get(row.expectation_id))
        and expectation.warning
    ]


def _placed(row: Forecast, expectation: Expectation, release: int | None, now: int) -> Forecast:
    """Give the row with the release that is owed, and when to look at it."""
    condition, warning = expectation.condition, expectation.warning
    assert isinstance(condition, Due)  # noqa: S101  # no other can be foretold
    assert warning is not None  # noqa: S101
    if release is None:
        return Forecast(*row.key)
    deadline = release + expectation.grace.late
    outlook = row.outlook if row.release == release and row.deadline == deadline else None
    if now < deadline:
        return Forecast(*row.key, release, deadline, next_look(warning, deadline, now), outlook)
    # It is late: that is told by others. The next one is awaited when this one has come, or was passed over.
    late = expectation.grace.late
    following = timetable(condition, expectation.timezone).after(max(release, now - late))
    next_at = None if following is None else next_look(warning, following + late, now)
    return Forecast(*row.key, release, deadline, next_at)


def _is_open(row: Forecast, warning: EarlyWarning | None, now: int) -> bool:
    """Tell whether it is the time in which a warning may be given."""
    return (
        warning is not None
        and row.deadline is not None
        and row.deadline - warning.before <= now < row.deadline
    )
