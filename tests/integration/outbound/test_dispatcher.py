"""What becomes of messages whose receivers fail, and whom they hold up: nobody."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select

from collector.outbound.sending import Kind, Outcome
from collector.storage import outbox, rules, tables, turns
from collector.storage.outbox import State
from tests.integration.outbound.conftest import SECOND, SETTINGS, Office
from tests.receivers import HttpReceiver, answer, hang
from triggers.documents import Row

MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def keys(receiver: HttpReceiver) -> list[str]:
    return [request.headers["webhook-id"] for request in receiver.received]


def test_a_message_arrives_and_is_known_to_have(office: Office) -> None:
    with HttpReceiver() as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        office.put("hook", "a")
        assert office.step() == 1
        assert office.step(DAY) == 0

    assert keys(receiver) == ["a"]
    found = office.delivery("a")
    assert (found.state, found.attempts, found.error, found.next_at) == ("delivered", 1, None, None)
    (tried,) = office.tried("a")
    assert (tried.attempt, tried.outcome, tried.status) == (1, "delivered", 204)
    assert 0 < tried.took < SECOND


def test_what_failed_comes_again_later_and_is_the_same(office: Office) -> None:
    with HttpReceiver(answer(500, b"oops"), answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        assert office.step() == 1
        waits = office.delivery("a")
        assert (waits.state, waits.error) == ("pending", "answered 500: oops")
        assert office.step(4) == 0
        assert office.step(2) == 1

    first, second = receiver.received
    assert keys(receiver) == ["a", "a"]
    assert first.body == second.body
    assert office.states("a") == ["delivered"]
    assert [tried.outcome for tried in office.tried("a")] == ["retry", "delivered"]


def test_one_that_never_succeeds_is_dead_after_a_day_and_can_be_tried_by_hand(office: Office) -> None:
    with HttpReceiver(answer(500)) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        attempts = sum(office.step(10 * MINUTE) for _ in range(26 * 6))
        assert attempts == len(receiver.received)
        assert 8 <= attempts <= 11
        assert office.states("a") == ["dead"]

        receiver.now(answer(204))
        with office.database.write() as conn:
            assert outbox.retry(conn, office.now, target_id="hook") == 1
        assert office.step() == 1
    assert office.states("a") == ["delivered"]
    assert [tried.attempt for tried in office.tried("a")] == [*range(1, attempts + 1), 1]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422])
def test_what_is_refused_is_not_tried_again(office: Office, status: int) -> None:
    with HttpReceiver(answer(status, b"no"), answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        office.put("hook", "b")
        assert office.step(DAY) == 2
    assert office.states("a", "b") == ["dead", "delivered"]
    assert office.tried("a")[0].outcome == "refused"


def test_a_receiver_that_asks_for_a_pause_gets_it_and_the_others_do_not_wait(office: Office) -> None:
    with HttpReceiver(answer(429, Retry_After="90"), answer(200)) as busy, HttpReceiver() as other:
        office.target("busy", url=busy.url)
        office.target("other", url=other.url)
        for key in ("a", "b"):
            office.put("busy", key)
        assert office.step() == 1
        office.put("busy", "c")
        office.put("other", "d")
        assert office.step(80) == 1
        waits = office.receiver("busy")
        assert waits.wait_until is not None
        assert 88 * SECOND < waits.wait_until - (office.now - 80 * SECOND) < 92 * SECOND
        assert waits.reason == "answered 429"
        assert office.step(15) == 3
    assert keys(busy) == ["a", "b", "c", "a"]
    assert keys(other) == ["d"]
    assert office.receiver("busy").wait_until is None


def test_one_that_asks_for_a_pause_without_end_is_asked_again_in_an_hour(office: Office) -> None:
    with HttpReceiver(answer(503, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"), answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        assert [office.step(), office.step(HOUR - 10), office.step(20)] == [1, 0, 1]


def test_a_receiver_that_is_away_is_left_alone_ever_longer(office: Office) -> None:
    with HttpReceiver() as receiver:
        url = receiver.url
    office.target("hook", url=url)
    for number in range(10):
        office.put("hook", f"k{number}")
    attempts = [office.step(1) for _ in range(300)]
    # After 5, 20 and 45 seconds, then every minute: ten messages or one, it makes no difference.
    assert sum(attempts) == 7
    assert office.receiver("hook").counts["pending"] == 10


def test_gone_is_gone_until_somebody_enables_it(office: Office) -> None:
    with HttpReceiver(answer(410, b"moved away")) as receiver:
        office.target("hook", url=receiver.url)
        for key in ("a", "b"):
            office.put("hook", key)
        assert office.step() == 1
        assert office.states("a", "b") == ["dead", "dead"]
        office.put("hook", "c")
        assert office.step(HOUR) == 0
        assert office.delivery("c").error == "answered 410: moved away"
        assert office.states("c") == ["dead"]
        assert office.receiver("hook").disabled_at is not None

        receiver.now(answer(200))
        with office.database.write() as conn:
            assert outbox.enable(conn, "hook")
            assert outbox.retry(conn, office.now, target_id="hook") == 3
        assert office.step() == 3
    assert office.states("a", "b", "c") == ["delivered"] * 3


def test_a_changed_rule_enables_its_target(office: Office) -> None:
    with HttpReceiver(answer(410)) as gone, HttpReceiver() as here:
        office.target("hook", url=gone.url)
        office.put("hook", "a")
        office.step()
        office.now += SECOND
        office.target("other", url=here.url)
        office.put("hook", "b")
        assert office.step() == 0
        office.target("hook", url=here.url)
        office.put("hook", "c")
        assert office.step() == 1
    assert office.states("a", "b", "c") == ["dead", "dead", "delivered"]


def test_something_new_of_a_group_makes_what_waits_of_it_due(office: Office) -> None:
    with HttpReceiver(answer(500), answer(500), answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "fires", group="g")
        assert [office.step(), office.step(6), office.step(6)] == [1, 1, 0]
        office.put("hook", "resolved", group="g")
        assert office.step() == 2
    assert keys(receiver) == ["fires", "fires", "fires", "resolved"]


def test_the_end_of_a_group_waits_for_its_beginning(office: Office) -> None:
    with HttpReceiver(answer(500)) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "fires", group="g")
        office.put("hook", "resolved", group="g")
        for _ in range(10):
            office.step(MINUTE)
        assert set(keys(receiver)) == {"fires"}
        receiver.now(answer(200))
        office.step(30 * MINUTE)
    assert keys(receiver)[-2:] == ["fires", "resolved"]


def test_a_flood_for_one_holds_up_nobody_else(office: Office) -> None:
    with HttpReceiver() as flooded, HttpReceiver() as other:
        office.target("flooded", url=flooded.url)
        office.target("other", url=other.url)
        for number in range(50):
            office.put("flooded", f"k{number}")
        office.now += SECOND
        office.put("other", "a")
        assert office.dispatcher.step() == 2
        assert (len(flooded.received), len(other.received)) == (1, 1)


def test_more_targets_than_workers_take_turns(office: Office) -> None:
    dispatcher = office.another("small", settings=replace(SETTINGS, outbound_connections=1))
    with HttpReceiver() as receiver:
        for number in range(10):
            office.target(f"t{number}", url=receiver.url)
            for turn in range(3):
                office.put(f"t{number}", f"{turn}-{number}")
        while dispatcher.step():
            office.now += 1
    turns = [key.partition("-")[0] for key in keys(receiver)]
    # Those of four workers at once come in any order.
    assert turns[:8] == ["0"] * 8
    assert turns[-6:] == ["2"] * 6
    assert len(turns) == 30


def test_one_that_hangs_holds_up_nobody_else(office: Office) -> None:
    patient = replace(SETTINGS, outbound_timeout=20.0)
    stop = threading.Event()
    with HttpReceiver() as other, HttpReceiver(hang) as hanging:
        office.target("hanging", url=hanging.url)
        office.target("other", url=other.url)
        for number in range(20):
            office.put("hanging", f"k{number}")
        dispatcher = office.another("running", settings=patient, clock=lambda: time.time_ns() // 1000)
        thread = threading.Thread(target=dispatcher.run, args=(stop,))
        thread.start()
        try:
            until = time.monotonic() + 10
            while not hanging.received:
                assert time.monotonic() < until
                time.sleep(0.01)
            delays = []
            for number in range(20):
                began = time.monotonic()
                office.put("other", f"o{number}")
                while len(other.received) <= number:
                    assert time.monotonic() < until
                    time.sleep(0.001)
                delays.append(time.monotonic() - began)
        finally:
            stop.set()
            hanging.closing.set()
            thread.join()
        assert len(hanging.received) == 1
    assert sorted(delays)[10] < 0.25


def test_two_dispatchers_send_each_message_once(office: Office) -> None:
    dispatchers = [office.another(f"d{number}") for number in range(3)]
    with HttpReceiver() as receiver:
        for number in range(60):
            office.target(f"t{number % 6}", url=receiver.url)
            office.put(f"t{number % 6}", f"k{number}")

        def run(each: int) -> None:
            idle = 0
            while idle < 20:
                idle = 0 if dispatchers[each].step() else idle + 1

        threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(keys(receiver)) == sorted(f"k{number}" for number in range(60))


def test_what_somebody_has_taken_and_not_sent_is_sent_by_another_when_his_time_is_up(office: Office) -> None:
    with HttpReceiver() as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        office.put("hook", "b")
        with office.database.write() as conn:
            (taken,) = turns.claim(conn, "dead", office.now, 10 * SECOND, turns.ready(conn, office.now)).taken
        assert office.step(9) == 0
        assert office.step(2) == 2
        with office.database.write() as conn:
            late = turns.Attempt(office.now, 1, "retry", 500, "too late")
            again = turns.Record(taken, late, State.PENDING, next_at=office.now + DAY * SECOND)
            turns.record(conn, [again], office.now)
    assert keys(receiver) == ["a", "b"]
    assert office.states("a") == ["delivered"]
    assert [tried.outcome for tried in office.tried("a")] == ["unknown", "delivered", "retry"]
    assert office.tried("a")[0].error == turns.LOST


def test_what_is_cancelled_is_not_sent(office: Office) -> None:
    with HttpReceiver() as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        id_ = office.delivery("a").id
        with office.database.write() as conn:
            assert outbox.cancel(conn, [id_], office.now) == 1
            assert outbox.cancel(conn, [id_], office.now) == 0
        assert office.step(DAY) == 0
        with office.database.write() as conn:
            assert outbox.retry(conn, office.now, ids=[id_]) == 1
        assert office.step() == 1


def test_a_target_that_nobody_knows_is_told(office: Office) -> None:
    office.put("nobody-knows", "a")
    office.step()
    assert office.states("a") == ["dead"]
    assert office.delivery("a").error == "There is no target nobody-knows in the rules."
    assert office.receiver("nobody-knows").kind is None


def test_what_rules_may_not_refer_to_is_not_sent(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "the-password")
    with HttpReceiver() as receiver:
        # As it may be in the table from before the bounds were drawn.
        office.target("hook", url=receiver.url, headers={"authorization": "env:PGPASSWORD"})
        office.put("hook", "a")
        assert office.step() == 1
        assert receiver.received == []
    delivery = office.delivery("a")
    assert delivery.state == "dead"
    assert delivery.error == "Rules may not refer to env:PGPASSWORD; the setting secret_env can allow it."


def test_a_secret_that_is_missing_can_be_put_there(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpReceiver() as receiver:
        office.target("hook", url=receiver.url, secrets=["env:HOOK_SECRET"])
        office.put("hook", "a")
        office.step()
        assert office.delivery("a").error == "env:HOOK_SECRET is not set."
        monkeypatch.setenv("HOOK_SECRET", SECRET)
        assert office.step(6) == 1
    assert office.states("a") == ["delivered"]
    assert receiver.received[0].headers["webhook-signature"].startswith("v1,")


def test_what_no_database_keeps_stops_nobody(office: Office) -> None:
    with HttpReceiver(answer(400, b"\x00\xff\xed\xa0\x80")) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        office.step()
    assert office.states("a") == ["dead"]
    assert str(office.delivery("a").error).startswith("answered 400: \ufffd")


def test_what_nobody_expected_is_tried_again_and_stops_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Outcome:
        raise ZeroDivisionError(f"with {SECRET}")

    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setattr("collector.outbound.senders.SENDERS", {"webhook": broken})
    office.target("hook", url="https://hook.test/", secrets=["env:HOOK_SECRET"])
    office.put("hook", "a")
    office.step()
    assert office.delivery("a").error == "ZeroDivisionError: with …"
    assert office.states("a") == ["pending"]


def test_an_owner_has_a_target_in_the_map_of_owners(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpReceiver(answer(200)) as receiver:
        monkeypatch.setenv("OWNERS_CHAT", f"json://127.0.0.1:{receiver.port}/")
        body = {"timezone": "UTC", "owner_map": {"team:shop": "env:OWNERS_CHAT"}}
        with office.database.write() as conn:
            rules.replace(conn, [Row("alerting", "", body)], office.now)
        office.put("owner:team:shop", "a")
        assert office.step() == 1
    assert office.states("a") == ["delivered"]
    assert office.receiver("owner:team:shop").kind == "apprise"


def test_what_is_private_is_refused_at_once(office: Office) -> None:
    careful = office.another("careful", settings=replace(SETTINGS, outbound_allow=""))
    with HttpReceiver() as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        assert careful.step() == 1
    assert receiver.received == []
    assert office.states("a") == ["dead"]
    assert "the setting outbound_allow can allow it" in str(office.delivery("a").error)


def test_whoever_counts_is_told(office: Office) -> None:
    seen = []

    class Counter:
        def attempted(self, kind: str, outcome: str, seconds: float) -> None:
            seen.append((kind, outcome, seconds < 1))

    with HttpReceiver(answer(500)) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a", kind=Kind.TEST)
        office.put("none", "b")
        office.another("counting", observer=Counter()).step()
    assert sorted(seen) == [("none", "refused", True), ("webhook", "retry", True)]


def test_what_is_old_is_forgotten(office: Office) -> None:
    stop = threading.Event()
    stop.set()
    with HttpReceiver(answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        for key in ("old", "new"):
            office.put("hook", key)
            office.step(29 * DAY)
        office.put("hook", "waits")
    office.now += 2 * DAY * SECOND
    office.another("pruning").prune()
    with office.database.read() as conn:
        left = conn.execute(select(tables.outbox.c.key)).scalars().all()
        tried = conn.execute(select(tables.delivery)).all()
    assert sorted(left) == ["new", "waits"]
    assert len(tried) == 1
