"""Leases: one holder at a time, a successor after the time is up."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from collector.ingest.projector import LEASE, Projector
from collector.storage.engine import Database
from collector.storage.leases import Lease, holder, holder_of, is_gone
from collector.times import now_us


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def test_one_holds_it_until_it_runs_out(database: Database) -> None:
    first = Lease(database, "projector", "first", ttl_us=10)
    second = Lease(database, "projector", "second", ttl_us=10)
    assert holder_of(database, "projector", now=0) is None
    assert first.acquire(now=100)
    assert first.acquire(now=101)
    assert not second.acquire(now=110)
    assert first.renew(now=105)
    assert not second.acquire(now=114)
    assert holder_of(database, "projector", now=114) == "first"
    assert holder_of(database, "projector", now=115) is None
    assert second.acquire(now=115)
    assert not first.renew(now=116)
    assert not first.acquire(now=116)


def test_releasing_lets_the_next_in_at_once_and_only_ones_own(database: Database) -> None:
    first = Lease(database, "projector", "first", ttl_us=10)
    second = Lease(database, "projector", "second", ttl_us=10)
    assert first.acquire(now=100)
    second.release()
    assert not second.acquire(now=101)
    first.release()
    assert not first.renew(now=101)
    assert second.acquire(now=101)


def test_names_are_apart(database: Database) -> None:
    assert Lease(database, "projector", "first", ttl_us=10).acquire(now=0)
    assert Lease(database, "engine", "second", ttl_us=10).acquire(now=0)


def test_of_many_that_come_at_once_one_gets_it(database: Database) -> None:
    barrier = threading.Barrier(8)
    got: list[str] = []

    def try_it(holder: str) -> None:
        barrier.wait()
        if Lease(database, "projector", holder, ttl_us=10).acquire(now=0):
            got.append(holder)

    threads = [threading.Thread(target=try_it, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert holder_of(database, "projector", now=0) == got[0]


def test_a_process_that_ended_is_gone_and_others_are_not() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    host = holder().split(":")[0]
    assert is_gone(f"{host}:{int(ended.stdout)}:abc")
    assert not is_gone(holder())
    assert not is_gone(f"elsewhere:{int(ended.stdout)}:abc")
    assert not is_gone("a name of another form")


def test_a_projector_follows_a_dead_one_at_once(database: Database) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    dead = f"{holder().split(':')[0]}:{int(ended.stdout)}:abc"
    assert Lease(database, LEASE, dead, ttl_us=3_600_000_000).acquire(now_us())
    assert Projector(database, holder=holder()).drain() == 0
    assert Lease(database, LEASE, "another machine:1:abc", ttl_us=3_600_000_000).acquire(now_us())
    assert Projector(database, holder=holder()).drain() is None
