"""Expectations that the recorded history of datasets suggests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from collector.storage.described import described
from collector.storage.selection import members
from collector.storage.update_history import last_updated, updates_since
from triggers.documents import Row
from triggers.model import Selector
from triggers.suggestions import MIN_RUNS, Past, Suggestion, suggest

BATCH = 100
"""Datasets of which the updates are in memory at once."""

MOST_UPDATES = 5_000
"""Updates of one dataset that are looked at, the newest: a stream has its rhythm in these as well."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which datasets, of what time, and by whose clock; times in µs UTC."""

    since: int
    until: int
    timezone: str = "UTC"
    namespace: str | None = None
    pattern: str | None = None
    """Of names, with ``*`` and ``?``."""
    min_runs: int = MIN_RUNS


@dataclass(frozen=True, slots=True)
class Suggested:
    """What was found, by id, and how many datasets were looked at."""

    suggestions: list[Suggestion]
    datasets: int

    def rows(self, timezone: str) -> Iterator[Row]:
        """Give the rules as they would be kept."""
        yield Row("alerting", "", {"timezone": timezone})
        for each in self.suggestions:
            yield Row("expectation", each.body["id"], each.body)


def suggestions(
    conn: Connection, asked: Asked, progress: Callable[[int], None] = lambda datasets: None
) -> Suggested:
    """Look at the datasets that are still updated. ``progress`` is called with how many of them have been read."""
    selector = Selector(namespace=asked.namespace, pattern=asked.pattern or "*")
    known = members(conn, {"": selector})[""]
    last = last_updated(conn, known)
    ids = sorted(id_ for id_ in known if asked.since <= last.get(id_, asked.since - 1))
    names = described(conn, ids)
    pasts: list[Past] = []
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        found = updates_since(conn, part, asked.since)
        for id_ in part:
            updates = [update for update in found.get(id_, ()) if update.received_at < asked.until]
            pasts.append(Past(names[id_].namespace, names[id_].name, updates[-MOST_UPDATES:]))
        progress(start + len(part))
    return Suggested(suggest(pasts, asked.timezone, asked.min_runs), len(ids))
