"""How datasets stand to expectations, as the engine keeps it from one look to the next, and what it decided."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Dialect, Integer, Row, bindparam, delete, func, select

from collector.storage.prepared import Prepared
from collector.storage.tables import evaluation, expectation_state
from collector.storage.upsert import MANY, among_parameter, many, update_rows, write_rows
from triggers.looks import Stance
from triggers.verdict import Reason, State, Verdict

COLUMNS = (
    "state",
    "reason",
    "release_at",
    "deadline_at",
    "late_by",
    "since",
    "next_look_at",
    "bad_since",
    "last_good_at",
    "settled_at",
    "changed_at",
)


class Standing(NamedTuple):
    """How a dataset (canonical id) stood to an expectation at the last look."""

    expectation_id: str
    dataset_id: int
    stance: Stance
    settled_at: int | None
    changed_at: int

    @property
    def key(self) -> tuple[str, int]:
        """What it is about."""
        return self.expectation_id, self.dataset_id


class Decision(NamedTuple):
    """What a look came to; ``prompt`` is what made the engine look: fact, timer or rules."""

    at: int
    prompt: str
    standing: Standing


def of_datasets(conn: Connection, dataset_ids: Collection[int]) -> list[Standing]:
    """Give how datasets stand to all that is expected of them."""
    if not dataset_ids:
        return []
    rows = _of_datasets(conn.dialect).run(conn, {"ids": many(conn, dataset_ids)})
    return [_standing(row) for row in rows]


def due(conn: Connection, now: int, limit: int) -> list[Standing]:
    """Give those whose time to be looked at has come, the longest waiting first."""
    return [_standing(row) for row in _due(conn.dialect).run(conn, {"now": now, "limit": limit})]


def next_look(conn: Connection) -> int | None:
    """Give when the next of them is to be looked at (µs UTC)."""
    found: int | None = _next_look(conn.dialect).run(conn, {}).scalar()
    return found


@lru_cache
def _next_look(dialect: Dialect) -> Prepared:
    return Prepared(select(func.min(expectation_state.c.next_look_at)), dialect)


def bad(conn: Connection) -> list[Standing]:
    """Give all that is not as expected."""
    wanted = select(expectation_state).where(expectation_state.c.bad_since.is_not(None))
    return [_standing(row) for row in conn.execute(wanted)]


def missed_between(conn: Connection, start: int, end: int) -> tuple[int, int]:
    """Count what is late by deadlines between two instants: what is told of, and what is not."""
    told = func.count(expectation_state.c.bad_since)
    row = conn.execute(
        select(told, func.count() - told).where(
            expectation_state.c.state.in_((State.LATE.value, State.MISSED.value)),
            expectation_state.c.deadline_at >= start,
            expectation_state.c.deadline_at < end,
        )
    ).one()
    return row[0], row[1]


def write(conn: Connection, standings: Iterable[Standing]) -> None:
    """Keep how datasets stand now; bindings that are gone stay gone."""
    rows = [(each.expectation_id, each.dataset_id, *_values(each)) for each in standings]
    update_rows(conn, expectation_state, COLUMNS, rows)


def record(conn: Connection, decisions: Iterable[Decision]) -> None:
    """Keep what was decided, for those who ask later."""
    rows = []
    for at, prompt, (expectation_id, dataset_id, stance, _, _) in decisions:
        verdict = stance.verdict
        rows.append(
            (
                expectation_id,
                dataset_id,
                at,
                prompt,
                verdict.state.value,
                _json(verdict.reason),
                verdict.release,
                verdict.deadline,
                verdict.late_by,
                verdict.since,
            )
        )
    write_rows(conn, evaluation, _EVALUATION, rows)


def prune(conn: Connection, before: int, limit: int) -> int:
    """Forget decisions made before an instant, at most ``limit`` of them; give how many."""
    old = select(evaluation.c.id).where(evaluation.c.at < before).order_by(evaluation.c.at).limit(limit)
    return conn.execute(delete(evaluation).where(evaluation.c.id.in_(old))).rowcount


_EVALUATION: Sequence[str] = (
    "expectation_id",
    "dataset_id",
    "at",
    "prompt",
    "state",
    "reason",
    "release_at",
    "deadline_at",
    "late_by",
    "since",
)


@lru_cache
def _of_datasets(dialect: Dialect) -> Prepared:
    ids = bindparam("ids", type_=MANY)
    wanted = select(expectation_state).where(among_parameter(dialect, expectation_state.c.dataset_id, ids))
    return Prepared(wanted, dialect)


@lru_cache
def _due(dialect: Dialect) -> Prepared:
    waiting = expectation_state.c.next_look_at
    wanted = select(expectation_state).where(waiting <= bindparam("now", type_=BigInteger))
    return Prepared(wanted.order_by(waiting).limit(bindparam("limit", type_=Integer)), dialect)


def _standing(row: Row[Any]) -> Standing:
    verdict = Verdict(
        State(row.state),
        Reason.read(json.loads(row.reason)),
        row.release_at,
        row.deadline_at,
        row.late_by,
        row.since,
        row.next_look_at,
    )
    stance = Stance(verdict, row.bad_since, row.last_good_at)
    return Standing(row.expectation_id, row.dataset_id, stance, row.settled_at, row.changed_at)


def _values(standing: Standing) -> tuple[Any, ...]:
    stance = standing.stance
    verdict = stance.verdict
    return (
        verdict.state.value,
        _json(verdict.reason),
        verdict.release,
        verdict.deadline,
        verdict.late_by,
        verdict.since,
        verdict.next_look,
        stance.bad_since,
        stance.last_good,
        standing.settled_at,
        standing.changed_at,
    )


def _json(reason: Reason) -> str:
    return json.dumps(reason.data(), separators=(",", ":"))
