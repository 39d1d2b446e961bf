"""Whoever asks to wait finds the event in the read API as soon as it is answered."""

from __future__ import annotations

import random

from tests.acceptance.connection import BATCH, Connection
from tests.acceptance.load import Load, make_event
from tests.acceptance.server import Server, running


def check_shown(connection: Connection, number: int, headers: dict[str, str]) -> None:
    """Send some events, one by one and together, and look for each at once."""
    rng = random.Random(number)
    for _ in range(10):
        sent, event = make_event(rng)
        reply = connection.post(event, headers=headers)
        assert reply.status == 201
        assert reply.json["projected"] is True
        shown = connection.look("/run", run_id=sent.run_id)
        assert shown["state"] == {"START": "RUNNING"}.get(sent.event_type, sent.event_type)
    made = [make_event(rng) for _ in range(100)]
    reply = connection.post([event for _, event in made], BATCH, headers)
    assert reply.json["projected"] is True
    for sent, _ in made[::9]:
        assert connection.look("/run", run_id=sent.run_id)["run_id"] == sent.run_id


def test_prefer_wait_waits(shared_server: Server, connection: Connection) -> None:
    check_shown(connection, 1, {"Prefer": "respond-async, wait=5"})


def test_every_answer_waits_if_the_server_is_told_so(database_url: str) -> None:
    with running(database_url, ack="projected") as server, Connection(server.port) as connection:
        check_shown(connection, 2, {})
        with Load(server.port, senders=4) as load:
            load.await_more(50)
            check_shown(connection, 3, {})
        assert load.wrong == []


def test_a_duplicate_is_shown_as_well(shared_server: Server, connection: Connection) -> None:
    sent, event = make_event(random.Random(4))
    replies = [connection.post(event, headers={"Prefer": "wait=5"}).json for _ in range(2)]
    assert [reply["duplicate"] for reply in replies] == [False, True]
    assert all(reply["projected"] for reply in replies)
    assert connection.look("/run", run_id=sent.run_id)["run_id"] == sent.run_id
