"""A replay of the log fires what the engine fired, on the same inputs, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import pytest
from sqlalchemy import select

from collector.questions.replay import Replayed, replay
from collector.storage import joins, rules, standings
from collector.storage.engine import Database
from collector.storage.tables import firing
from tests.captured import captured
from tests.events import HOUR, MINUTE, NAMESPACE, NOON
from tests.made_history import DAY, Received, received
from tests.stand import Stand, instant
from triggers.watermark import SLACK

BEGIN = "2026-11-25T17:17Z"
END = NOON + 9 * DAY

ORDERS = f'{{id: orders, dataset: {{namespace: "{NAMESPACE}", name: orders}}}}'
PAYMENTS = f'{{id: payments, dataset: {{namespace: "{NAMESPACE}", name: payments}}}}'
MART = f'{{id: mart, dataset: {{namespace: "{NAMESPACE}", name: mart}}}}'
ANY = f'{{id: any, dataset: {{namespace: "{NAMESPACE}"}}}}'
DO = "do: [{notify: hook}]"

RULES = f"""\
version: 1
timezone: Europe/Berlin
targets:
  hook: {{kind: webhook, url: "http://127.0.0.1:9/hook"}}
windows:
- {{id: planned, weekly: {{weekdays: "sat", times: ["09:00-15:00"]}}, triggers: hold, by: anna, reason: work}}
expectations:
- {{id: fresh, dataset: {{namespace: "{NAMESPACE}", name: mart}}, max_age: {{warn: 20h, late: 26h}}}}
- {{id: rows, dataset: {{namespace: "{NAMESPACE}", name: orders}}, metric: {{min: 100}}}}
triggers:
- {{id: latched, when: {{all: [{ORDERS}, {PAYMENTS}]}}, join: {{mode: latched, expire: 9h}}, {DO}}}
- {{id: window, when: {{n_of: {{count: 2, of: [{ORDERS}, {PAYMENTS}, {MART}]}}}},
    join: {{mode: window, within: 2h}}, guard: {{debounce: {{quiet: 40m, max_wait: 2h}}}}, {DO}}}
- {{id: epoch, when: {{all: [{ORDERS}, {PAYMENTS}]}}, join: {{mode: epoch, schedule: "0 */8 * * *", tolerance: 30m}},
    deadline: {{after: 5h, then: fire_partial}}, {DO}}}
- {{id: by_day, when: {{all: [{ORDERS}, {PAYMENTS}, {MART}]}},
    join: {{mode: partition, key: {{from: [nominal_time], grain: day}}, expire: 2d}},
    deadline: {{at: "05:30", then: drop}}, {DO}}}
- {{id: level, when: {{any: [{ORDERS}, {MART}]}}, join: {{mode: level}}, guard: {{cooldown: 5h}}, {DO}}}
- {{id: often, when: {ANY}, join: {{mode: level}}, guard: {{max_fires: {{count: 5, per: 12h}}}}, {DO}}}
- {{id: nightly, when: {{all: [{ORDERS}, {PAYMENTS}]}}, join: {{mode: latched, expire: 2d}}, earliest: "06:00",
    schedule: "15 */4 * * *", {DO}}}
- id: checked
  when: {{id: orders, dataset: {{namespace: "{NAMESPACE}", name: orders}},
    require: {{assertions: {{wait: 30m, severity: warn}}, expectation: [rows]}}}}
  join: {{mode: level}}
  {DO}
- id: while_fresh
  when: {{id: orders, dataset: {{namespace: "{NAMESPACE}", name: orders}}, require: {{expectation: fresh}}}}
  join: {{mode: latched, expire: 1d}}
  {DO}
"""


class Said(NamedTuple):
    """What matters of a firing."""

    trigger: str
    key: str
    fire_key: str
    cause: str
    partial: bool
    consumed: str


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def live(database: Database, document: str, begin: str, events: Sequence[Received], end: int) -> None:
    """Let an engine follow rules from ``begin`` on, while events come at their time, until ``end``."""
    server = Stand(database, begin, lag=1000 * DAY)
    start = server.now
    for at, group in groupby((each for each in events if each.at < start), key=lambda each: each.at):
        server.now = at
        server.take_in(each.event for each in group)
    server.until(start)
    server.apply(document)

    def wait(until: int) -> None:
        while (at := _next_look(database)) is not None and at + SLACK <= until:
            work(max(server.now, at + SLACK))
        work(until)

    def work(now: int) -> None:
        server.until(now)
        # What the engine tells of its firings is an event like others.
        server.projector.drain()
        server.rest()

    for at, group in groupby((each for each in events if start <= each.at < end), key=lambda each: each.at):
        wait(at)
        server.take_in(each.event for each in group)
        work(at)
    wait(end)


def _next_look(database: Database) -> int | None:
    with database.read() as conn:
        times = [standings.next_look(conn), joins.next_look(conn)]
    return min((at for at in times if at is not None), default=None)


def fired_live(database: Database) -> list[Said]:
    with database.read() as conn:
        return sorted(
            Said(row.trigger_id, row.key, row.fire_key, row.cause, row.partial, row.consumed)
            for row in conn.execute(select(firing))
        )


def replayed(database: Database, since: int, until: int) -> Replayed:
    with database.read() as conn:
        return replay(conn, rules.rules(conn), since, until)


def fired_again(found: Replayed) -> list[Said]:
    return sorted(
        Said(each.trigger, each.key, each.fire_key, each.cause.value, each.partial, each.consumed_json())
        for course in found.triggers
        for each in course.firings
    )


def test_a_replay_fires_what_was_fired_live(database: Database) -> None:
    live(database, RULES, BEGIN, received(9, 5), END)
    found = replayed(database, instant(BEGIN) - SLACK, END - SLACK + 1)
    by_live, again = fired_live(database), fired_again(found)
    assert again == by_live
    assert {each.trigger for each in again} == {course.trigger.id for course in found.triggers}
    assert len(again) > 60


def spread(events: Iterable[tuple[object, int]]) -> list[Received]:
    """Give captured events apart, as they came."""
    return [Received(NOON + number * MINUTE, event) for number, (event, _) in enumerate(events)]  # type: ignore[arg-type]  # of JSON


CAPTURED = """\
version: 1
targets:
  hook: {kind: webhook, url: "http://127.0.0.1:9/hook"}
triggers:
- {id: all, when: {dataset: {name: "*"}}, join: {mode: level}, do: [{notify: hook}]}
- {id: quiet, when: {dataset: {name: "*"}}, join: {mode: level}, guard: {debounce: {quiet: 5m}}, do: [{notify: hook}]}
- {id: tested, when: {dataset: {name: "*"}, require: {assertions: {}}}, join: {mode: latched, expire: 1d},
   do: [{notify: hook}]}
"""


def test_what_real_tools_sent_fires_the_same_again(database: Database) -> None:
    events = spread(captured("airflow/*", "dbt/duck_0*", "dbt/duck_10*", "dagster/*"))
    end = events[-1].at + HOUR
    live(database, CAPTURED, "2026-11-22T11:00Z", events, end)
    found = replayed(database, instant("2026-11-22T11:00Z"), end)
    assert fired_again(found) == fired_live(database)
    assert {course.trigger.id: bool(course.firings) for course in found.triggers} == {
        "all": True,
        "quiet": True,
        "tested": True,
    }
