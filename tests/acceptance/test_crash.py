"""The server killed at any moment keeps what it has acknowledged, once, and goes on where it was."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

from collector.storage.migrate import upgrade
from tests.acceptance.load import Load, send_again
from tests.acceptance.log import check_log, check_projection
from tests.acceptance.server import Server, running
from tests.postgres import PostgresServer

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "3"))
"""Kills on each database, each way once; more of them find rarer moments."""

LONGEST_SECONDS = 1.0
"""Of load, before the server is killed: long enough for commits, projecting and idling to be met."""


def killed_workers(server: Server, load: Load) -> None:
    """Kill those that speak HTTP: the server must go on by itself. Then everything."""
    server.kill_workers()
    load.await_more()
    server.kill()


WAYS: tuple[Callable[[Server, Load], None], ...] = (
    lambda server, load: server.kill(),
    lambda server, load: server.kill_parent(),
    killed_workers,
)


def test_a_killed_server_keeps_what_it_acknowledged(database_url: str) -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    server = Server(database_url)
    loads: list[Load] = []
    try:
        for number in range(ROUNDS):
            server.start()
            with Load(server.port, seed=seed + number) as load:
                load.await_more(1)
                time.sleep(rng.uniform(0, LONGEST_SECONDS))
                WAYS[number % len(WAYS)](server, load)
            assert load.wrong == [], seed
            loads.append(load)
            check_log(database_url, set().union(*(load.acknowledged for load in loads)))
        server.start()
        for load in loads:
            send_again(server.port, load)
        server.await_projected()
        server.stop()
        check_log(database_url, set().union(*(load.acknowledged for load in loads)))
        check_projection(database_url)
    finally:
        server.close()


def test_a_stopped_server_keeps_what_it_acknowledged_and_ends_in_order(database_url: str) -> None:
    with running(database_url) as server, Load(server.port) as load:
        load.await_more(300)
        server.stop()
        server.start()
        load.await_more(100)
    assert load.wrong == []
    check_log(database_url, load.acknowledged)


def test_a_server_outlives_a_crash_of_its_database(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("events")
    upgrade(url)
    with running(url) as server, Load(server.port) as load:
        load.await_more(200)
        postgres_server.stop("immediate")
        load.await_that(lambda: load.statuses[503] > 10)
        postgres_server.start()
        load.await_more(200)
        load.__exit__(None, None, None)
        assert load.wrong == []
        send_again(server.port, load)
        server.await_projected()
    check_log(url, load.acknowledged)
    check_projection(url)
