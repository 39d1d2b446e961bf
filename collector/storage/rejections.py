"""Refused bodies: kept until somebody has looked at them, or until a later version can read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, func, select

from collector.errors import FieldError
from collector.storage.compression import unpack
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import rejected
from collector.storage.upsert import among


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refused body. Times are microseconds since 1970-01-01 UTC; ``body`` is what was sent, None if not
    asked for.
    """

    id: int
    received_at: int
    last_received_at: int
    count: int
    errors: list[FieldError]
    size: int
    body: bytes | None


def list_rejections(conn: Connection, *, after: Key | None, limit: int) -> Page[Rejection]:
    """List refused bodies without their bytes, the one first refused last at the top."""
    columns = [column for column in rejected.c if column is not rejected.c.body]
    rows = conn.execute(ordered(select(*columns), (rejected.c.id,), after, limit, newest=True)).all()
    return cut(rows, limit, lambda row: (row.id,)).map(lambda row: _rejection(row._mapping, None))


def bodies_of(conn: Connection, rejections: Iterable[Rejection], largest: int) -> dict[int, bytes]:
    """Give the bytes of refused bodies of a size up to ``largest``, by id."""
    ids = [each.id for each in rejections if each.size <= largest]
    rows = conn.execute(select(rejected.c.id, rejected.c.body).where(among(conn, rejected.c.id, ids)))
    return {row.id: unpack(row.body) for row in rows}


def find_rejection(conn: Connection, rejection_id: int) -> Rejection | None:
    """Give one refused body with its bytes; None if there is none of that id."""
    row = conn.execute(select(rejected).where(rejected.c.id == rejection_id)).first()
    return None if row is None else _rejection(row._mapping, unpack(row.body))


def next_rejection(conn: Connection, after: int) -> Rejection | None:
    """Give the refused body with the lowest id above ``after``, with its bytes."""
    row = conn.execute(select(rejected).where(rejected.c.id > after).order_by(rejected.c.id).limit(1)).first()
    return None if row is None else _rejection(row._mapping, unpack(row.body))


def count_rejections(conn: Connection) -> int:
    """Count the refused bodies that are kept."""
    return conn.execute(select(func.count()).select_from(rejected)).scalar_one()


def remove_rejections(conn: Connection, ids: Iterable[int]) -> None:
    """Forget refused bodies: they are in the log now, or nobody wants them."""
    conn.execute(delete(rejected).where(rejected.c.id.in_(list(ids))))


def _rejection(row: object, body: bytes | None) -> Rejection:
    values = dict(row)  # type: ignore[call-overload]  # a mapping of column to value
    del values["hash"]
    values["errors"] = msgspec.json.decode(values["errors"], type=list[FieldError])
    return Rejection(**values | {"body": body})
