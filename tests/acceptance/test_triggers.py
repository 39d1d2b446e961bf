"""Triggers fire once for each key, and their target does once what they want, whatever dies meanwhile.

``TRIGGER_FIRINGS=10000 python -m pytest tests/acceptance/test_triggers.py --log-cli-level=INFO`` does so ten
thousand times on each database. That takes some fifteen minutes; it says how long it took, how often a server was
killed, and how often the target got something again.
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from collector.storage import tables
from collector.storage.engine import Database
from collector.storage.outbox import State
from lineage.model import run_key
from tests.acceptance.connection import Connection
from tests.acceptance.halves import SIDES, Half, Senders, badly_ordered, keys
from tests.acceptance.hook import await_that
from tests.acceptance.idempotent import Target
from tests.acceptance.server import Server
from tests.acceptance.watching import servers, write
from tests.events import NAMESPACE
from tests.fired import fired

FIRINGS = int(os.environ.get("TRIGGER_FIRINGS", "60"))

SERVERS = {"postgresql": 2, "sqlite": 1}

LONGEST_SECONDS = 4.0 + FIRINGS / 500
"""For which all servers live, before one is killed."""

LEAST_KILLS = 3

AFTER_SECONDS = 120.0
"""In which all must be there once all is sent: what a dispatcher had taken when it died is taken again when its lease
ends; and so much longer as it takes to catch up."""

log = logging.getLogger(__name__)

RULES = {
    "version": 1,
    "triggers": [
        {
            "id": "settle",
            "timezone": "UTC",
            "when": {
                "all": [{"id": side, "dataset": {"namespace": NAMESPACE, "name": side}} for side in SIDES]
            },
            "join": {
                "mode": "partition",
                "key": {"from": ["output_subset", "nominal_time"], "grain": "hour"},
                "expire": "1d",
            },
            "do": [{"id": "run", "start": "books", "body": {"hour": "{{ key }}"}}],
        }
    ],
}


@pytest.mark.slow
def test_each_key_fires_once_whatever_is_killed(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    number = SERVERS[database_url.partition(":")[0]]
    with (
        Target(FIRINGS, rng) as target,
        servers(database_url, folder, number, outbound_timeout=2) as running,
    ):
        write(folder, "rules.yaml", RULES | {"targets": {"books": {"kind": "webhook", "url": target.url}}})
        for server in running:
            server.start()
        await_that(lambda: are_followed(running[0]))
        begun = time.monotonic()
        senders = Senders(running, badly_ordered(FIRINGS, rng), FIRINGS, rng)
        senders.start()
        kills = 0
        while senders.busy or kills < LEAST_KILLS:
            time.sleep(rng.uniform(0, LONGEST_SECONDS))
            unlucky = rng.choice(running)
            unlucky.kill()
            unlucky.start()
            kills += 1
        assert senders.wrong == [], seed
        sent = time.monotonic() - begun
        await_that(
            lambda: len(target.times) >= FIRINGS and set(deliveries(database_url)) == {State.DELIVERED},
            AFTER_SECONDS + FIRINGS / 20,
            lambda: (seed, len(target.times), deliveries(database_url)),
        )
        took = time.monotonic() - begun
        for server in running:
            server.await_projected()
            server.stop()
    log.info(
        "%s: %d firings in %.0f s (sent in %.0f s), %d kills, %d repeats",
        database_url.partition(":")[0], FIRINGS, took, sent, kills, target.repeats,
    )  # fmt: skip
    check(database_url, target)


def check(database_url: str, target: Target) -> None:
    """See to it that each key fired once, on what was sent, and that the target knows of just that."""
    database = Database(database_url)
    try:
        found = fired(database)
        with database.read() as conn:
            event = tables.event
            starts = Counter(
                bytes(key)
                for key in conn.execute(
                    select(event.c.run_key).where(event.c.event_type == "START", event.c.run_key.is_not(None))
                ).scalars()
            )
            actions = conn.execute(select(tables.firing_action)).all()
    finally:
        database.close()
    assert sorted(each.key for each in found) == keys(FIRINGS)
    assert len({each.fire_key for each in found}) == FIRINGS
    for each in found:
        assert each.consumed == {side: [Half(each.key, side).run_id] for side in SIDES}
        assert each.state == "started"
    assert starts == {run_key(each.id): 1 for each in found}
    assert target.bodies.keys() == {each.outbox_key for each in actions}
    assert {key: bodies for key, bodies in target.bodies.items() if len(bodies) > 1} == {}
    told = [json.loads(*bodies)["data"] for bodies in target.bodies.values()]
    assert sorted((each["firing"]["id"], each["body"]["hour"]) for each in told) == sorted(
        (each.id, each.key) for each in found
    )


def deliveries(database_url: str) -> Counter[str]:
    """Count what is in the outbox by its state."""
    database = Database(database_url)
    try:
        with database.read() as conn:
            return Counter(conn.execute(select(tables.outbox.c.state)).scalars())
    finally:
        database.close()


def are_followed(server: Server) -> bool:
    """Tell whether the rules are in force."""
    with Connection(server.port) as connection:
        return bool(connection.look("/triggers")["items"])
