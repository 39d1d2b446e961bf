"""Triggers and firings over HTTP, and what people ask of triggers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import joins, keys, outbox
from collector.storage.engine import Database
from collector.storage.firings import Progress
from collector.times import iso, now_us
from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.events import dataset
from tests.integration.api.conftest import Get, Writing
from tests.stand import Stand
from tests.triggered import RUN_ID, TODAY, Triggered, came, does, waits_for
from tests.unit.triggers.joining import World
from triggers.evaluation import Passed, Verdict
from triggers.holds import Hold

V2 = "/api/v2"

ONE: dict[str, Any] = {
    "timezone": "UTC",
    "when": {"id": "orders", "dataset": {"namespace": "shop", "name": "orders"}},
}
EPOCH: dict[str, Any] = {"join": {"mode": "epoch", "schedule": "0 4 * * *"}}


def have(writing: Writing, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Have ``build-finance``: of today orders have come, of yesterday payments."""
    body = body or waits_for("orders", "payments")
    with writing() as catalog:
        triggered = Triggered(catalog.conn)
        triggered.trigger("build-finance", body)
        yesterday = came("payments", NOON - 20 * HOUR, parts=("2026-11-21",), partition="2026-11-21")
        triggered.joined("build-finance", body, [yesterday], "2026-11-21", NOON - 19 * HOUR)
        triggered.joined("build-finance", body, [came("orders")])
    return body


def test_triggers_say_how_they_stand_and_what_they_wait_for(get: Get, writing: Writing) -> None:
    have(writing)
    with writing() as catalog:
        triggered = Triggered(catalog.conn, World(held=lambda state, at: [Hold("cooldown", NOON + HOUR)]))
        triggered.trigger("held", ONE)
        triggered.joined("held", ONE, [came("orders")], "")
        gate = {"require": {"assertions": {"min_count": 1}}}
        checked = ONE | {"when": ONE["when"] | gate}
        refuses = World(gates=lambda arrived, at: Passed(Verdict.FAILED, "unique failed"))
        triggered = Triggered(catalog.conn, refuses)
        triggered.trigger("blocked", checked, unkeyed=2, unkeyed_at=NOON)
        triggered.joined("blocked", checked, [came("orders")], "")
        triggered.trigger("paused", ONE, paused_at=NOON, paused_by="anna", paused_reason="move")
        triggered.trigger("broken", ONE, broken_at=NOON)
        triggered.trigger("idle", ONE, failing_since=NOON, failing="What it started is failed: disk full")
        triggered.fired("idle", [came("orders")], "", NOON, Progress.FAILED, error="disk full")
        triggered.fired("idle", [came("orders")], "", NOON - HOUR)

    found = {item["id"]: item for item in get("/triggers")["items"]}
    assert {id_: item["state"] for id_, item in found.items()} == {
        "blocked": "blocked",
        "broken": "broken",
        "build-finance": "waiting",
        "held": "held",
        "idle": "idle",
        "paused": "paused",
    }
    finance = found["build-finance"]
    # The one that has waited longest is the one to look at.
    assert (finance["join"]["key"], finance["waits_for"]) == ("2026-11-21", ["orders"])
    assert finance["joins"] == {"waiting": 2}
    assert finance["sentence"].startswith("build-finance (2026-11-21) waits for orders: orders has not come;")
    assert found["held"]["join"]["holds"] == [
        {"by": "cooldown", "until": "2026-11-22T13:00:00.000000Z", "text": None}
    ]
    assert found["held"]["sentence"].endswith("it has fired a short while ago, until 2026-11-22 13:00.")
    assert "but unique failed" in found["blocked"]["sentence"]
    assert "2 updates did not say which partition" in found["blocked"]["sentence"]
    assert "paused since 2026-11-22 12:00 by anna: move" in found["paused"]["sentence"]
    assert "fired too often" in found["broken"]["sentence"]
    assert (found["idle"]["last_firing"]["state"], found["idle"]["last_firing"]["error"]) == (
        "failed",
        "disk full",
    )
    assert found["idle"]["waits_for"] == ["orders"]
    assert "Its firings fail since 2026-11-22 12:00" in found["idle"]["sentence"]

    assert [item["id"] for item in get("/triggers", state=["held", "paused"])["items"]] == ["held", "paused"]
    first = get("/triggers", limit=4)
    rest = get("/triggers", limit=4, cursor=first["next_cursor"])
    assert [item["id"] for item in first["items"] + rest["items"]] == sorted(found)


def test_a_trigger_shows_what_came_key_by_key(get: Get, client: FlaskClient, writing: Writing) -> None:
    have(writing)
    with writing() as catalog:
        catalog.dataset("orders")
        Triggered(catalog.conn).fired("build-finance", [came("orders")], "2026-11-20", NOON - 40 * HOUR)
    shown = get("/triggers/build-finance")
    assert shown["definition"]["join"]["mode"] == "partition"
    assert [(each["id"], each["bound"], each["datasets"]) for each in shown["inputs"]] == [
        ("orders", 1, [{"namespace": "shop", "name": "orders"}]),
        ("payments", 1, [{"namespace": "shop", "name": "payments"}]),
    ]
    assert [each["key"] for each in shown["open_joins"]] == [TODAY, "2026-11-21"]
    assert [each["key"] for each in shown["firings"]] == ["2026-11-20"]
    orders, payments = shown["open_joins"][0]["evaluation"]["of"]
    assert (orders["met"], orders["latest"]["run_id"], orders["latest"]["rows"]) == (True, RUN_ID, 1200)
    assert (payments["met"], payments["missing"]) == (False, "an update")

    first = get("/triggers/build-finance/joins", limit=1)
    second = get("/triggers/build-finance/joins", limit=1, cursor=first["next_cursor"])
    assert [page["items"][0]["key"] for page in (first, second)] == [TODAY, "2026-11-21"]
    assert second["next_cursor"] is None
    assert [each["key"] for each in get("/triggers/build-finance/joins", key=TODAY)["items"]] == [TODAY]
    assert get("/triggers/build-finance/joins", state="done")["items"] == []

    wrong = client.get(f"{V2}/triggers/build-finanse")
    assert (wrong.status_code, wrong.get_json()["detail"]) == (
        404,
        "There is no trigger 'build-finanse'; did you mean 'build-finance'?",
    )
    with writing() as catalog:
        Triggered(catalog.conn).trigger("team:finance.v2", ONE)
    assert get("/triggers/team:finance.v2")["state"] == "idle"


def test_why_walks_upstream_of_what_is_missing(get: Get, client: FlaskClient, writing: Writing) -> None:
    have(writing)
    with writing() as catalog:
        payments, raw = catalog.dataset("payments"), catalog.dataset("raw")
        load, extract = catalog.job("load_payments"), catalog.job("extract")
        catalog.edge(load, payments, Direction.OUTPUT)
        catalog.edge(load, raw, Direction.INPUT)
        catalog.edge(extract, raw, Direction.OUTPUT)
        catalog.update(payments, catalog.run(load, "p1", NOON - 24 * HOUR), NOON - 24 * HOUR)
        catalog.run(load, "p2", NOON - HOUR, state="RUNNING")
        catalog.run(extract, "e1", NOON - 2 * HOUR, state="FAIL", ended_at=NOON - 2 * HOUR, error="disk full")
    told = get("/triggers/build-finance/why", key=TODAY)
    assert [join["key"] for join in told["joins"]] == [TODAY, "2026-11-21"]
    (missing,) = told["missing"]
    assert missing["node"] == "dataset:shop:payments"
    assert missing["last_update"]["event_time"] == "2026-11-21T12:00:00.000000Z"
    assert [run["run_id"] for run in missing["running"]] == ["p2"]
    assert missing["upstream"]["causes"][0]["node"] == "job:shop:extract"
    assert told["sentence"].startswith(
        "build-finance (2026-11-22) waits for payments: orders came 2026-11-22 11:00 from run "
        f"{RUN_ID} of shop:load; payments has not come. "
    )
    assert "Upstream, shop:load_payments runs since 2026-11-22 11:00. First in line: " in told["sentence"]
    # What is asked first is yesterday's: of it orders are missing, which no event has named.
    (missing,) = get("/triggers/build-finance/why")["missing"]
    assert (missing["sentence"], missing["upstream"]) == ("No event has named orders yet.", None)
    assert client.get(f"{V2}/triggers/build-finance/why?key=2020-01-01").status_code == 404


def test_firings_are_listed_and_shown_with_all_that_came_of_them(get: Get, writing: Writing) -> None:
    have(writing)
    with writing() as catalog:
        catalog.run(catalog.job("nightly", "prefect"), "f1", NOON, state="RUNNING")
        triggered = Triggered(catalog.conn)
        handle = '{"run_id": "f1", "url": "https://prefect.test/f1"}'
        known = {"run_id": "f1", "job_namespace": "prefect", "job_name": "nightly", "handle": handle}
        run = does("run", Progress.RUNNING, **known)
        tell = does("tell", Progress.WAITING, starts=False, position=1, outbox_key="later")
        fired = triggered.fired(
            "build-finance", [came("orders"), came("payments")], TODAY, NOON, Progress.RUNNING, run, tell
        )
        old = triggered.fired("build-finance", [came("orders")], "2026-11-20", NOON - 48 * HOUR)
        other = triggered.fired("gone", [], "", NOON - HOUR, Progress.LOST)

    assert [item["id"] for item in get("/firings")["items"]] == [fired, other, old]
    for wanted, ids in (
        ({"trigger": "build-finance"}, [fired, old]),
        ({"state": ["lost", "running"]}, [fired, other]),
        ({"key": TODAY}, [fired]),
        ({"since": "2026-11-22T11:00:00Z", "until": "2026-11-22T12:00:00Z"}, [other]),
    ):
        assert [item["id"] for item in get("/firings", **wanted)["items"]] == ids, wanted
    first = get("/firings", limit=2)
    assert [item["id"] for item in get("/firings", limit=2, cursor=first["next_cursor"])["items"]] == [old]

    shown = get(f"/firings/{fired}")
    assert (shown["trigger"], shown["key"], shown["cause"], shown["state"]) == (
        "build-finance",
        TODAY,
        "data",
        "running",
    )
    assert [(each["id"], each["hidden"], len(each["updates"])) for each in shown["inputs"]] == [
        ("orders", False, 1),
        ("payments", False, 1),
    ]
    assert shown["chain"] == ["build-finance"]
    started, told = shown["actions"]
    assert started["run"] == {
        "run_id": "f1",
        "job": {"namespace": "prefect", "name": "nightly"},
        "state": "RUNNING",
    }
    assert (started["url"], started["delivery"]["state"]) == ("https://prefect.test/f1", "pending")
    assert (told["state"], told["run"], told["url"]) == ("waiting", None, None)


def test_what_could_not_be_sent_is_sent_again(
    get: Get, client: FlaskClient, writing: Writing, database: Database
) -> None:
    with writing() as catalog:
        triggered = Triggered(catalog.conn)
        triggered.trigger("t", ONE)
        fired = triggered.fired("t", [came("orders")], "", NOON, Progress.FAILED, does(state=Progress.DEAD))
    nothing = client.post(f"{V2}/firings/{fired}/retry", json={})
    assert (nothing.status_code, nothing.get_json()["detail"]) == (
        422,
        f"Nothing of the firing {fired} was given up.",
    )
    with database.write() as conn:
        outbox.cancel(conn, [1], NOON)
    again = client.post(f"{V2}/firings/{fired}/retry", json={}).get_json()
    assert again["actions"][0]["delivery"]["state"] == "pending"
    assert client.post(f"{V2}/firings/none/retry", json={}).status_code == 404


@contextmanager
def answering(database: Database) -> Iterator[list[joins.Request]]:
    """Take requests out as the engine does, in another thread; give what was asked."""
    stop, found = threading.Event(), list[joins.Request]()

    def work() -> None:
        while not stop.wait(0.01):
            with database.write() as conn:
                asked = joins.requests(conn)
                for each in asked:
                    if each.kind == "fire":
                        assert each.key is not None
                        Triggered(conn).fired_by_hand(each.trigger_id, each.key, each.nonce, each.by)
                joins.answer(conn, asked)
                found.extend(asked)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def test_people_ask_and_the_engine_answers(
    get: Get, client: FlaskClient, writing: Writing, database: Database
) -> None:
    have(writing)

    def ask(what: str, **body: Any) -> Any:
        response = client.post(f"{V2}/triggers/build-finance/{what}", json={"by": "anna", **body})
        assert response.status_code == 200, response.text
        return response.get_json()

    with answering(database) as asked:
        fired = ask("fire", key=TODAY, wait=10)
        assert (fired["done"], fired["key"], fired["kind"]) == (True, TODAY, "fire")
        assert get(f"/firings/{fired['firing']}")["by"] == "anna"
        assert ask("fire", key=TODAY, wait=10)["firing"] != fired["firing"]
        for what in ("pause", "resume", "reset"):
            done = ask(what, reason="move", wait=10)
            assert done == {
                "trigger": "build-finance",
                "kind": what,
                "key": None,
                "firing": None,
                "done": True,
            }
        assert ask("reset", key="20261121", wait=10)["key"] == "2026-11-21"
    assert [(each.kind, each.key, each.by, each.reason) for each in asked[2:]] == [
        ("pause", None, "anna", "move"),
        ("resume", None, "anna", "move"),
        ("reset", None, "anna", "move"),
        ("reset", "2026-11-21", "anna", None),
    ]
    # Nobody does it: it stays for whoever comes.
    assert ask("fire", key=TODAY, wait=0)["done"] is False
    with database.read() as conn:
        assert [each.kind for each in joins.requests(conn)] == ["fire"]


@pytest.mark.parametrize(
    ("body", "given", "key"),
    [
        (ONE, None, ""), (ONE, "2026-11-22", 422), (EPOCH, "2026-11-22T04:00:00Z", "2026-11-22T04:00:00.000000Z"),
        (EPOCH, "2026-11-22T05:00:00Z", 422), (EPOCH, "four", 422), ({}, None, 422), ({}, "yesterday", 422),
        ({}, "dt=2026-11-19", "2026-11-19"),
    ],
)  # fmt: skip
def test_the_join_that_fires_by_hand_is_named_as_people_do(
    client: FlaskClient, writing: Writing, body: dict[str, Any], given: str | None, key: str | int
) -> None:
    have(writing, waits_for("orders", "payments") | body if body is not ONE else ONE)
    asked = {"by": "anna", "wait": 0} | ({} if given is None else {"key": given})
    response = client.post(f"{V2}/triggers/build-finance/fire", json=asked)
    if isinstance(key, int):
        assert response.status_code == key
        assert response.get_json()["errors"][0]["path"] == "$.key"
    else:
        assert response.get_json()["key"] == key


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "triggers?state=lost", None, 422), ("GET", "triggers/none", None, 404),
        ("GET", "triggers/none/joins", None, 404), ("GET", "triggers/none/why", None, 404),
        ("GET", "firings/none", None, 404), ("GET", "firings?state=gone", None, 422),
        ("GET", "firings?cursor=x", None, 422), ("POST", "triggers/none/fire", {"by": "anna"}, 404),
        ("POST", "triggers/t/fire", {}, 422), ("POST", "triggers/t/pause", {"by": "anna"}, 422),
        ("POST", "triggers/t/pause", {"by": "anna", "reason": " "}, 422),
        ("POST", "triggers/t/fire", {"by": "anna", "wait": 11}, 422),
        ("POST", "triggers/t/reset", {"by": "anna", "key": "x"}, 422),
    ],
)  # fmt: skip
def test_what_is_not_there_or_not_understood_is_told(
    client: FlaskClient, writing: Writing, method: str, path: str, body: Any, status: int
) -> None:
    with writing() as catalog:
        Triggered(catalog.conn).trigger("t", ONE)
    response = client.open(f"{V2}/{path}", method=method, json=body)
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"


def test_a_key_of_some_namespaces_sees_only_that_others_are_waited_for(
    client: FlaskClient, writing: Writing
) -> None:
    theirs = {"id": "secret", "dataset": {"namespace": "theirs", "name": "salaries"}}
    body = waits_for("orders")
    body["when"]["all"].append(theirs)
    with writing() as catalog:
        for name, namespace in (("orders", "shop"), ("salaries", "theirs")):
            catalog.dataset(name, namespace)
        triggered = Triggered(catalog.conn)
        triggered.trigger("both", body)
        triggered.trigger("other", ONE | {"when": theirs})
        foreign = came("orders", job_namespace="theirs", job_name="salaries_job")
        triggered.joined("both", body, [foreign])
        come = [foreign, came("salaries", namespace="theirs", input="secret")]
        run = does(
            handle='{"url": "https://salaries.test"}', run_id="r", job_namespace="theirs", job_name="salaries"
        )
        fired = triggered.fired("both", come, TODAY, NOON, Progress.FAILED, run, error="salaries are wrong")
        hidden = triggered.fired("other", [come[1]], "", NOON)
        some = keys.create(catalog.conn, "some", ["read"], ["shop"], NOON)[0]
        operate = keys.create(catalog.conn, "op", ["operate"], ["shop"], NOON)[0]
        reads = keys.create(catalog.conn, "all", ["read"], [], NOON)[0]

    def get(path: str, status: int = 200) -> Any:
        response = client.get(f"{V2}{path}", headers={"X-API-Key": some})
        assert response.status_code == status, response.text
        assert "salaries" not in response.text
        assert "secret" not in response.text
        return response.get_json()

    (both,) = get("/triggers")["items"]
    assert (both["id"], both["waits_for"]) == ("both", [None])
    mine, other = both["join"]["evaluation"]["of"]
    assert (mine["input"], mine["latest"]["run_id"]) == ("orders", None)
    assert (other["input"], other["hidden"], other["met"]) == (None, True, False)
    detail = get("/triggers/both")
    assert (detail["definition"], [each["id"] for each in detail["inputs"]]) == (None, ["orders", None])
    get("/triggers/both/joins")
    assert get("/triggers/both/why")["missing"] == []
    assert [each["id"] for each in get("/firings")["items"]] == [fired]
    shown = get(f"/firings/{fired}")
    assert [(each["id"], each["hidden"]) for each in shown["inputs"]] == [("orders", False), (None, True)]
    (action,) = shown["actions"]
    assert (action["state"], action["run"], action["body"], action["delivery"]) == (
        "completed",
        None,
        None,
        None,
    )
    for path in ("/triggers/other", f"/firings/{hidden}", "/triggers/other/why"):
        assert client.get(f"{V2}{path}", headers={"X-API-Key": some}).status_code == 404, path
    for key in (some, operate, reads):
        for path in (
            "triggers/both/fire",
            "triggers/both/resume",
            "triggers/both/reset",
            f"firings/{fired}/retry",
        ):
            refused = client.post(f"{V2}/{path}", json={}, headers={"X-API-Key": key})
            assert refused.status_code == 403, path


def test_metrics_tell_of_triggers(client: FlaskClient, writing: Writing) -> None:
    have(writing)
    with writing() as catalog:
        triggered = Triggered(catalog.conn)
        triggered.trigger("idle", ONE, unkeyed=3, unkeyed_at=NOON)
        triggered.fired("idle", [], "", NOON, Progress.FAILED)
        triggered.fired("idle", [], "", NOON + 1, Progress.FAILED)
    text = client.get("/metrics").text
    told = dict(
        line.rsplit(" ", 1)
        for line in text.splitlines()
        if line.startswith(("tidegate_firings", "tidegate_tr"))
    )
    assert told['tidegate_firings{state="failed"}'] == "2.0"
    assert told['tidegate_firings{state="lost"}'] == "0.0"
    assert told['tidegate_trigger_joins{state="waiting"}'] == "2.0"
    assert told["tidegate_trigger_unkeyed"] == "3.0"
    assert told["tidegate_trigger_joins_due"] == "0.0"
    assert told["tidegate_trigger_lateness_seconds"] == "0.0"
    with writing() as catalog:
        joins.prompt(catalog.conn, [("build-finance", None)])
    assert "tidegate_trigger_joins_due 2.0" in client.get("/metrics").text


REPORT = """
version: 1
targets:
  hook: {kind: webhook, url: "http://127.0.0.1:9/hook"}
triggers:
  - id: report
    when:
      all:
        - {id: orders, dataset: {namespace: db, name: orders}}
        - {id: payments, dataset: {namespace: db, name: payments}}
    join: {mode: latched, expire: 1d}
    do:
      - {id: go, start: hook, body: {orders: "{{ inputs.orders.updates | length }}"}}
"""


@contextmanager
def running(stand: Stand) -> Iterator[None]:
    """Let the engine work in another thread."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.01):
            stand.rest()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_real_engine_does_what_people_ask(get: Get, client: FlaskClient, database: Database) -> None:
    # What came expires; the engine that is asked below goes by the clock of this machine.
    stand = Stand(database, iso(now_us()))
    stand.apply(REPORT)
    assert get("/triggers/report")["state"] == "idle"
    assert (
        get("/triggers/report")["sentence"] == "report waits for orders and payments: nothing has come yet."
    )
    stand.run("load_orders", [dataset("orders", "db")])
    stand.rest()
    told = get("/triggers/report/why")
    assert told["sentence"].startswith("report waits for payments: orders came ")
    assert told["joins"][0]["evaluation"]["of"][0]["latest"]["job"]["name"] == "load_orders"

    def ask(what: str, **body: Any) -> Any:
        response = client.post(f"{V2}/triggers/report/{what}", json={"by": "anna", "wait": 10, **body})
        assert response.status_code == 200, response.text
        assert response.get_json()["done"]
        return response.get_json()

    with running(stand):
        ask("pause", reason="move")
        assert get("/triggers/report")["paused_by"] == "anna"
        ask("resume")
        assert get("/triggers/report")["state"] == "waiting"
        fired = ask("fire", reason="payments are late")["firing"]
        shown = get(f"/firings/{fired}")
        assert (shown["cause"], shown["by"], shown["partial"]) == ("manual", "anna", True)
        assert shown["reason"] == "payments are late"
        assert [len(each["updates"]) for each in shown["inputs"]] == [1, 0]
        assert shown["actions"][0]["state"] == "queued"
        assert get("/triggers/report")["state"] == "idle"
        stand.run("load_payments", [dataset("payments", "db")])
        wait_until(lambda: get("/triggers/report")["waits_for"] == ["orders"])
        ask("reset")
        assert get("/triggers/report")["open_joins"] == []

        # Nobody could take it; whoever has seen to that lets it be sent again.
        (delivery,) = (each["id"] for each in get("/deliveries")["items"])
        assert client.post(f"{V2}/deliveries/{delivery}/cancel").status_code == 200
        wait_until(lambda: get(f"/firings/{fired}")["actions"][0]["state"] == "dead")
        assert get("/firings", state="failed")["items"][0]["id"] == fired
        again = client.post(f"{V2}/firings/{fired}/retry", json={}).get_json()
        assert again["actions"][0]["delivery"]["state"] == "pending"
        wait_until(lambda: get(f"/firings/{fired}")["actions"][0]["state"] == "queued")


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
