"""What the engine makes of times in which nobody took events in, and of clocks that are set back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, delete

from collector.errors import DatabaseUnavailable
from collector.ingest.rebuild import rebuild
from collector.storage.tables import dataset_update
from tests.events import HOUR, MINUTE, NAMESPACE, run_event
from tests.stand import Stand, instant

RULES = f"""
version: 1
targets:
  chat: {{kind: webhook, url: "https://chat.example.org/hook", secrets: ["env:HOOK"]}}
expectations:
  - id: orders
    dataset: {{namespace: "{NAMESPACE}", name: orders}}
    due: {{at: "07:00", accept_from: 12h}}
    grace: {{late: 20m}}
alerting:
  group_wait: 0s
  routes: [{{to: [chat]}}]
"""

MakeStand = Callable[..., Stand]


def loaded(stand: MakeStand, **options: int) -> Stand:
    """Give a stand with the data of the day before."""
    here = stand("2026-11-21T06:30Z", **options)
    here.apply(RULES)
    here.run("load", ["orders"])
    here.at("2026-11-21T06:31Z")
    return here


def test_a_second_restart_does_not_cut_the_settling_short(stand: MakeStand) -> None:
    here = loaded(stand, settle=2 * MINUTE)
    here.at("2026-11-22T06:00Z")
    here.now = instant("2026-11-22T09:00Z")
    here.restart()
    here.at("2026-11-22T09:00:10Z")
    here.now = instant("2026-11-22T09:00:12Z")
    here.restart()
    here.at("2026-11-22T09:00:30Z")
    assert here.states() == {"orders": "fresh"}, "the emitter may still send what it kept"
    here.now = instant("2026-11-22T09:01Z")
    here.run("load", ["orders"], at=instant("2026-11-22T06:50Z"))
    here.at("2026-11-22T09:05Z")
    assert here.states() == {"orders": "fresh"}
    assert [item.rule for message in here.messages() for item in message.alerts] == ["engine.outage"]


def test_nor_does_a_restart_that_takes_a_while(stand: MakeStand) -> None:
    here = loaded(stand, settle=2 * MINUTE, lag=24 * HOUR)
    here.at("2026-11-22T06:00Z")
    here.now = instant("2026-11-22T09:00Z")
    here.restart()
    here.now = instant("2026-11-22T09:00:10Z")
    here.rest()
    here.now = instant("2026-11-22T09:01Z")
    here.restart()
    here.at("2026-11-22T09:02:30Z")
    assert here.states() == {"orders": "fresh"}
    here.at("2026-11-22T09:03:10Z")
    assert here.states() == {"orders": "late"}


def test_an_outage_that_was_told_is_not_told_again_after_a_restart(stand: MakeStand) -> None:
    here = loaded(stand, settle=MINUTE)
    here.run("load", ["orders"])
    here.at("2026-11-21T08:00Z")
    here.now = instant("2026-11-21T09:00Z")
    here.restart()
    here.at("2026-11-21T09:02Z")
    assert [message.reason for message in here.messages()] == ["first"]
    here.restart()
    for minute in range(3, 20):
        here.at(f"2026-11-21T09:{minute:02}Z")
    assert [message.reason for message in here.messages()] == ["first"]


def test_while_the_database_is_away_nobody_takes_events_in(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = loaded(stand, settle=2 * MINUTE, lag=24 * HOUR)
    here.at("2026-11-22T06:59Z")
    away = threading.Event()

    @contextmanager
    def read(timeout: float | None = None) -> Iterator[Connection]:
        if away.is_set():
            raise DatabaseUnavailable
        with reading(timeout) as conn:
            yield conn

    reading = here.database.read
    monkeypatch.setattr(here.database, "read", read)
    stop = threading.Event()
    engine = threading.Thread(target=here.engine.run, args=(stop,))
    away.set()
    engine.start()
    time.sleep(0.2)
    here.now = instant("2026-11-22T08:00Z")
    away.clear()
    time.sleep(1.5)
    assert here.states() == {"orders": "fresh"}
    stop.set()
    engine.join()
    here.run("load", ["orders"], at=instant("2026-11-22T07:01Z"))
    here.engine.take()
    here.at("2026-11-22T08:05Z")
    assert here.states() == {"orders": "fresh"}
    assert here.messages() == []


def test_a_clock_that_was_ahead_and_is_set_back(stand: MakeStand) -> None:
    here = loaded(stand)
    here.at("2026-11-23T12:00Z")
    assert here.states() == {"orders": "missed"}
    here.at("2026-11-21T12:00Z")
    assert here.states() == {"orders": "fresh"}
    here.at("2026-11-21T12:06Z")
    here.at("2026-11-22T06:50Z")
    here.run("load", ["orders"])
    here.at("2026-11-22T07:30Z")
    assert here.states() == {"orders": "fresh"}
    here.at("2026-11-23T07:21Z")
    assert here.states() == {"orders": "late"}


def test_a_server_that_starts_with_its_clock_ahead_is_not_blind_when_it_is_set_back(stand: MakeStand) -> None:
    here = loaded(stand, settle=2 * MINUTE, lag=240 * HOUR)
    here.at("2026-11-22T06:00Z")
    here.now = instant("2026-11-25T00:00Z")
    here.restart()
    here.rest()
    here.at("2026-11-22T06:01Z")
    here.at("2026-11-22T07:20:01Z")
    assert here.states() == {"orders": "late"}


def test_events_that_never_stop_coming_do_not_hold_deadlines_up(stand: MakeStand) -> None:
    here = loaded(stand)
    here.now = instant("2026-11-22T07:19:50Z")
    for second in range(30):
        here.now += 1_000_000
        # There is always one that waits; it came a second ago.
        here.take_in([run_event("COMPLETE", here.now, f"job{second}", outputs=["clicks"])], project=False)
        here.now += 900_000
        here.rest()
        here.projector.drain()
        here.take_in([run_event("COMPLETE", here.now, f"job_{second}", outputs=["clicks"])], project=False)
    assert here.states() == {"orders": "late"}
    assert [message.title for message in here.messages()] == ["[WARNING] orders is late"]


def test_rules_that_come_to_a_log_that_is_full_already(stand: MakeStand) -> None:
    here = stand("2026-11-22T06:30Z")
    bodies = [
        run_event(
            "COMPLETE",
            instant(f"2026-11-{day}T06:30Z"),
            "load",
            f"01980000-0000-7000-8000-0000000000{day}",
            outputs=["orders"],
        )
        for day in range(10, 23)
    ]
    here.take_in(bodies, project=False)
    here.now += MINUTE
    here.apply(RULES)
    assert list(here.states().values()) == ["unknown"]
    here.projector.drain()
    here.rest()
    assert here.states() == {"orders": "fresh"}
    assert here.messages() == []


def test_a_rebuild_that_changes_the_catalog_makes_all_be_looked_at_again(stand: MakeStand) -> None:
    here = loaded(stand)
    here.at("2026-11-22T06:50Z")
    here.run("load", ["orders"])
    with here.database.write() as conn:
        # As if a mistake of an earlier version had lost it.
        conn.execute(delete(dataset_update).where(dataset_update.c.event_time > instant("2026-11-22T00:00Z")))
    here.at("2026-11-22T07:30Z")
    assert here.states() == {"orders": "late"}
    rebuild(here.database, "test")
    here.rest()
    assert here.states() == {"orders": "fresh"}
    here.at("2026-11-22T07:36Z")
    assert [message.status for message in here.messages()] == ["firing", "resolved"]
