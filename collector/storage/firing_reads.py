"""Firings for those who look: lists, and one with all that came of it. Times in µs UTC."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from collector.storage import outbox_reads
from collector.storage.firings import OPEN, Progress
from collector.storage.freshness_tables import rule
from collector.storage.outbox_reads import Delivery, Tried
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import outbox
from collector.storage.trigger_reads import KIND, may_see
from collector.storage.trigger_tables import firing, firing_action
from collector.storage.visibility import Visible

STATES: Final = tuple(
    each.value for each in (*OPEN, Progress.COMPLETED, Progress.FAILED, Progress.LOST, Progress.SKIPPED)
)
"""How far a firing may have come."""


@dataclass(frozen=True, slots=True)
class FiringRow:
    """A time that a trigger fired."""

    id: str
    """The id of its run, too."""
    trigger_id: str
    key: str
    at: int
    """When it was complete and nothing held it back any more."""
    decided_at: int
    cause: str
    by: str | None
    reason: str | None
    """Why it was fired by hand."""
    partial: bool
    state: str
    ended_at: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ActionRow:
    """Something that a firing does, and what became of it."""

    id: str
    target: str
    starts: bool
    state: str
    handle: dict[str, Any] | None
    """What the target calls the run, as far as it said so."""
    external_id: str | None
    run_id: str | None
    job_namespace: str | None
    job_name: str | None
    error: str | None
    started_at: int | None
    running_at: int | None
    ended_at: int | None
    body: dict[str, Any] | None
    """What is sent; None for those who may not see it."""
    delivery: Delivery | None
    """None: its turn has not come, or that is forgotten."""
    tried: Sequence[Tried]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which firings to list: those for which everything holds that is given here; ``until`` is exclusive."""

    trigger: str | None = None
    states: Collection[str] | None = None
    key: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class FiringDetail:
    """All about a firing."""

    row: FiringRow
    consumed: list[dict[str, Any]]
    """Input by input, as ``triggers.firings.Consumed`` gives it."""
    tree: dict[str, Any] | None
    """The evaluation that it followed from."""
    chain: list[str]
    """The triggers whose firings led to it, itself the last."""
    actions: list[ActionRow]


def list_firings(
    conn: Connection, wanted: Wanted, visible: Visible, *, after: Key | None, limit: int
) -> Page[FiringRow]:
    """List firings, the newest first; those of triggers of which the caller may see no dataset are left out."""
    statement = select(*_COLUMNS).where(may_see(firing.c.trigger_id, visible), *_conditions(wanted))
    rows = conn.execute(ordered(statement, (firing.c.at, firing.c.id), after, limit, newest=True)).all()
    return cut(rows, limit, lambda row: (row.at, row.id)).map(_firing)


def last_firings(conn: Connection, trigger_ids: Collection[str]) -> dict[str, FiringRow]:
    """Give the last firing of each of these triggers of the rules, of those that have fired."""
    newest = (
        select(firing.c.id)
        .where(firing.c.trigger_id == rule.c.id)
        .order_by(firing.c.at.desc(), firing.c.id.desc())
        .limit(1)
        .correlate(rule)
        .scalar_subquery()
    )
    mine = select(newest).where(rule.c.kind == KIND, rule.c.id.in_(trigger_ids))
    rows = conn.execute(select(*_COLUMNS).where(firing.c.id.in_(mine)))
    return {row.trigger_id: _firing(row) for row in rows}


def find_firing(conn: Connection, firing_id: str, visible: Visible) -> FiringDetail | None:
    """Give all about a firing; None also for one of a trigger of which the caller may see nothing."""
    wanted = select(*_COLUMNS, firing.c.consumed, firing.c.tree, firing.c.chain)
    row = conn.execute(
        wanted.where(firing.c.id == firing_id, may_see(firing.c.trigger_id, visible))
    ).one_or_none()
    if row is None:
        return None
    mine = select(firing_action).where(firing_action.c.firing_id == firing_id)
    actions = conn.execute(mine.order_by(firing_action.c.position, firing_action.c.action_id)).all()
    return FiringDetail(
        _firing(row),
        json.loads(row.consumed),
        json.loads(row.tree),
        json.loads(row.chain),
        [_action(conn, action) for action in actions],
    )


def is_fired(conn: Connection, firing_id: str) -> bool:
    """Tell whether there is such a firing."""
    return conn.execute(select(firing.c.id).where(firing.c.id == firing_id)).first() is not None


def count_states(conn: Connection) -> dict[str, int]:
    """Count the firings that are kept by how far they have come."""
    grouped = select(firing.c.state, func.count()).group_by(firing.c.state)
    return {row[0]: row[1] for row in conn.execute(grouped)}


_COLUMNS: Final = tuple(firing.c[name] for name in FiringRow.__slots__)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.trigger is not None:
        found.append(firing.c.trigger_id == wanted.trigger)
    if wanted.states is not None:
        found.append(firing.c.state.in_(wanted.states))
    if wanted.key is not None:
        found.append(firing.c.key == wanted.key)
    if wanted.since is not None:
        found.append(firing.c.at >= wanted.since)
    if wanted.until is not None:
        found.append(firing.c.at < wanted.until)
    return found


def _firing(row: Any) -> FiringRow:
    return FiringRow(*(getattr(row, name) for name in FiringRow.__slots__))


def _action(conn: Connection, row: Any) -> ActionRow:
    queued = conn.execute(select(outbox.c.id).where(outbox.c.key == row.outbox_key)).scalar()
    found = None if queued is None else outbox_reads.find(conn, queued)
    return ActionRow(
        id=row.action_id,
        target=row.target_id,
        handle=None if row.handle is None else json.loads(row.handle),
        body=json.loads(row.body),
        delivery=None if found is None else found[0],
        tried=() if found is None else found[2],
        **{
            name: getattr(row, name)
            for name in (
                "starts", "state", "external_id", "run_id", "job_namespace", "job_name", "error", "started_at",
                "running_at", "ended_at",
            )
        },
    )  # fmt: skip
