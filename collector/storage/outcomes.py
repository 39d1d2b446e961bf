"""The account of deadlines: what became of each release, kept for good, and how many were met."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Connection, and_, case, func, literal, select, tuple_

from collector.storage.tables import outcome, rule
from collector.storage.upsert import REPLACE, among, table_of, update_rows, write_rows
from triggers.alerts import Alert
from triggers.breaches import Described
from triggers.documents import expectation_of
from triggers.maintenance import excluded
from triggers.model import Expectation, Objective
from triggers.outcomes import Outcome, Settlement, merged
from triggers.rules import RuleSet

PIECE: Final = 10_000
"""Outcomes of which the exclusion is decided anew at a time."""

_Place = tuple[str, int, int]
"""Expectation, dataset and release."""

# ``merged``, as the database does it.
_EARLIER: Final = "CASE WHEN old.arrived_at IS NULL OR excluded.arrived_at <= old.arrived_at"
_ARRIVED: Final = f"{_EARLIER} THEN excluded.arrived_at ELSE old.arrived_at END"
_MET: Final = f"{_EARLIER} THEN excluded.met ELSE old.met END"

Describe = Callable[[Collection[int]], Mapping[int, Described]]
"""Gives what windows tell datasets (canonical ids) by; those that no event has named may be left out."""


class Settled(NamedTuple):
    """What is to be written of a dataset (canonical id) and an expectation."""

    expectation_id: str
    dataset_id: int
    settlement: Settlement


class Tally(NamedTuple):
    """How many deadlines of a dataset and an expectation there were, and how many of them were met.

    Those in windows that take them out of the account are ``excluded``, and not among the ``deadlines``.
    """

    expectation_id: str
    dataset_id: int
    deadlines: int
    met: int
    excluded: int


class Miss(NamedTuple):
    """A deadline (µs UTC) that was not met."""

    expectation_id: str
    dataset_id: int
    deadline: int


class Entry(NamedTuple):
    """What is entered of a release; µs UTC."""

    expectation_id: str
    dataset_id: int
    release: int
    deadline: int
    arrived: int | None
    met: bool
    excluded_by: str | None


class Exclusion:
    """Tells which deadlines the windows of the rules take out of the account."""

    def __init__(self, rules: RuleSet, describe: Describe) -> None:
        self._expectations = rules.expectations
        self._windows = [window for window in rules.windows if window.excludes]
        self._describe = describe
        self._known: dict[int, Described] = {}

    def prepare(self, dataset_ids: Collection[int]) -> None:
        """Read what is needed about datasets, once for many."""
        if self._windows:
            self._known |= self._describe(set(dataset_ids) - self._known.keys())

    def of(self, expectation_id: str, dataset_id: int, deadline: int) -> str | None:
        """Give the id of the window that takes a deadline (µs UTC) out of the account; None: it counts."""
        expectation = self._expectations.get(expectation_id)
        if not self._windows or expectation is None:
            return None
        described = self._known.get(dataset_id) or _by_rule(expectation)
        would_be = Alert(
            rule=expectation_id,
            type="dataset",
            namespace=described.namespace,
            name=described.name,
            severity=expectation.severity,
            starts=deadline,
            owner=described.owner,
            tags=described.tags,
        )
        return excluded(self._windows, would_be, deadline)


def write(conn: Connection, settled: Iterable[Settled], exclusion: Exclusion) -> None:
    """Enter settlements, in the transaction that keeps how the datasets stand; see ``triggers.outcomes.merged``."""
    new: dict[_Place, Outcome] = {}
    changed: dict[_Place, Outcome] = {}
    for expectation_id, dataset_id, settlement in settled:
        for into, told in ((new, settlement.new), (changed, settlement.changed)):
            into |= {(expectation_id, dataset_id, each.release): each for each in told}
    exclusion.prepare({dataset_id for _, dataset_id, _ in new})
    rows = [
        (*place, each.deadline, each.arrived, each.met, exclusion.of(*place[:2], each.deadline))
        for place, each in new.items()
    ]
    columns = ("deadline_at", "arrived_at", "met", "excluded_by")
    rules = {"deadline_at": REPLACE, "excluded_by": REPLACE, "arrived_at": _ARRIVED, "met": _MET}
    write_rows(conn, outcome, (*_KEY, *columns), rows, rules)
    written = _written(conn, changed)
    kept = {place: merged(before, changed[place]) for place, before in written.items()}
    again = [(*place, each.arrived, each.met) for place, each in kept.items() if each != written[place]]
    update_rows(conn, outcome, ("arrived_at", "met"), again)


def _written(conn: Connection, places: Collection[_Place]) -> dict[_Place, Outcome]:
    """Read what is written of some releases."""
    if not places:
        return {}
    rows = conn.execute(
        select(outcome).where(
            among(conn, outcome.c.dataset_id, {dataset_id for _, dataset_id, _ in places}),
            among(conn, outcome.c.release_at, {release for *_, release in places}),
        )
    )
    found = {
        (row.expectation_id, row.dataset_id, row.release_at): Outcome(
            row.release_at, row.deadline_at, row.arrived_at, row.met
        )
        for row in rows
    }
    return {place: each for place, each in found.items() if place in places}


def reexclude(conn: Connection, rules: RuleSet, describe: Describe, since: int) -> int:
    """Decide anew which deadlines from ``since`` (µs UTC) on count, as the windows have changed; give how many differ.

    What was decided by a rule that is gone stays.
    """
    exclusion = Exclusion(rules, describe)
    columns = (*(outcome.c[name] for name in _KEY), outcome.c.deadline_at, outcome.c.excluded_by)
    order = (outcome.c.deadline_at, outcome.c.expectation_id, outcome.c.dataset_id, outcome.c.release_at)
    after: tuple[int, str, int, int] | None = None
    differ = 0
    while True:
        statement = select(*columns).where(outcome.c.deadline_at >= since)
        if after is not None:
            statement = statement.where(outcome.c.deadline_at >= after[0], tuple_(*order) > tuple_(*after))
        rows = conn.execute(statement.order_by(*order).limit(PIECE)).all()
        exclusion.prepare({row.dataset_id for row in rows})
        changed = [
            (row.expectation_id, row.dataset_id, row.release_at, window)
            for row in rows
            if row.expectation_id in rules.expectations
            and (window := exclusion.of(row.expectation_id, row.dataset_id, row.deadline_at))
            != row.excluded_by
        ]
        update_rows(conn, outcome, ("excluded_by",), changed)
        differ += len(changed)
        if len(rows) < PIECE:
            return differ
        last = rows[-1]
        after = (last.deadline_at, last.expectation_id, last.dataset_id, last.release_at)


def account(
    conn: Connection,
    since: int,
    until: int,
    *,
    dataset_ids: Collection[int] | None = None,
    expectation_id: str | None = None,
) -> list[Tally]:
    """Count the deadlines with ``since <= deadline < until`` (µs UTC) by dataset and expectation."""
    counted = outcome.c.excluded_by.is_(None)
    statement = select(
        outcome.c.expectation_id,
        outcome.c.dataset_id,
        func.sum(case((counted, 1), else_=0)),
        func.sum(case((and_(counted, outcome.c.met), 1), else_=0)),
        func.sum(case((counted, 0), else_=1)),
    ).where(outcome.c.deadline_at >= since, outcome.c.deadline_at < until)
    if dataset_ids is not None:
        statement = statement.where(among(conn, outcome.c.dataset_id, dataset_ids))
    if expectation_id is not None:
        statement = statement.where(outcome.c.expectation_id == expectation_id)
    rows = conn.execute(statement.group_by(outcome.c.expectation_id, outcome.c.dataset_id))
    return [Tally(rule_id, id_, int(n), int(met), int(out)) for rule_id, id_, n, met, out in rows]


def misses(
    conn: Connection,
    since: int,
    until: int,
    *,
    dataset_ids: Collection[int] | None = None,
    expectation_id: str | None = None,
) -> list[Miss]:
    """Give the deadlines with ``since <= deadline < until`` (µs UTC) that count and were not met, in that order."""
    statement = select(outcome.c.expectation_id, outcome.c.dataset_id, outcome.c.deadline_at).where(
        outcome.c.deadline_at >= since,
        outcome.c.deadline_at < until,
        outcome.c.met.is_(False),
        outcome.c.excluded_by.is_(None),
    )
    if dataset_ids is not None:
        statement = statement.where(among(conn, outcome.c.dataset_id, dataset_ids))
    if expectation_id is not None:
        statement = statement.where(outcome.c.expectation_id == expectation_id)
    return [Miss(*row) for row in conn.execute(statement.order_by(outcome.c.deadline_at))]


def newest(conn: Connection, wanted: Collection[tuple[str, int]], count: int) -> list[Entry]:
    """Give the newest ``count`` entries of each of these (expectation, dataset), in the order of their releases."""
    asked = table_of(conn, [(dataset_id, expectation_id) for expectation_id, dataset_id in wanted])
    mine = (outcome.c.expectation_id == asked.c.text, outcome.c.dataset_id == asked.c.id)
    older = outcome.alias("older")
    # A look at the primary key for each, and no more of what is kept for years than is asked for.
    oldest = (
        select(older.c.release_at)
        .where(older.c.expectation_id == asked.c.text, older.c.dataset_id == asked.c.id)
        .order_by(older.c.release_at.desc())
        .limit(1)
        .offset(count - 1)
        .correlate(asked)
        .scalar_subquery()
    )
    since = func.coalesce(oldest, literal(_EVER, BigInteger))
    rows = conn.execute(
        select(outcome)
        .join_from(asked, outcome, and_(*mine))
        .where(outcome.c.release_at >= since)
        .order_by(outcome.c.release_at)
    )
    return [Entry(*row) for row in rows]


def objectives(conn: Connection) -> dict[str, Objective]:
    """Give the objectives of the expectations that have one, by id."""
    bodies = select(rule.c.id, rule.c.body).where(rule.c.kind == "expectation", rule.c.body.contains('"slo"'))
    found = {row.id: expectation_of(json.loads(row.body)).objective for row in conn.execute(bodies)}
    return {id_: objective for id_, objective in found.items() if objective is not None}


def _by_rule(expectation: Expectation) -> Described:
    """Describe a dataset that no event has named: only its whole name can mean it."""
    return Described(expectation.selector.namespace or "", expectation.selector.name or "")


_EVER: Final = -(2**63)
"""Lies before every release."""

_KEY: Final = ("expectation_id", "dataset_id", "release_at")
