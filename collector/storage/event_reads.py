"""The log as lists: events with filters, what the projector has yet to do, and what it could not do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Select, func, or_, select

from collector.storage.compression import unpack
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import dataset, event, inbox, job, parked
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import entity_id, run_key

SLACK = 3_600_000_000
"""Microseconds by which ids and times of receipt may disagree. Ids are given when an event is committed, seconds after
its receipt at most; the rest is for clocks that were set back."""

PAGE_BYTES = 8_000_000
"""A page of events ends early where their JSON would be more than this, as one event may have 32 MB."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What to list. ``since`` and ``until`` (exclusive) are of the receipt or of the event itself, as ``by`` says."""

    kind: str | None = None
    event_type: str | None = None
    run_id: str | None = None
    job: tuple[str, str] | None = None
    dataset: tuple[str, str] | None = None
    since: int | None = None
    until: int | None = None
    by: Literal["received", "event"] = "received"


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event of the log. ``body`` is what was sent; None if it was not asked for."""

    id: int
    kind: str
    event_type: str | None
    event_time: int
    received_at: int
    size: int
    warnings: list[str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """An event that the projector could not read, and why."""

    event_id: int
    error: str
    parked_at: int
    kind: str
    event_type: str | None
    event_time: int
    received_at: int
    size: int


@dataclass(frozen=True, slots=True)
class Lag:
    """What the projector has yet to do: how many events, and when the first of them came."""

    size: int
    oldest_received_at: int | None


MANY = 1_000_000
"""Events up to which counting them one by one takes a tenth of a second at most."""

COLUMNS = tuple(column for column in event.c if column is not event.c.body)


def list_events(
    conn: Connection, wanted: EventFilter, *, visible: Visible, after: Key | None, limit: int, body: bool
) -> Page[EventRow]:
    """List events, the newest first: by receipt, or by their own time if the filter is ``by`` event.

    A page may have less than ``limit`` events though more follow, see ``PAGE_BYTES``.
    """
    statement = _filtered(conn, select(*COLUMNS), wanted).where(seen(visible))
    order = (event.c.id,) if wanted.by == "received" else (event.c.event_time, event.c.id)
    rows = conn.execute(ordered(statement, order, after, limit, newest=True)).all()
    fitting = _fitting(rows, limit) if body else limit
    page = cut(rows, fitting, lambda row: tuple(row._mapping[column.name] for column in order))
    return Page(_shown(conn, page.items, body), page.next)


def find_event(conn: Connection, event_id: int, *, visible: Visible) -> EventRow | None:
    """Give one event; None if there is none, or the caller may not see it."""
    rows = conn.execute(select(*COLUMNS).where(event.c.id == event_id, seen(visible))).all()
    return next(iter(_shown(conn, rows, body=True)), None)


def events_of_run(
    conn: Connection, run_id: str, job_id: int, *, newest: int, oldest: int
) -> tuple[list[EventRow], bool]:
    """Give events of a run in the order of receipt, and whether these are all: else the first and the last only."""
    mine = select(*COLUMNS).where(event.c.run_key == run_key(run_id), event.c.entity_id == job_id)
    last = conn.execute(mine.order_by(event.c.id.desc()).limit(newest)).all()
    if len(last) < newest:
        return _shown(conn, last[::-1], body=True), True
    first = conn.execute(mine.where(event.c.id < last[-1].id).order_by(event.c.id).limit(oldest + 1)).all()
    return _shown(conn, [*first[:oldest], *last[::-1]], body=True), len(first) <= oldest


def run_events_between(
    conn: Connection, since: int, until: int, *, newest: bool, visible: Visible, limit: int, offset: int
) -> tuple[list[EventRow], int]:
    """Give the RunEvents of a stretch of time (``until`` exclusive; µs UTC, of the events) and how many there are."""
    window = (event.c.event_time >= since, event.c.event_time < until, event.c.kind == "run", seen(visible))
    order = (event.c.event_time, event.c.id)
    # The index holds all that is needed to skip and to count.
    ids = select(event.c.id).where(*window).order_by(*(c.desc() if newest else c for c in order))
    chosen = list(conn.execute(ids.limit(limit).offset(offset)).scalars())
    total = conn.execute(select(func.count()).select_from(event).where(*window)).scalar_one()
    rows = conn.execute(select(*COLUMNS).where(event.c.id.in_(chosen))).all()
    place = {id_: number for number, id_ in enumerate(chosen)}
    return _shown(conn, sorted(rows, key=lambda row: place[row.id]), body=True), total


def events_by_id(conn: Connection, ids: Collection[int]) -> list[EventRow]:
    """Give events in the order of receipt; of more than ``PAGE_BYTES`` of JSON the last ones, and at least one."""
    newest_first = select(*COLUMNS).where(among(conn, event.c.id, ids)).order_by(event.c.id.desc())
    rows = conn.execute(newest_first).all()
    return _shown(conn, rows[: _fitting(rows, len(rows))][::-1], body=True)


def list_parked(conn: Connection, *, after: Key | None, limit: int) -> Page[ParkedRow]:
    """List parked events, the newest event first."""
    shown = (event.c.kind, event.c.event_type, event.c.event_time, event.c.received_at, event.c.size)
    # An outer join, though every parked event is there: SQLite would otherwise read the whole log for the few.
    statement = select(parked, *shown).outerjoin_from(parked, event, event.c.id == parked.c.event_id)
    rows = conn.execute(ordered(statement, (parked.c.event_id,), after, limit, newest=True)).all()
    page = cut(rows, limit, lambda row: (row.event_id,))
    return page.map(lambda row: ParkedRow(**row._mapping))


def count_parked(conn: Connection) -> int:
    """Count the parked events."""
    return conn.execute(select(func.count()).select_from(parked)).scalar_one()


def parked_error(conn: Connection, event_id: int) -> str | None:
    """Tell why an event is parked; None if it is not."""
    return conn.execute(select(parked.c.error).where(parked.c.event_id == event_id)).scalar()


def inbox_lag(conn: Connection) -> Lag:
    """Tell how far the projector is behind."""
    return Lag(conn.execute(select(func.count()).select_from(inbox)).scalar_one(), oldest_waiting(conn))


def oldest_waiting(conn: Connection) -> int | None:
    """Tell when the first event that waits to be projected came; cheap however many wait."""
    # As above, an outer join only to say where to begin.
    first = select(event.c.received_at).outerjoin_from(inbox, event, event.c.id == inbox.c.event_id)
    return conn.execute(first.order_by(inbox.c.event_id).limit(1)).scalar_one_or_none()


def count_events(conn: Connection) -> int:
    """Count the events of the log; from a million on, by the last id, of which duplicates leave some unused."""
    last = conn.execute(select(func.coalesce(func.max(event.c.id), 0))).scalar_one()
    if last >= MANY:
        return int(last)
    return conn.execute(select(func.count()).select_from(event)).scalar_one()


def _filtered(conn: Connection, statement: Select[Any], wanted: EventFilter) -> Select[Any]:
    if wanted.kind is not None:
        statement = statement.where(event.c.kind == wanted.kind)
    if wanted.event_type is not None:
        statement = statement.where(event.c.event_type == wanted.event_type)
    if wanted.run_id is not None:
        statement = statement.where(event.c.run_key == run_key(wanted.run_id))
    if wanted.job is not None:
        statement = statement.where(event.c.entity_id == entity_id("job", *wanted.job))
    if wanted.dataset is not None:
        statement = statement.where(event.c.entity_id == entity_id("dataset", *wanted.dataset))
    column = event.c.event_time if wanted.by == "event" else event.c.received_at
    if wanted.since is not None:
        statement = statement.where(column >= wanted.since)
        if wanted.by == "received":
            statement = statement.where(event.c.id >= first_id(conn, wanted.since - SLACK))
    if wanted.until is not None:
        statement = statement.where(column < wanted.until)
        if wanted.by == "received":
            statement = statement.where(event.c.id <= first_id(conn, wanted.until + SLACK))
    return statement


def first_id(conn: Connection, received_at: int) -> int:
    """Find by halving the first event received at that time or later; ids rise with time, give or take ``SLACK``.

    An index on the time would cost every event that is written; this costs a filter some thirty look-ups.
    """
    # Each in a query of its own: only alone is the end of an index read and not the whole.
    low = conn.execute(select(func.min(event.c.id))).scalar_one()
    high = conn.execute(select(func.max(event.c.id))).scalar_one()
    if low is None:
        return 0
    high += 1
    while low < high:
        middle = (low + high) // 2
        there = select(event.c.received_at).where(event.c.id >= middle).order_by(event.c.id).limit(1)
        found = conn.execute(there).scalar_one_or_none()
        if found is None or found >= received_at:
            high = middle
        else:
            low = middle + 1
    return int(low)


def seen(visible: Visible) -> Any:
    """Give the condition that the caller sees the event's job, or its dataset if it is about one."""
    if visible is None:
        return within(job.c.namespace_id, None)
    return or_(
        *(
            event.c.entity_id.in_(select(table.c.id).where(within(table.c.namespace_id, visible)))
            for table in (job, dataset)
        )
    )


def _fitting(rows: Sequence[Any], limit: int) -> int:
    room = PAGE_BYTES
    for position, row in enumerate(rows[:limit]):
        room -= row.size
        if room < 0:
            return max(1, position)
    return limit


def _shown(conn: Connection, rows: Sequence[Any], body: bool) -> list[EventRow]:
    bodies: dict[int, bytes] = {}
    if body and rows:
        wanted = select(event.c.id, event.c.body).where(among(conn, event.c.id, [row.id for row in rows]))
        bodies = {row.id: unpack(row.body) for row in conn.execute(wanted)}
    return [
        EventRow(
            id=row.id,
            kind=row.kind,
            event_type=row.event_type,
            event_time=row.event_time,
            received_at=row.received_at,
            size=row.size,
            warnings=[] if row.warnings is None else msgspec.json.decode(row.warnings, type=list[str]),
            body=bodies.get(row.id),
        )
        for row in rows
    ]
