"""Several engines in processes of their own on one database, of which one after the other is killed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Table, func, select

from collector.ingest.projector import Projector
from collector.storage.engine import Database
from collector.storage.tables import alert, fact, outbox
from collector.times import iso, now_us
from tests.dump import feed
from tests.events import NAMESPACE, Json, dataset, run_event
from tests.mortal_engines import Engines
from tests.stand import Stand

RULES = f"""
version: 1
targets:
  chat: {{kind: webhook, url: "https://chat.example.org/hook", secrets: ["env:HOOK"]}}
expectations:
  - id: rows
    dataset: {{namespace: "{NAMESPACE}"}}
    metric: {{field: outputStatistics.rowCount, min: 1}}
alerting:
  group_by: [cause]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 12h
  routes: [{{to: [chat]}}]
"""

TABLES = [f"table_{number}" for number in range(5)]
SECONDS = 60


@pytest.fixture
def engines(database_url: str) -> Iterator[Engines]:
    found = Engines(database_url)
    yield found
    found.stop()


def wrote(name: str, rows: int, at: int) -> Json:
    output = dataset(name, outputFacets={"outputStatistics": {"rowCount": rows}})
    return run_event(
        "COMPLETE", at, f"load_{name}", f"01980000-0000-7000-8000-{at % 10**12:012}", outputs=[output]
    )


def test_engines_that_are_killed_lose_nothing_and_tell_nothing_twice(
    database: Database, engines: Engines
) -> None:
    here = Stand(database, iso(now_us()))
    here.apply(RULES)
    here.engine._turn.release()
    projector = Projector(database, holder="projector")

    def until(seen: Callable[[], object], wanted: object) -> None:
        end = time.monotonic() + SECONDS
        while seen() != wanted:
            assert time.monotonic() < end, seen()
            engines.look_after()
            time.sleep(0.05)

    def told() -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for message in here.messages():
            items = message.alerts or message.resolved
            assert len(items) == 1
            found[message.status, items[0].name] += 1
        return found

    wanted: Counter[tuple[str, str]] = Counter()
    for rows, status in ((0, "firing"), (5, "resolved")):
        for table in TABLES:
            feed(database, [wrote(table, rows, now_us())], now_us())
            projector.drain()
            wanted[status, table] += 1
            until(told, wanted)
    until(lambda: _count(database, fact), 0)
    assert told() == wanted
    assert engines.deaths >= 3
    with database.read() as conn:
        keys = list(conn.execute(select(outbox.c.key)).scalars())
        assert len(keys) == len(set(keys)) == 2 * len(TABLES)
        assert conn.execute(select(func.count()).where(alert.c.ends_at.is_(None))).scalar() == 0


def _count(database: Database, table: Table) -> int:
    with database.read() as conn:
        return conn.execute(select(func.count()).select_from(table)).scalar_one()
