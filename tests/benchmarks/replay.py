"""How fast recorded history is replayed: ``python -m tests.benchmarks.replay [--dialects sqlite postgresql]``.

Thirty days of 10,000 events each, of a thousand jobs that each write a dataset five times a day, and a rule about all
of these datasets. The baseline is reading the same events from the log and decoding their JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Iterator

import structlog

from collector.ingest.projector import Projector
from collector.questions.replay import replay
from collector.storage import log_history, rules
from collector.storage.engine import Database
from collector.times import iso
from tests.benchmarks.server import Databases, databases
from tests.benchmarks.stack import WAREHOUSE, events
from tests.dump import feed_rows, new_event
from tests.events import NOON
from triggers.documents import Row
from triggers.rules import RuleSet

DAY = 86_400_000_000
PIECE = 2_000

RULES = [
    Row(
        "expectation",
        "all",
        {
            "id": "all",
            "timezone": "Europe/Berlin",
            "dataset": {"namespace": WAREHOUSE},
            "max_age": "36h",
            "grace": {"late": "30m"},
        },
    )
]


def spread(days: int, a_day: int) -> Iterator[tuple[int, object]]:
    """Give events with the time at which each is received: as many each day."""
    for number, body in enumerate(events(days * a_day)):
        at = NOON + number * DAY // a_day
        yield at, json.loads(body) | {"eventTime": iso(at)}


def fill(database: Database, days: int, a_day: int) -> None:
    """Receive and project all events, and put the rules in force."""
    projector = Projector(database, holder="benchmark")
    rows = []
    for at, body in spread(days, a_day):
        rows.append(new_event(body, at))
        if len(rows) == PIECE:
            feed_rows(database, rows)
            rows.clear()
    feed_rows(database, rows)
    projector.drain()
    with database.write() as conn:
        rules.replace(conn, RULES, NOON)


def measure(places: Databases, days: int, a_day: int) -> None:
    """Print what a replay costs."""
    database = Database(places.create("replay"))
    begun = time.perf_counter()
    fill(database, days, a_day)
    print(f"  {days * a_day:,} events received and projected in {time.perf_counter() - begun:,.0f} s")
    with database.read() as conn:
        since, until = NOON, NOON + days * DAY
        took, cost = time.perf_counter(), time.process_time()
        stretch = log_history.stretch(conn, since, until)
        for page in log_history.pages(conn, log_history.event_ids(conn, stretch, None)):
            for event in page:
                json.loads(event.body)
        bare, bare_cost = time.perf_counter() - took, time.process_time() - cost
        found: RuleSet = rules.rules(conn)
        took, cost = time.perf_counter(), time.process_time()
        told = replay(conn, found, since, until)
        took, cost = time.perf_counter() - took, time.process_time() - cost
    looks = sum(len(course.looks) for course in told.courses)
    print(
        f"  replay of {days} days, {told.events:,} events, {len(told.courses):,} datasets: {took:.1f} s ({cost:.1f} s "
        f"CPU), {looks:,} changes, {len(told.notifications):,} notifications; reading and decoding alone {bare:.1f} s "
        f"({bare_cost:.1f} s CPU), ratio {cost / bare_cost:.1f}"
    )
    database.close()


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dialects", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--a-day", type=int, default=10_000, help="events of each day")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for dialect in chosen.dialects:
        print(dialect)
        with databases(dialect) as places:
            measure(places, chosen.days, chosen.a_day)


if __name__ == "__main__":
    main()
