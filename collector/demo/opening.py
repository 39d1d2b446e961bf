"""Opening a demo: its past is made, or it goes on from where it was left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import func, select

from collector.demo import file
from collector.demo.events import LONGEST, LONGEST_LIVE, events
from collector.demo.history import WATCHED, Past, Told
from collector.demo.model import DAY, HOUR
from collector.demo.occasions import Sent
from collector.demo.receiver import Receiver
from collector.demo.rules import rules
from collector.demo.story import Story
from collector.errors import Conflict
from collector.storage import leases, migrate, pulses
from collector.storage import rules as rule_store
from collector.storage.engine import Database
from collector.storage.tables import event, run
from collector.times import now_us
from triggers.documents import Row

SAME_MORNING: Final = 6 * HOUR
"""Who comes back sooner (µs) finds the same morning; later it is another one, and the story is told again."""


class Opened(NamedTuple):
    """A demo whose past is complete up to ``since``; ``begun`` and ``live`` are as ``events`` has them."""

    story: Story
    since: int
    begun: int | None
    live: int


def check_unused(path: Path) -> None:
    """Raise ``Conflict`` if a server works on the database of a demo."""
    database = Database(file.url_of(path))
    try:
        holder = leases.holder_of(database, ENGINE, now_us())
    finally:
        database.close()
    if holder is not None and not leases.is_gone(holder):
        raise Conflict(f"A demo is running on {path}. Stop it first, or name another file with --database.")


def begin(path: Path, receiver: Receiver, days: int, told: Told) -> Opened:
    """Make a demo's file, with so many days of history; ``told`` hears of the time lived through (µs).

    Raises ``Conflict`` if another is being made there.
    """
    with file.making(path):
        file.remove(path)
        migrate.upgrade(file.url_of(path))
        file.mark(path, None)
        now = now_us()
        story, since = Story(now), now - days * DAY
        database = Database(file.url_of(path))
        try:
            with Past(database, story, receiver, since) as past:
                past.fill(now, lambda at: told(at - since))
                opened = _catch_up(past, story, None, now)
        finally:
            database.close()
        file.mark(path, story.look)
    return opened


def go_on(path: Path, look: int, receiver: Receiver, told: Callable[[int, int], None]) -> Opened:
    """Fill the time since a demo was stopped. ``told`` hears of the time lived through, and of all of it (µs)."""
    migrate.upgrade(file.url_of(path))
    before, now = Story(look), now_us()
    story = before if now - look < SAME_MORNING else Story(now)
    database = Database(file.url_of(path))
    try:
        since = _left_at(database)
        with Past(database, story, receiver, since, begun=since) as past:
            with database.write() as conn:
                known = rule_store.bodies(conn)
                own = rules(story, receiver.url)
                rule_store.replace(conn, merged(known, own, all_=story != before), since)
            past.expect(_unfinished(database, before, since))
            past.collect(now - WATCHED * DAY, lambda at: told(at - since, now - since))
            past.live_through(now, lambda at: told(at - since, now - since))
            opened = _catch_up(past, story, since, now)
    finally:
        database.close()
    file.mark(path, story.look)
    return opened


def merged(known: Sequence[Row], own: Iterable[Row], *, all_: bool) -> list[Row]:
    """Give the rules that are known with those of the demo put in: ``all_`` of them, or only where to send to."""
    put = {(row.kind, row.id): row for row in own if all_ or row.kind == "target"}
    kept = [put.pop((row.kind, row.id), row) for row in known]
    return [*kept, *put.values()]


def _catch_up(past: Past, story: Story, begun: int | None, live: int) -> Opened:
    """Live through the time that has passed meanwhile."""
    now = now_us()
    past.live_through(now, lambda at: None, live=live)
    return Opened(story, now, begun, live)


def _left_at(database: Database) -> int:
    """Tell when the demo was left (µs UTC)."""
    with database.read() as conn:
        last = conn.execute(select(func.max(event.c.received_at))).scalar() or 0
        return max(last + 1, pulses.last_beat(conn) or 0)


def _unfinished(database: Database, story: Story, since: int) -> Iterator[Sent]:
    """Give how the runs went on that were not at their ends when the demo was left."""
    going_on = select(run.c.run_id).where(
        run.c.state == "RUNNING", run.c.processing_type.is_distinct_from("STREAMING")
    )
    with database.read() as conn:
        ids = set(conn.execute(going_on).scalars())
    for each in events(story, since, since + LONGEST, live=since - LONGEST_LIVE):
        if each.body["run"]["runId"] in ids:
            yield each


ENGINE: Final = "engine"
"""The lease of whoever decides."""
