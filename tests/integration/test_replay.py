"""A replay of the log decides what an engine decided that looked as events came in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import time
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select

from collector.api.rule_documents import read_rules
from collector.engine.runner import Engine
from collector.ingest.projector import Projector
from collector.questions.history import History, Wanted
from collector.questions.replay import replay
from collector.storage import facts, rules, standings
from collector.storage.engine import Database
from collector.storage.freshness_facts import SqlFacts
from collector.storage.tables import evaluation
from tests.dump import feed
from tests.events import HOUR, MINUTE, NAMESPACE, NOON, ref
from tests.made_history import DAY, TABLES, Received, received
from triggers.growing import GrowingFacts
from triggers.looks import Stance, look
from triggers.model import (
    Anomaly,
    Assertions,
    Due,
    Expectation,
    Grace,
    MaxAge,
    Partition,
    SchemaUnchanged,
    Selector,
    Volume,
)
from triggers.needs import need
from triggers.replay import Pair, Replay
from triggers.watermark import SLACK

DAYS = 8
CONDITIONS = {
    "age": {"condition": MaxAge(8 * HOUR), "grace": Grace(HOUR, 3 * HOUR)},
    "due": {"condition": Due(at=time(22)), "grace": Grace(0, HOUR), "timezone": "Europe/Berlin"},
    "cron": {"condition": Due(cron="0 */6 * * *", accept=4 * HOUR), "refuse_empty": True},
    "partition": {"condition": Due(at=time(23)), "partition": Partition(), "grace": Grace(0, 2 * HOUR)},
    "rows": {"condition": Volume(1, Anomaly(by_weekday=False))},
    "checks": {"condition": Assertions(warnings=True)},
    "checked": {"condition": Assertions(wait=HOUR)},
    "schema": {"condition": SchemaUnchanged()},
}


class Said(NamedTuple):
    """What a decision says; several at one time come in any order."""

    at: int
    pair: Pair
    state: str
    reason: object
    release: int | None
    since: int | None
    bad_since: int | None


def expectations() -> dict[str, Expectation]:
    return {
        id_: Expectation(id=id_, selector=Selector(namespace=NAMESPACE), **values)  # type: ignore[arg-type]  # by name
        for id_, values in CONDITIONS.items()
    }


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


class Live:
    """An engine that looks, at simulated times, at what the projector says has changed, and when timers run out."""

    def __init__(self, database: Database, bindings: Mapping[str, set[int]]) -> None:
        self._database = database
        self._expectations = expectations()
        self._pairs = [Pair(id_, each) for id_ in sorted(bindings) for each in sorted(bindings[id_])]
        self._stances: dict[Pair, Stance] = {}
        self._projector = Projector(database, holder="test")
        self.said: list[Said] = []
        self.now = 0

    def receive(self, at: int, events: list[Received]) -> None:
        feed(self._database, [each.event for each in events], at)
        if self.now:
            self.wait(at - SLACK)
        self._projector.drain()
        with self._database.write() as conn:
            told = facts.told(conn, 10_000)
            facts.forget(conn, told.ids)
        if self.now:
            self.now = max(self.now, at - SLACK)
            self._look([pair for pair in self._pairs if pair.dataset_id in told.subjects])

    def begin(self, at: int) -> None:
        self.now = at
        self._look(self._pairs)

    def wait(self, until: int) -> None:
        while True:
            due = [(at, pair) for pair, each in self._stances.items() if (at := each.verdict.next_look)]
            at, pair = min(due, default=(until + 1, self._pairs[0]))
            if at > until:
                return
            self.now = max(self.now, at)
            self._look([pair])

    def _look(self, pairs: list[Pair]) -> None:
        with self._database.read() as conn:
            source = SqlFacts(conn)
            for pair in pairs:
                expectation = self._expectations[pair.expectation_id]
                known = source.facts({pair.dataset_id: need(expectation, self.now)})[pair.dataset_id]
                before = self._stances.get(pair)
                after = self._stances[pair] = look(expectation, known, before, self.now)
                if after.differs(before):
                    self.said.append(said(self.now, pair, after))


def said(at: int, pair: Pair, stance: Stance) -> Said:
    verdict = stance.verdict
    return Said(at, pair, verdict.state, verdict.reason, verdict.release, verdict.since, stance.bad_since)


def replayed(database: Database, bindings: Mapping[str, set[int]], since: int, until: int) -> list[Said]:
    datasets = {id_ for ids in bindings.values() for id_ in ids}
    checked = bindings.get("checks", set()) | bindings.get("checked", set())
    with database.read() as conn:
        history = History(conn, Wanted(datasets, checked, bindings.get("schema", set())), since, until)
        known = GrowingFacts()
        for change in history.before():
            known.take(change)
        run = Replay(expectations(), bindings, known, since)
        return sorted(
            (said(each.at, each.pair, each.stance) for each in run.run(history.changes(), until)),
            key=lambda each: each[:2],
        )


def bound(*without: str) -> dict[str, set[int]]:
    return {id_: {ref(table).id for table in TABLES} for id_ in CONDITIONS if id_ not in without}


@pytest.mark.parametrize("seed", range(2))
def test_a_replay_decides_what_was_decided_live(database: Database, seed: int) -> None:
    begin, end = NOON + 3 * DAY + 5 * HOUR + 17 * MINUTE, NOON + (DAYS + 1) * DAY
    live = Live(database, bound())
    for at, group in groupby(received(DAYS, seed), key=lambda each: each.at):
        if at >= begin and not live.now:
            live.begin(begin)
        live.receive(at, list(group))
    live.wait(end - 1)
    found = replayed(database, bound(), begin, end)
    expected = sorted(live.said, key=lambda each: each[:2])
    for one, other in zip(found, expected, strict=False):
        assert one == other
    assert len(found) == len(expected) > 200


RULES = f"""\
version: 1
timezone: Europe/Berlin
expectations:
- {{id: age, dataset: {{namespace: "{NAMESPACE}"}}, max_age: {{warn: 9h, late: 11h}}}}
- {{id: due, dataset: {{namespace: "{NAMESPACE}"}}, due: {{at: "22:00"}}, grace: {{late: 1h}}}}
- {{id: partition, dataset: {{namespace: "{NAMESPACE}", name: "mart*"}}, due: {{at: "23:00"}}, partition: {{}}}}
- {{id: rows, dataset: {{namespace: "{NAMESPACE}", name: orders}}, metric: {{min: 1}}}}
- {{id: checked, dataset: {{namespace: "{NAMESPACE}", name: report}}, assertions: {{wait: 1h}}}}
- {{id: schema, dataset: {{namespace: "{NAMESPACE}", name: orders}}, schema: {{}}}}
"""


def test_a_replay_decides_what_the_engine_decided(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    begin, end, now = NOON + 3 * DAY + 5 * HOUR, NOON + 7 * DAY, [NOON]
    engine = Engine(database, holder="test", settle=0, lag=DAY, keep=1000 * DAY, clock=lambda: now[0])
    projector = Projector(database, holder="test")
    events = [each for each in received(6, 5) if each.at < end]
    for each in events:
        if each.at < begin:
            feed(database, [each.event], each.at)
    projector.drain()
    with database.write() as conn:
        rules.replace(conn, read_rules([file]), begin)
    now[0] = begin
    assert engine.take()

    def work() -> None:
        while engine.step():
            pass

    def wait(until: int) -> None:
        while (at := _next_look(database)) is not None and at + SLACK <= until:
            now[0] = max(now[0], at + SLACK)
            work()
        now[0] = until

    work()
    for at, group in groupby((each for each in events if each.at >= begin), key=lambda each: each.at):
        wait(at)
        feed(database, [each.event for each in group], at)
        projector.drain()
        work()
    wait(end)
    with database.read() as conn:
        rows = conn.execute(select(evaluation).order_by(evaluation.c.at, evaluation.c.id)).all()
        found = replay(conn, rules.rules(conn), begin - SLACK, end - SLACK + 1)
    decided = [
        (
            row.at - SLACK,
            row.expectation_id,
            row.dataset_id,
            row.state,
            json.loads(row.reason),
            row.release_at,
            row.since,
        )
        for row in rows
    ]
    replayed = [
        (
            each.at,
            *each.pair,
            each.stance.state.value,
            each.stance.verdict.reason.data(),
            each.stance.verdict.release,
            each.stance.verdict.since,
        )
        for course in found.courses
        for each in course.looks
        # What the engine binds stands so until it has looked.
        if (each.at, each.stance.verdict.reason.code) != (begin - SLACK, "never")
    ]
    assert sorted(replayed, key=repr) == sorted(decided, key=repr)
    assert len(decided) > 60


def _next_look(database: Database) -> int | None:
    with database.read() as conn:
        return standings.next_look(conn)
