"""Exactly one firing for the same inputs: whatever comes at once, twice, in disorder, or while somebody is killed."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
from sqlalchemy import func, select

from collector.ingest.projector import Projector
from collector.storage import joins
from collector.storage.engine import Database
from collector.storage.joins import Kept, Row
from collector.storage.tables import fact, firing, outbox
from collector.times import iso, now_us
from tests.dump import feed, new_event, queue_again
from tests.events import MINUTE, Json, dataset, run_event
from tests.fired import deliver, doings, fired, standing
from tests.integration.engine.conftest import MakeStand
from tests.mortal_engines import IMMORTAL, Engines
from tests.stand import Stand, instant
from tests.triggered import came
from triggers.joins import Standing, State

SECONDS = 90
LATCHED = {"mode": "latched", "expire": "1d"}


def rules(*triggers: Json) -> str:
    """Give rules with triggers that tell a hook, unless they say otherwise, as JSON, which is YAML."""
    known = {"do": [{"id": "go", "start": "hook"}]}
    hook = {"hook": {"kind": "webhook", "url": "http://127.0.0.1:9/hook"}}
    return json.dumps({"version": 1, "targets": hook, "triggers": [known | each for each in triggers]})


def inputs(*names: str) -> list[Json]:
    return [{"id": name, "dataset": {"namespace": "db", "name": name}} for name in names]


def one(id_: str = "one", name: str = "orders", **more: Any) -> Json:
    """Give a trigger that waits for a dataset."""
    return {"id": id_, "when": inputs(name)[0]} | more


def wrote(name: str, at: int, run: str, *, kind: str = "COMPLETE", **parts: Any) -> Json:
    """Give an event of a run that writes a dataset."""
    own = str(uuid5(NAMESPACE_OID, run))
    return run_event(kind, at, f"load_{name}", own, outputs=[dataset(name, "db")], **parts)


def update(server: Stand, name: str = "orders", *, project: bool = True) -> None:
    """Let a dataset be updated, a second after all before."""
    server.now += 1_000_000
    server.take_in([wrote(name, server.now, f"{name}{server.now}")], project=project)


@pytest.fixture
def make_engines(database_url: str) -> Iterator[Callable[..., Engines]]:
    """Make engines in processes of their own."""
    made: list[Engines] = []

    def make(*ends: tuple[int, str]) -> Engines:
        made.append(Engines(database_url, *([ends] if ends else [])))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def prepared(database: Database, document: str) -> Stand:
    """Put rules into a database that other engines are to work on."""
    server = Stand(database, iso(now_us()))
    server.apply(document)
    server.engine._turn.release()
    return server


def until(seen: Callable[[], object], wanted: object, look_after: Callable[[], None]) -> None:
    """Wait for something, and look after others meanwhile."""
    end = time.monotonic() + SECONDS
    while seen() != wanted:
        assert time.monotonic() < end, seen()
        look_after()
        time.sleep(0.05)


def waiting(database: Database) -> int:
    """Count what the engine has not looked at."""
    with database.read() as conn:
        return conn.execute(select(func.count()).select_from(fact)).scalar_one()


def consumed(database: Database) -> dict[str, Any]:
    """Give what each firing took, by its key, and the keys under which it is sent; no times of receipt in it."""
    with database.read() as conn:
        keys = {row.body: row.key for row in conn.execute(select(outbox.c.body, outbox.c.key))}
        sent = {json.loads(body)["firing"]["fire_key"]: key for body, key in keys.items()}
        assert len(sent) == len(keys)
        return {
            row.fire_key: (
                row.key,
                sent[row.fire_key],
                {each["id"]: [one["run_id"] for one in each["updates"]] for each in json.loads(row.consumed)},
            )
            for row in conn.execute(select(firing))
        }


def test_inputs_that_come_at_once_fire_once(database: Database, make_engines: Callable[..., Engines]) -> None:
    """Each in a transaction of its own, with two engines at work (prefect#20106, airflow#71070, kestra#14196)."""
    sources, times = 8, 6
    names = {f"t{number}": [f"t{number}_{source}" for source in range(sources)] for number in range(times)}
    latched = [{"id": id_, "when": {"all": inputs(*own)}, "join": LATCHED} for id_, own in names.items()]
    prepared(database, rules(one("warm", "warm"), *latched))
    engines = make_engines(*IMMORTAL)
    stop, ready = threading.Event(), threading.Barrier(sources)

    def project() -> None:
        projector = Projector(database, holder="projector")
        while not stop.is_set():
            projector.drain()
            time.sleep(0.001)

    def send(source: int) -> None:
        own = Database(database.url)
        for mine in names.values():
            ready.wait(SECONDS)
            feed(own, [wrote(mine[source], now_us(), mine[source])], now_us())
        own.close()

    threads = [threading.Thread(target=send, args=(source,)) for source in range(sources)]
    threads.append(threading.Thread(target=project))
    threads[-1].start()
    feed(database, [wrote("warm", now_us(), "warm")], now_us())
    until(lambda: len(fired(database)), 1, engines.look_after)
    for thread in threads[:-1]:
        thread.start()
    for thread in threads[:-1]:
        thread.join()
    until(lambda: len(fired(database)), times + 1, engines.look_after)
    until(lambda: waiting(database), 0, engines.look_after)
    stop.set()
    threads[-1].join()
    found = [each for each in fired(database) if each.trigger != "warm"]
    assert {each.trigger: set(each.consumed) for each in found} == {
        id_: set(own) for id_, own in names.items()
    }
    assert {len(runs) for each in found for runs in each.consumed.values()} == {1}
    assert {state for (_, _), state in standing(database).items()} == {"idle"}
    assert engines.deaths == 0


PARTITIONS = ("orders", "payments", "fx")
DAYS = [(date(2026, 10, 1) + timedelta(days=number)).isoformat() for number in range(16)]


def loads() -> list[Json]:
    """Give the events of all loads of all days, as they come to pass: the START alone says which day it is for."""
    found = []
    for number, day in enumerate(DAYS):
        for place, name in enumerate(PARTITIONS):
            at = instant(f"{day}T06:00Z") + place * MINUTE
            nominal = {"nominalTime": {"nominalStartTime": f"{day}T00:00:00Z"}}
            run = f"{name}{number}"
            found.append(wrote(name, at, run, kind="START", run_facets=nominal))
            found.append(wrote(name, at + MINUTE, run))
    return found


def test_twice_in_disorder_and_with_engines_killed_it_fires_as_in_order(
    database: Database,
    make_engines: Callable[..., Engines],
    tmp_path: Path,
    sqlite_template: Path,
) -> None:
    document = rules(
        {
            "id": "daily",
            "when": {"all": inputs(*PARTITIONS)},
            "join": {"mode": "partition", "key": {"from": ["nominal_time"], "grain": "day"}},
        }
    )
    events = loads()
    shutil.copyfile(sqlite_template, tmp_path / "in_order.db")
    in_order = Database(f"sqlite:///{tmp_path / 'in_order.db'}")
    server = Stand(in_order, "2026-11-22T06:00Z")
    server.apply(document)
    server.take_in(events)
    server.rest()
    wanted = consumed(in_order)
    assert sorted(key for key, _, _ in wanted.values()) == DAYS
    in_order.close()

    prepared(database, document)
    engines = make_engines()
    projector = Projector(database, holder="projector")
    chance = random.Random(22)
    twice = events * 2
    chance.shuffle(twice)
    for start in range(0, len(twice), 32):
        some, at = twice[start : start + 32], now_us()
        feed(database, some, at)
        projector.drain()
        # What is delivered again is left out; what a projector did before it died is done again.
        queue_again(database, [new_event(each, at) for each in some])
        projector.drain()
        until(lambda: waiting(database), 0, engines.look_after)
    assert consumed(database) == wanted
    assert engines.deaths >= 4
    assert {state for (_, _), state in standing(database).items()} == {"idle"}


# --- what comes while it fires -----------------------------------------------------------------------------------


def test_what_comes_in_the_round_of_a_firing_counts_for_the_next(stand: MakeStand) -> None:
    """dagster#33587, dagster#24650."""
    server = stand()
    both = {"all": inputs("orders", "payments")}
    server.apply(rules({"id": "both", "when": both, "join": LATCHED}))
    for name in ("orders", "payments", "orders", "orders", "payments"):
        update(server, name)
    server.rest()
    found = fired(server.database)
    assert [{id_: len(runs) for id_, runs in each.consumed.items()} for each in found] == [
        {"orders": 1, "payments": 1},
        {"orders": 2, "payments": 1},
    ]
    update(server, "orders")
    server.rest()
    assert standing(server.database) == {("both", ""): "waiting"}


def test_what_comes_between_the_decision_and_its_commit_counts_for_the_next(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = stand()
    both = {"all": inputs("orders", "payments")}
    server.apply(rules({"id": "both", "when": both, "join": LATCHED}))
    late = iter(("orders", "payments"))
    decide = server.engine._round

    def slowly(*given: Any) -> Any:
        found = decide(*given)
        if found.triggered.fired and (name := next(late, None)):
            update(server, name)
        return found

    monkeypatch.setattr(server.engine, "_round", slowly)
    update(server, "orders")
    update(server, "payments")
    server.rest()
    assert standing(server.database) == {("both", ""): "waiting"}
    update(server, "payments")
    server.rest()
    found = fired(server.database)
    assert [{id_: len(runs) for id_, runs in each.consumed.items()} for each in found] == [
        {"orders": 1, "payments": 1},
        {"orders": 1, "payments": 1},
    ]
    runs = [run for each in found for own in each.consumed.values() for run in own]
    assert len(set(runs)) == 4


@pytest.mark.parametrize("at_once", [False, True])
def test_what_comes_while_runs_go_on_fires_once_when_they_have_ended(stand: MakeStand, at_once: bool) -> None:
    """With all of it (airflow#56050, prefect#11199)."""
    server = stand()
    server.apply(rules(one(guard={"max_in_flight": 1, "lost_after": "4h"})))
    update(server)
    server.rest()
    deliver(server)
    (first,) = fired(server.database)
    for _ in range(5):
        update(server)
        if not at_once:
            server.rest()
    server.rest()
    assert len(fired(server.database)) == 1
    assert standing(server.database) == {("one", ""): "held"}
    parent = {"run": {"runId": first.id}, "job": {"namespace": "tidegate", "name": "one"}}
    server.restart()
    for kind in ("START", "COMPLETE"):
        server.now += MINUTE
        server.take_in(
            [
                run_event(
                    kind,
                    server.now,
                    "report",
                    str(uuid5(NAMESPACE_OID, "report")),
                    run_facets={"parent": parent},
                )
            ]
        )
        server.rest()
    again = fired(server.database)
    assert [len(each.consumed["orders"]) for each in again] == [1, 5]
    assert [each.state for each in again] == ["completed", "fired"]
    server.rest()
    assert len(fired(server.database)) == 2


# --- rules that change -------------------------------------------------------------------------------------------


def three(**more: Any) -> Json:
    names = more.pop("names", ("orders", "payments", "fx"))
    return {"id": "three", "when": {"all": inputs(*names)}, "join": LATCHED} | more


def half(server: Stand) -> None:
    """Let two of three come."""
    server.apply(rules(three()))
    update(server, "orders")
    update(server, "payments")
    server.rest()
    assert standing(server.database) == {("three", ""): "waiting"}


@pytest.mark.parametrize(
    ("again", "come"),
    [
        (rules(three()), ["fx"]),
        (rules(three(), one("other", "stock")), ["fx"]),
        (rules(three(timezone="Europe/Berlin", earliest="00:00")), ["fx"]),
        (rules(three(guard={"cooldown": "1h"}, do=[{"start": "hook", "body": {"new": True}}])), ["fx"]),
        (rules(three(names=("orders", "payments", "fx", "stock"))), ["fx", "stock"]),
        (rules(three(names=("payments", "fx"))), ["fx"]),
    ],
    ids=["the_same", "another_trigger", "zone_and_time", "guard_and_action", "one_more_input", "one_less"],
)
def test_what_has_come_stays_over_changes_of_rules(stand: MakeStand, again: str, come: list[str]) -> None:
    """dagster#33656, airflow#68732."""
    server = stand()
    half(server)
    server.apply(again)
    assert fired(server.database, "three") == []
    for name in come:
        assert len(fired(server.database, "three")) == 0
        update(server, name)
        server.rest()
    (found,) = fired(server.database, "three")
    assert all(len(runs) == 1 for runs in found.consumed.values())
    server.restart()
    server.rest()
    assert len(fired(server.database, "three")) == 1


def test_a_trigger_that_waits_for_less_now_fires_at_once(stand: MakeStand) -> None:
    server = stand()
    half(server)
    server.apply(rules(three(names=("orders", "payments"))))
    (found,) = fired(server.database)
    assert set(found.consumed) == {"orders", "payments"}


def test_joins_that_are_made_in_another_way_begin_anew_but_what_people_said_holds(stand: MakeStand) -> None:
    server = stand()
    half(server)
    server.ask("three", "pause")
    server.apply(rules(three(join={"mode": "window", "within": "1h"})))
    assert standing(server.database) == {}
    for name in ("fx", "orders", "payments"):
        update(server, name)
        server.rest()
    assert fired(server.database) == [], "it is paused"
    server.ask("three", "resume")
    (found,) = fired(server.database)
    assert {id_: len(runs) for id_, runs in found.consumed.items()} == {"orders": 1, "payments": 1, "fx": 1}


def test_a_partition_fires_again_though_its_join_was_forgotten(stand: MakeStand) -> None:
    """How often it fired is a part of the key of a firing, which must be another one each time."""
    server = stand()
    join = {"mode": "partition", "key": {"from": ["nominal_time"], "grain": "day"}}
    nominal = {"nominalTime": {"nominalStartTime": "2026-11-22T00:00:00Z"}}

    def load() -> None:
        server.now += MINUTE
        server.take_in([wrote("orders", server.now, f"orders{server.now}", run_facets=nominal)])
        server.rest()

    server.apply(rules(one(join=join)))
    load()
    load()
    server.apply(rules(one("other")))
    server.apply(rules(one(join=join)))
    for number in (3, 4, 5):
        load()
        assert len(fired(server.database, "one")) == number
    assert len(consumed(server.database)) == 5


def test_timers_live_on_over_unrelated_changes(stand: MakeStand) -> None:
    """airflow#68732."""
    server = stand("2026-11-22T06:00Z")
    debounced = one(guard={"debounce": {"quiet": "10m"}})
    server.apply(rules(debounced))
    update(server)
    server.rest()
    server.apply(rules(debounced, one("other", "stock")))
    server.restart()
    server.at("2026-11-22T06:09Z")
    assert fired(server.database) == []
    server.at("2026-11-22T06:11Z")
    assert len(fired(server.database)) == 1


# --- many ----------------------------------------------------------------------------------------------------------

MANY = 10_000


def test_a_trigger_with_many_that_are_ready_delays_no_other(stand: MakeStand) -> None:
    """airflow#49508."""
    server = stand()
    daily = {"mode": "partition", "key": {"from": ["nominal_time"], "grain": "day"}}
    server.apply(rules(one("busy", join=daily), one("quick", "stock")))
    now = server.now
    rows = []
    for number in range(MANY):
        day = (date(1999, 1, 1) + timedelta(days=number)).isoformat()
        state = State(now, 0, [came("orders", now + number, "db", partition=day, parts=(day,))])
        rows.append(Row("busy", day, Standing.WAITING, Kept(state), {"when": None}, joins.AT_ONCE, None))
    with server.database.write() as conn:
        joins.write(conn, rows, now)
    server.now += MINUTE
    for round_ in (1, 2):
        update(server, "stock")
        assert server.engine.step()
        assert len(fired(server.database, "quick")) == round_, "in the round in which it came"
        assert 0 < len(fired(server.database, "busy")) < MANY
    assert set(doings(server.database).values()) == {"queued"}
