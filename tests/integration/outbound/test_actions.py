"""What triggers do: many things at once, the same at each attempt, or never twice; the engine is told how it ended."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from collector.outbound.dispatcher import AHEAD
from collector.storage import outbox, turns
from tests.exchanges import says
from tests.integration.outbound.conftest import SECOND, SETTINGS, Office
from tests.integration.outbound.test_crash import dispatch
from tests.receivers import Connection, HttpReceiver, Reply, answer, drop, hang

MINUTE = 60
DAY = 24 * 60 * MINUTE

DEPLOYMENT = says(200, {"id": "d1", "status": "READY"})
PARENT: dict[str, Any] = {"deployment": "etl/nightly"}

LEFT_ALONE = f"{turns.LOST} {turns.ONCE}"


def killing(running: list[subprocess.Popen[str]]) -> Reply:
    """Kill the sender, which has been heard and waits for an answer."""

    def kill(_connection: Connection) -> None:
        running[0].kill()
        running[0].wait()

    return kill


def killed(office: Office, running: list[subprocess.Popen[str]]) -> None:
    """Let somebody send what is due, and die of it."""
    running.append(dispatch(office))
    assert running[0].wait(60) == -signal.SIGKILL
    running[0].communicate()


def test_a_run_asked_for_by_one_who_died_is_asked_for_again_with_the_same_key(office: Office) -> None:
    running: list[subprocess.Popen[str]] = []
    created = says(201, {"id": "r1"})
    with HttpReceiver(DEPLOYMENT, killing(running), DEPLOYMENT, created) as receiver:
        office.target("flows", "prefect", url=f"http://127.0.0.1:{receiver.port}/api")
        office.act("flows", "k1", **PARENT)
        killed(office, running)
        assert office.step(34) == 0
        assert office.told() == []
        assert office.step(2) == 1

    posted = [json.loads(request.body) for request in receiver.received if request.method == "POST"]
    assert posted[0] == posted[1]
    assert posted[0]["idempotency_key"] == "k1"
    assert office.told() == ["k1"]
    found = office.delivery("k1")
    assert (found.kind, found.state) == ("action", "delivered")
    assert found.answer is not None
    assert found.answer["run_id"] == "r1"


def test_what_must_not_come_twice_is_not_sent_again_after_a_death(office: Office) -> None:
    running: list[subprocess.Popen[str]] = []
    with HttpReceiver(killing(running), answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        office.act("hook", "k1", once=True)
        killed(office, running)
        assert office.step(34) == 0
        assert office.step(2) == 0
        assert office.step(DAY) == 0
        assert len(receiver.received) == 1
        assert (office.delivery("k1").state, office.delivery("k1").error) == ("dead", LEFT_ALONE)
        assert office.told() == ["k1"]
        assert [(each.outcome, each.error) for each in office.tried("k1")] == [("unknown", turns.LOST)]

        with office.database.write() as conn:
            assert outbox.retry(conn, office.now, ids=[office.delivery("k1").id]) == 1
        assert office.told() == ["k1"]
        assert office.step() == 1
    assert receiver.received[1].headers["webhook-id"] == "k1"
    assert office.states("k1") == ["delivered"]
    assert office.told() == ["k1"]


@pytest.mark.parametrize("reply", [drop, hang, answer(500), answer(503, Retry_After="1"), answer(504)])
def test_what_must_not_come_twice_is_dead_if_it_may_have_arrived(
    office: Office, reply: Callable[..., None]
) -> None:
    with HttpReceiver(reply, answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        office.act("hook", "k1", once=True)
        assert office.step() == 1
        assert office.step(DAY) == 0
    found = office.delivery("k1")
    assert found.state == "dead"
    assert found.error is not None
    assert found.error.endswith(turns.ONCE)
    assert office.told() == ["k1"]


def test_what_must_not_come_twice_is_tried_again_if_it_did_not_arrive(office: Office) -> None:
    with HttpReceiver() as receiver:
        url = receiver.url
    office.target("hook", url=url)
    office.act("hook", "k1", once=True)
    assert office.step() == 1
    assert office.states("k1") == ["pending"]
    with HttpReceiver(answer(429), answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        assert office.step(10 * MINUTE) == 1
        assert office.states("k1") == ["pending"]
        assert office.step(10 * MINUTE) == 1
    assert office.states("k1") == ["delivered"]
    assert office.told() == ["k1"]


def test_what_must_not_come_twice_is_tried_again_if_only_a_look_up_failed(office: Office) -> None:
    created = says(201, {"id": "r1"})
    with HttpReceiver(answer(503), DEPLOYMENT, created) as receiver:
        office.target("flows", "prefect", url=f"http://127.0.0.1:{receiver.port}/api")
        office.act("flows", "k1", once=True, **PARENT)
        assert office.step() == 1
        assert office.states("k1") == ["pending"]
        assert office.step(10 * MINUTE) == 1
    assert office.states("k1") == ["delivered"]
    assert [request.method for request in receiver.received] == ["GET", "GET", "POST"]


def test_what_a_receiver_says_is_kept_without_what_no_database_keeps(office: Office) -> None:
    with HttpReceiver(answer(200, rb'{"run_id": "a\u0000b\ud800c"}')) as receiver:
        office.target("hook", url=receiver.url)
        office.act("hook", "k1")
        office.step()
    assert office.delivery("k1").answer == {"run_id": "a\ufffdb?c"}


def test_who_died_makes_nobody_wait_longer(office: Office) -> None:
    running: list[subprocess.Popen[str]] = []
    with HttpReceiver(killing(running), answer(500), answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        office.act("hook", "k1")
        killed(office, running)
        assert office.step(36) == 1
        # The pause after the first attempt that came to an end.
        assert office.step(6) == 1
    assert office.states("k1") == ["delivered"]


def test_the_engine_is_told_however_it_ends(office: Office) -> None:
    with HttpReceiver(answer(404)) as receiver:
        office.target("hook", url=receiver.url)
        office.act("hook", "refused")
        office.put("hook", "a-message")
        office.step()
        assert office.told() == ["refused"]

        office.act("hook", "given-up")
        with office.database.write() as conn:
            outbox.cancel(conn, [office.delivery("given-up").id], office.now)
        assert office.told() == ["given-up"]

        receiver.now(answer(410))
        office.act("hook", "gone")
        office.step()
        office.act("hook", "too-late")
        office.step()
        assert office.told() == ["gone", "too-late"]
        assert office.states("gone", "too-late") == ["dead", "dead"]

        with office.database.write() as conn:
            assert outbox.retry(conn, office.now, target_id="hook") == 4
        assert office.told() == ["gone", "refused", "too-late"]


class Counting:
    """Answers when it is told to, and knows how many wait for it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.most = 0
        self._lock = threading.Lock()
        self._now = 0

    def __call__(self, connection: Connection) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.go.wait(5)
        with self._lock:
            self._now -= 1
        answer(204)(connection)


def keys(receiver: HttpReceiver) -> list[str]:
    return [request.headers["webhook-id"] for request in receiver.received]


def test_as_many_are_under_way_as_there_are_connections_and_messages_keep_their_order(office: Office) -> None:
    counting = Counting()
    actions = [f"action-{number:02}" for number in range(40)]
    messages = [f"message-{number}" for number in range(5)]
    patient = replace(SETTINGS, outbound_connections=3, outbound_timeout=10.0)
    with HttpReceiver(counting) as receiver:
        office.target("hook", url=receiver.url)
        for key in messages:
            office.put("hook", key, group="the same")
        office.act("hook", *actions)
        dispatcher = office.another("three", settings=patient)
        threading.Timer(0.5, counting.go.set).start()
        while dispatcher.step():
            pass
    assert counting.most == 3
    assert sorted(keys(receiver)) == sorted(actions + messages)
    assert [key for key in keys(receiver) if key in messages] == messages
    assert office.told() == actions


def test_a_receiver_in_trouble_is_left_alone_with_all_that_waits_for_it(office: Office) -> None:
    waits = [f"k{number}" for number in range(2 * AHEAD * SETTINGS.outbound_connections)]
    with HttpReceiver(answer(429, Retry_After="60")) as receiver:
        office.target("hook", url=receiver.url)
        office.act("hook", *waits)
        assert office.dispatcher.step() > SETTINGS.outbound_connections
        asked = len(receiver.received)
        assert asked <= SETTINGS.outbound_connections
        assert office.step(50) == 0
        untouched = [key for key in waits if not office.tried(key)]
        assert len(untouched) == len(waits) - asked
        assert {office.delivery(key).attempts for key in untouched} == {0}
        receiver.now(answer(204))
        office.step(MINUTE)
        office.step(MINUTE)
    assert set(office.states(*waits)) == {"delivered"}
    assert {len(office.tried(key)) for key in untouched} == {1}


def test_what_arrived_while_another_heard_that_the_receiver_is_gone_has_arrived(office: Office) -> None:
    counting = Counting()
    with HttpReceiver(counting, answer(410)) as receiver:
        office.target("hook", url=receiver.url)
        office.act("hook", "k1", "k2")
        stop = threading.Event()
        patient = replace(SETTINGS, outbound_timeout=10.0)
        thread = threading.Thread(target=office.another("running", settings=patient).run, args=(stop,))
        thread.start()
        try:
            until = time.monotonic() + 20
            while office.states("k1", "k2").count("dead") < 2:
                assert time.monotonic() < until
                time.sleep(0.01)
            counting.go.set()
        finally:
            stop.set()
            thread.join()
    assert sorted(office.states("k1", "k2")) == ["dead", "delivered"]


def test_actions_for_one_that_hangs_hold_up_nobody_else(office: Office) -> None:
    patient = replace(SETTINGS, outbound_timeout=20.0)
    stop = threading.Event()
    with HttpReceiver(hang) as hanging, HttpReceiver() as other:
        office.target("hanging", url=hanging.url)
        office.target("other", url=other.url)
        office.act("hanging", *(f"h{number}" for number in range(200)))
        office.now += SECOND
        office.act("other", *(f"o{number}" for number in range(50)))
        thread = threading.Thread(target=office.another("running", settings=patient).run, args=(stop,))
        thread.start()
        try:
            until = time.monotonic() + 15
            while len(other.received) < 50:
                assert time.monotonic() < until
                time.sleep(0.01)
        finally:
            stop.set()
            hanging.closing.set()
            thread.join()
        assert len(hanging.received) <= SETTINGS.outbound_connections
        waiting = office.receiver("hanging").counts["pending"]
    assert waiting == 200
