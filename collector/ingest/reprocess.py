"""Trying refused bodies again: after an upgrade that reads more than the version that refused them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from collector.errors import FieldError, NotFound, Unprocessable
from collector.ingest.intake import take
from collector.storage.engine import Database
from collector.storage.event_log import append
from collector.storage.rejections import Rejection, find_rejection, next_rejection, remove_rejections


@dataclass(slots=True)
class Reprocessed:
    """What became of refused bodies; ``refused`` has the ids and errors of those that are refused again."""

    accepted: int
    duplicates: int
    refused: list[tuple[int, tuple[FieldError, ...]]]


def reprocess(
    database: Database,
    ids: Iterable[int] | None = None,
    *,
    progress: Callable[[int], None] = lambda rejections: None,
) -> Reprocessed:
    """Read refused bodies (``ids``, else all) as if they came now; what can be recorded moves to the log.

    An event keeps the time of its first receipt. Each body moves in a transaction of its own, so that a long
    list can be interrupted. ``progress`` is called with 1 after each. Raises ``NotFound`` for an id that does
    not exist, before which the earlier ones have moved.
    """
    result = Reprocessed(0, 0, [])
    if ids is not None:
        for rejection_id in ids:
            with database.read() as conn:
                rejection = find_rejection(conn, rejection_id)
            if rejection is None:
                raise NotFound(f"There is no refused body {rejection_id}.")
            _again(database, rejection, result)
            progress(1)
        return result
    after = 0
    while True:
        with database.read() as conn:
            rejection = next_rejection(conn, after)
        if rejection is None:
            return result
        _again(database, rejection, result)
        progress(1)
        after = rejection.id


def _again(database: Database, rejection: Rejection, result: Reprocessed) -> None:
    try:
        taken = take(rejection.body or b"", rejection.received_at)
    except Unprocessable as error:
        result.refused.append((rejection.id, error.errors))
        return
    with database.write() as conn:
        (new,) = append(database, conn, [taken.row])
        remove_rejections(conn, [rejection.id])
    if new:
        result.accepted += 1
    else:
        result.duplicates += 1
