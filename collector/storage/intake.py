"""What comes in: how fast, and from whom; from a few rows of the log, however long it is.

Ids rise with the time of receipt. So a few hundred of them, spread evenly, tell what a walk through the log would.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select

from collector.storage.compression import DamagedBody, unpack
from collector.storage.event_reads import seen
from collector.storage.tables import event
from collector.storage.upsert import among
from collector.storage.visibility import Visible

PROBES: Final = 150
"""Events that are looked at at a time."""

EXACT: Final = 2_000
"""Events that are counted one by one."""

NEWEST: Final = 50
"""Events that a sample has besides, so that what has just begun to send is in it."""

LARGEST: Final = 256 * 1024
"""Bytes of an event that is read for a sample."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """An event of a sample; ``received_at`` in µs UTC."""

    id: int
    received_at: int
    body: bytes
    spread: bool
    """It stands for as many as lie between it and the next; else it is only one of the newest."""


class Ends(NamedTuple):
    """The first and the last event."""

    first: int
    last: int
    first_received_at: int
    last_received_at: int


def ends(conn: Connection) -> Ends | None:
    """Give the first and the last event of the log; None if it is empty."""
    # Each in a query of its own: only alone is the end of an index read and not the whole.
    columns = select(event.c.id, event.c.received_at)
    first = conn.execute(columns.order_by(event.c.id).limit(1)).first()
    last = conn.execute(columns.order_by(event.c.id.desc()).limit(1)).first()
    if first is None or last is None:
        return None
    return Ends(first.id, last.id, first.received_at, last.received_at)


def counts(conn: Connection, found: Ends, since: int, step: int, number: int) -> list[int]:
    """Count the events received in each of ``number`` steps of ``step`` µs from ``since`` (µs UTC) on.

    Exactly if these are at most ``EXACT``; of more, between every two of some hundred events they are taken to have
    come evenly, and duplicates, which use up ids, are counted along.
    """
    low, high, begins = found.first - 1, found.last, found.last_received_at
    for _ in range(2):
        points = _probed(conn, _spread(low, high))
        low = max((id_ for id_, at in points if at < since), default=low)
        high, begins = min(((id_, at) for id_, at in points if at >= since), default=(high, begins))
    tally = [0.0] * number
    if found.last - low <= EXACT:
        rows = select(event.c.received_at).where(event.c.id > low, event.c.received_at >= since)
        for (at,) in conn.execute(rows):
            _add(tally, (at - since) // step, 1)
        return [round(each) for each in tally]
    # What came before the first one of the time has no share in it, however long before.
    points = [(low, begins), *_probed(conn, _spread(low, found.last))]
    for (id_, begin), (next_id, end) in pairwise(points):
        _pour(tally, (begin - since) / step, (max(end, begin) - since) / step, next_id - id_)
    return [round(each) for each in tally]


def sample(conn: Connection, found: Ends, visible: Visible) -> list[Sampled]:
    """Give some events of all the log, and some of the newest, in the order of receipt."""
    spread = set(_spread(found.first - 1, found.last))
    wanted = spread | set(range(max(found.first, found.last - NEWEST + 1), found.last + 1))
    statement = select(event.c.id, event.c.received_at, event.c.body).where(
        among(conn, event.c.id, wanted), event.c.size <= LARGEST
    )
    if visible is not None:
        statement = statement.where(seen(visible))
    sampled = []
    for row in conn.execute(statement.order_by(event.c.id)):
        try:
            sampled.append(Sampled(row.id, row.received_at, unpack(row.body), row.id in spread))
        except DamagedBody:
            continue  # the projector tells of it; here it is one of hundreds
    return sampled


def count_up_to(conn: Connection, table: Any, most: int) -> int:
    """Count the rows of a table, but no more than ``most``."""
    some = select(func.count().label("one")).select_from(
        select(next(iter(table.primary_key))).limit(most).subquery()
    )
    return int(conn.execute(some).scalar_one())


def _spread(low: int, high: int) -> list[int]:
    """Give at most ``PROBES`` ids over ``low`` and up to ``high``, the last among them."""
    length = high - low
    if length <= PROBES:
        return list(range(low + 1, high + 1))
    return [low + (place + 1) * length // PROBES for place in range(PROBES)]


def _probed(conn: Connection, ids: Iterable[int]) -> list[tuple[int, int]]:
    columns = select(event.c.id, event.c.received_at).where(among(conn, event.c.id, ids))
    return [(id_, at) for id_, at in conn.execute(columns.order_by(event.c.id))]


def _pour(tally: list[float], begin: float, end: float, amount: int) -> None:
    """Spread an amount evenly over a stretch, both ends in steps."""
    if end <= begin:
        _add(tally, int(end), amount)
        return
    first, last = max(0, int(begin)), min(len(tally) - 1, int(end))
    for place in range(first, last + 1):
        share = min(end, place + 1) - max(begin, place)
        if share > 0:
            tally[place] += amount * share / (end - begin)


def _add(tally: list[float], place: int, amount: float) -> None:
    if 0 <= place < len(tally):
        tally[place] += amount
