"""Rules change, servers die, receivers are away: the watch goes on, nothing is lost, and nothing is told twice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from collector.storage.engine import Database
from collector.storage.leases import holder_of
from collector.times import now_us
from tests.acceptance.connection import Connection
from tests.acceptance.emitting import complete
from tests.acceptance.hook import Hook, await_that
from tests.acceptance.server import Server
from tests.acceptance.watching import expect, expectation, rows, servers, tell, write
from tests.events import NAMESPACE
from tests.postgres import PostgresServer
from tests.receivers import answer

LEASE_SECONDS = 15.0
"""After which an engine that does not answer is followed by another."""

QUIET_SECONDS = 2.0
"""In which what would be told twice is told twice."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    return folder


def standing(port: int, name: str) -> Any:
    """Give how a dataset stands; None: nothing is expected of it."""
    with Connection(port) as connection:
        return next(iter(connection.look("/freshness", namespace=NAMESPACE, name=name)["items"]), None)


def test_rules_change_while_the_server_runs(database_url: str, folder: Path) -> None:
    with Hook() as hook, servers(database_url, folder) as (server,):
        expect(folder, rows("orders"))
        tell(folder, hook)
        server.start()
        complete(server.port, "orders", rows=0)
        hook.await_told("orders")
        before = standing(server.port, "orders")

        # What is new takes effect, also for what came before; what was there stays as it stood.
        complete(server.port, "parcels", rows=0)
        expect(folder, rows("parcels"), rows("orders"))
        hook.await_told("parcels")
        assert standing(server.port, "orders") == before

        write(
            folder,
            "expectations.yaml",
            "version: 1\nexpectations:\n- {id: orders, dataset: {name: orders}}\n",
        )
        await_that(lambda: "rule files refused; the rules in force stay" in server.output)
        assert "expectations.yaml:3: $.expectations[0]: One of max_age, due, " in server.output
        complete(server.port, "parcels", rows=5)
        assert hook.await_told("parcels", 2)[1].kind == "resolved"
        assert len(hook.told("orders")) == 1

        expect(folder, rows("parcels"))
        # Of what nothing is expected any more, nothing is wrong any more.
        await_that(lambda: standing(server.port, "orders") is None)
        server.stop()


def test_what_is_to_be_told_outlives_the_server(database_url: str, folder: Path) -> None:
    with Hook(answer(503, Retry_After="3")) as hook, servers(database_url, folder) as (server,):
        expect(folder, rows("orders"), rows("parcels"))
        tell(folder, hook)
        server.start()
        complete(server.port, "orders", rows=0)
        (tried,) = hook.await_told("orders")
        complete(server.port, "parcels", rows=0)
        with Connection(server.port) as connection:
            # The second waits: the receiver wants to be left alone.
            await_that(lambda: len(connection.look("/deliveries", state="pending")["items"]) == 2)
        server.kill()
        hook.now(answer(204))
        server.start()
        again = hook.await_told("orders", 2)[1]
        assert (again.id, again.event) == (tried.id, tried.event)
        hook.await_told("parcels")
        time.sleep(QUIET_SECONDS)
        assert len(hook.told("orders")) == 2
        assert len(hook.told("parcels")) == 1
        server.stop()


def test_a_standby_takes_over_from_one_that_does_not_answer(
    shared_postgres: PostgresServer, postgres_template: str, folder: Path
) -> None:
    """Nobody can know of a machine that has stopped whether it is gone; what is killed is the easier case."""
    url = shared_postgres.create_database("standby", postgres_template)
    with Hook() as hook, servers(url, folder, 2) as both:
        expect(folder, rows("orders"), expectation("prices", max_age="4s"))
        tell(folder, hook)
        for server in both:
            server.start()
        (active,) = await_that(lambda: [each for each in both if is_active(url, each)])
        (standby,) = (each for each in both if each is not active)
        complete(standby.port, "orders", rows=0)
        hook.await_told("orders")
        complete(active.port, "prices", rows=1)
        await_that(lambda: standing(standby.port, "prices")["state"] == "fresh")
        ended = time.monotonic()
        os.killpg(active.pid, signal.SIGSTOP)
        (late,) = hook.await_told("prices", seconds=2 * LEASE_SECONDS)
        assert late.kind == "firing"
        assert late.at - ended < LEASE_SECONDS + 5
        assert is_active(url, standby)
        os.killpg(active.pid, signal.SIGCONT)
        time.sleep(QUIET_SECONDS)
        assert is_active(url, standby)
        assert len(hook.told("prices")) == len(hook.told("orders")) == 1
        complete(standby.port, "prices", rows=1)
        assert hook.await_told("prices", 2)[1].kind == "resolved"
        standby.stop()
        active.stop()


def is_active(database_url: str, server: Server) -> bool:
    """Tell whether a server has the engine that is at work."""
    database = Database(database_url)
    try:
        found = holder_of(database, "engine", now_us())
    finally:
        database.close()
    return found is not None and f":{server.pid}:" in found
