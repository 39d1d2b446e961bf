"""What becomes of a firing: sent, recognised by its own events, ended, and what follows on that."""

from __future__ import annotations

import json
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest

from collector.engine.acting import NOT_FILLED_IN
from collector.outbound.dispatcher import Dispatcher
from collector.settings import Settings
from collector.storage import outbox
from collector.storage.outbox import State
from collector.storage.tables import alert, firing_action
from tests.events import HOUR, MINUTE, Json, dataset, run_event
from tests.fired import Fired, deliver, doings, fired, retry, sent, told
from tests.integration.engine.conftest import MakeStand
from tests.receivers import HttpReceiver, answer
from tests.stand import Stand

RULES: dict[str, Any] = {
    "version": 1,
    "targets": {
        "hook": {"kind": "webhook", "url": "http://127.0.0.1:9/hook"},
        "flow": {"kind": "prefect", "url": "http://127.0.0.1:9/api"},
        "air": {"kind": "airflow", "url": "http://127.0.0.1:9", "token": "env:AIRFLOW_TOKEN"},
    },
}
ORDERS = dataset("orders", "db")
RUN_ID = "0190c1a4-7d2f-7cc2-9f00-0000000000aa"


def rules(do: list[Json], guard: Json | None = None, url: str | None = None) -> str:
    """Give rules with a trigger that waits for ``orders``, as JSON, which is YAML."""
    trigger = {"id": "build", "when": {"id": "orders", "dataset": {"namespace": "db", "name": "orders"}}}
    targets = RULES["targets"] | ({"hook": {"kind": "webhook", "url": url}} if url else {})
    body = trigger | {"do": do, "guard": guard or {"lost_after": "4h"}}
    return json.dumps(RULES | {"targets": targets, "triggers": [body]})


def fire(server: Stand) -> Fired:
    """Let orders come, and give what fired on them."""
    server.now += MINUTE
    server.run("load_orders", [ORDERS])
    server.rest()
    return fired(server.database)[-1]


def run(
    server: Stand,
    kind: str,
    job: str = "finance",
    parent: str | None = None,
    run_id: str | None = None,
    **facets: Json,
) -> None:
    """Let a run tell of itself a minute later; ``parent`` is the id of the firing that it names."""
    server.now += MINUTE
    own = run_id or str(uuid5(NAMESPACE_OID, f"{job}{parent}"))
    if parent is not None:
        facets["parent"] = {"run": {"runId": parent}, "job": {"namespace": "tidegate", "name": "build"}}
    server.take_in([run_event(kind, server.now, job, own, namespace="flows", run_facets=facets)])
    server.rest()


def state(server: Stand) -> str:
    """Give how far the last firing has come."""
    return fired(server.database)[-1].state


def errors(server: Stand) -> list[str | None]:
    """Give what went wrong with actions."""
    with server.database.read() as conn:
        return [row.error for row in conn.execute(firing_action.select().order_by(firing_action.c.position))]


START = {"id": "run", "start": "hook"}
FLOW = {"id": "run", "start": "flow", "deployment": "finance/nightly"}
DAG = {"id": "run", "start": "air", "dag": "daily"}
TELL = {"id": "tell", "notify": "hook", "after": "run.completed"}


def test_the_loop_is_closed_by_what_the_started_run_tells(stand: MakeStand) -> None:
    server = stand()
    reply = json.dumps({"run_id": RUN_ID, "url": "https://runs.example.org/1"}).encode()
    settings = Settings(outbound_allow="127.0.0.0/8", outbound_timeout=5.0)
    dispatcher = Dispatcher(server.database, "dispatcher", settings, clock=lambda: server.now)
    with HttpReceiver(answer(200, reply)) as receiver:
        server.apply(rules([START, TELL], url=receiver.url))
        firing = fire(server)
        assert (firing.state, doings(server.database)) == ("fired", {"run": "queued", "tell": "waiting"})
        assert dispatcher.step() == 1
        server.rest()
        assert (state(server), doings(server.database)) == ("started", {"run": "started", "tell": "waiting"})
        run(server, "START", parent=firing.id, run_id=RUN_ID)
        assert (state(server), doings(server.database)) == ("running", {"run": "running", "tell": "waiting"})
        assert dispatcher.step() == 0
        run(server, "COMPLETE", parent=firing.id, run_id=RUN_ID)
        assert (state(server), doings(server.database)) == (
            "completed",
            {"run": "completed", "tell": "queued"},
        )
        assert dispatcher.step() == 1
        server.rest()
        dispatcher.close()
    assert (state(server), doings(server.database)) == ("completed", {"run": "completed", "tell": "started"})
    assert [each.headers["webhook-id"] for each in receiver.received] == [key for _, key in server.queued()]
    assert [body["run"]["id"] for body in sent(server.database)] == [firing.id] * 2


HOW: dict[str, tuple[Json, Json | None]] = {
    "parent": (START, {}),
    "parent_though_another_id_was_answered": (FLOW, {"run_id": "0190c1a4-7d2f-7cc2-9f00-0000000000bb"}),
    "answered_id": (FLOW, {"run_id": RUN_ID}),
    "external_id": (DAG, None),
    "job": (START | {"job": {"namespace": "flows", "name": "finance"}}, {}),
}


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarts"])
@pytest.mark.parametrize("early", [False, True], ids=["", "early"])
@pytest.mark.parametrize("how", HOW)
def test_a_run_is_recognised(stand: MakeStand, how: str, early: bool, restarts: bool) -> None:
    """Also one that is quicker than the answer to the request that started it, and by an engine that is new."""
    server = stand()
    action, answered = HOW[how]
    server.apply(rules([action, TELL]))
    firing = fire(server)

    def again() -> None:
        if restarts:
            server.restart()
            server.rest()

    def tells(kind: str) -> None:
        again()
        facets: Json = {}
        if how == "external_id":
            (body,) = sent(server.database)[:1]
            assert body["action"]["dag"] == "daily"
            name = external_name(server)
            facets = {"airflowDagRun": {"dagRun": {"dag_id": "daily", "run_id": name}}}
        run(
            server,
            kind,
            parent=firing.id if how.startswith("parent") else None,
            run_id=RUN_ID,
            **facets,
        )

    if early:
        tells("START")
        assert state(server) == ("fired" if how == "answered_id" else "running")
    again()
    assert deliver(server, answered) == ["run"]
    assert state(server) == ("running" if early else "started")
    if not early:
        tells("START")
    assert (state(server), doings(server.database)["tell"]) == ("running", "waiting")
    tells("COMPLETE")
    assert (state(server), doings(server.database)["tell"]) == ("completed", "queued")
    again()
    assert deliver(server) == ["tell"]
    end = told(server.database, firing.id)[-1]
    (downstream,) = end["run"]["facets"]["jobDependencies"]["downstream"]
    assert downstream["run"]["runId"] == RUN_ID
    assert (downstream["job"]["namespace"], downstream["job"]["name"]) == ("flows", "finance")
    assert len(fired(server.database)) == 1


def external_name(server: Stand) -> str:
    """Give the id of the DAG run that is to be started."""
    with server.database.read() as conn:
        row = conn.execute(firing_action.select().where(firing_action.c.action_id == "run")).one()
    assert row.external_id is not None
    kind, dag, name = row.external_id.split(":", 2)
    assert (kind, dag) == ("airflow", "daily")
    return str(name)


@pytest.mark.parametrize("early", [False, True], ids=["", "early"])
def test_a_run_that_is_over_before_the_answer(stand: MakeStand, early: bool) -> None:
    server = stand()
    server.apply(rules([FLOW, TELL]))
    firing = fire(server)
    parent = firing.id if early else None
    run(server, "START", parent=parent, run_id=RUN_ID)
    run(server, "COMPLETE", parent=parent, run_id=RUN_ID)
    assert state(server) == ("completed" if early else "fired")
    sent_now = deliver(server, {"run_id": RUN_ID, "warning": "the schedule is paused"})
    assert "run" in sent_now
    assert (state(server), doings(server.database)["run"]) == ("completed", "completed")
    assert deliver(server) == ([] if early else ["tell"])
    assert [each["eventType"] for each in told(server.database, firing.id)] == ["START", "COMPLETE"]


def test_a_run_that_fails_fails_its_firing_and_people_hear_of_it(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules([START, TELL, TELL | {"id": "cry", "after": "run.failed"}]))
    firing = fire(server)
    deliver(server)
    run(server, "START", parent=firing.id)
    run(server, "FAIL", parent=firing.id, errorMessage={"message": "disk full", "programmingLanguage": "sql"})
    assert state(server) == "failed"
    assert doings(server.database) == {"run": "failed", "tell": "left_out", "cry": "queued"}
    start, end = told(server.database, firing.id)
    assert (start["eventType"], end["eventType"]) == ("START", "FAIL")
    assert end["run"]["facets"]["errorMessage"]["message"] == "disk full"
    assert open_rules(server) == {"build": "trigger.failing"}
    firing = fire(server)
    deliver(server)
    run(server, "COMPLETE", parent=firing.id)
    assert open_rules(server) == {}


def open_rules(server: Stand) -> dict[str, str]:
    """Give the rules of open alerts, by what they are about."""
    with server.database.read() as conn:
        return {row.name: row.rule for row in conn.execute(alert.select().where(alert.c.ends_at.is_(None)))}


def test_a_run_whose_end_is_never_heard_of_is_lost(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules([START, TELL, TELL | {"id": "cry", "after": "run.lost"}]))
    firing = fire(server)
    server.until(server.now + 5 * HOUR)
    assert state(server) == "fired", "it has not been sent, so it goes nowhere"
    deliver(server)
    begun = server.now
    run(server, "START", parent=firing.id)
    server.restart()
    server.until(begun + 4 * HOUR - MINUTE)
    assert state(server) == "running"
    server.until(begun + 4 * HOUR + MINUTE)
    assert state(server) == "lost"
    assert doings(server.database) == {"run": "lost", "tell": "left_out", "cry": "queued"}
    assert [each["eventType"] for each in told(server.database, firing.id)] == ["START", "FAIL"]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_run_that_was_lost_and_ends_after_all_has_ended(stand: MakeStand, restarted: bool) -> None:
    server = stand()
    server.apply(rules([START, TELL]))
    firing = fire(server)
    deliver(server)
    run(server, "START", parent=firing.id)
    server.until(server.now + 5 * HOUR)
    assert state(server) == "lost"
    assert "trigger.failing" in open_rules(server).values()
    if restarted:
        server.restart()
    run(server, "RUNNING", parent=firing.id)
    assert state(server) == "lost"
    run(server, "COMPLETE", parent=firing.id)
    assert state(server) == "completed"
    assert doings(server.database) == {"run": "completed", "tell": "left_out"}, "it is too late for that"
    assert [each["eventType"] for each in told(server.database, firing.id)] == ["START", "FAIL", "COMPLETE"]
    assert open_rules(server) == {}


@pytest.mark.parametrize("again", [TELL | {"id": "cry"}, TELL | {"after": "other.completed"}, None])
def test_what_waits_for_what_the_rule_no_longer_has_is_left_out(stand: MakeStand, again: Json | None) -> None:
    server = stand()
    server.apply(rules([START, TELL]))
    firing = fire(server)
    deliver(server)
    others = [] if again is None else [START | {"id": "other"}, again]
    server.apply(rules([START, *others]))
    run(server, "COMPLETE", parent=firing.id)
    assert doings(server.database) == {"run": "completed", "tell": "left_out"}
    assert state(server) == "completed"
    fire(server)
    assert len(fired(server.database)) == 2, "the engine goes on"


def test_a_run_that_is_lost_holds_the_next_one_back_no_longer(stand: MakeStand) -> None:
    """Neither does one that ended while what waited for it was looked at."""
    server = stand()
    server.apply(rules([START], {"max_in_flight": 1, "lost_after": "1h"}))
    fire(server)
    deliver(server)
    assert len(fire(server).consumed["orders"]) == 1
    server.projector.drain()
    server.until(server.now + HOUR)
    assert [each.state for each in fired(server.database)] == ["lost", "fired"]
    deliver(server)
    server.now += MINUTE
    server.run("load_orders", [ORDERS])
    parent = fired(server.database)[-1].id
    run(server, "COMPLETE", parent=parent)
    assert [each.state for each in fired(server.database)] == ["lost", "completed", "fired"]


def test_each_of_two_runs_one_after_the_other_has_its_own_time(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules([START, START | {"id": "second", "after": "run.completed"}]))
    firing = fire(server)
    assert deliver(server) == ["run"]
    run(server, "START", parent=firing.id)
    server.until(server.now + 3 * HOUR)
    run(server, "COMPLETE", parent=firing.id)
    assert (state(server), doings(server.database)) == ("fired", {"run": "completed", "second": "queued"})
    assert deliver(server) == ["second"]
    server.until(server.now + 2 * HOUR)
    assert doings(server.database) == {"run": "completed", "second": "started"}
    server.until(server.now + 3 * HOUR)
    assert (state(server), doings(server.database)) == ("lost", {"run": "completed", "second": "lost"})


def test_a_run_is_not_taken_for_an_action_that_still_waits(stand: MakeStand) -> None:
    """A retry of the first has the same parent."""
    server = stand()
    server.apply(rules([START, START | {"id": "second", "after": "run.completed"}]))
    firing = fire(server)
    deliver(server)
    run(server, "START", parent=firing.id)
    run(server, "START", parent=firing.id, run_id=RUN_ID)
    assert doings(server.database) == {"run": "running", "second": "waiting"}
    run(server, "COMPLETE", parent=firing.id)
    assert deliver(server) == ["second"]


def test_of_two_that_are_started_each_gets_the_run_of_its_job(stand: MakeStand) -> None:
    server = stand()
    job = {"namespace": "flows", "name": "finance"}
    server.apply(rules([START | {"id": "other"}, START | {"job": job}]))
    firing = fire(server)
    assert deliver(server) == ["other", "run"]
    run(server, "COMPLETE", parent=firing.id)
    assert doings(server.database) == {"other": "started", "run": "completed"}
    assert state(server) == "started"
    run(server, "FAIL", "stock", parent=firing.id)
    assert (state(server), doings(server.database)) == ("failed", {"other": "failed", "run": "completed"})
    end = told(server.database, firing.id)[-1]
    names = [each["job"]["name"] for each in end["run"]["facets"]["jobDependencies"]["downstream"]]
    assert names == ["stock", "finance"]


def test_what_cannot_be_sent_fails_until_somebody_sends_it_again(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules([START, TELL, TELL | {"id": "cry", "after": "run.failed"}]))
    firing = fire(server)
    assert deliver(server, state=State.DEAD, error="it answered 404") == ["run"]
    assert (state(server), errors(server)[0]) == ("failed", "it answered 404")
    assert doings(server.database) == {"run": "dead", "tell": "left_out", "cry": "queued"}
    assert open_rules(server) == {"build": "trigger.failing"}
    deliver(server)
    server.restart()
    retry(server)
    assert (state(server), doings(server.database)) == (
        "fired",
        {"run": "queued", "tell": "waiting", "cry": "started"},
    )
    deliver(server, {"run_id": RUN_ID})
    run(server, "COMPLETE", run_id=RUN_ID)
    assert (state(server), doings(server.database)["tell"]) == ("completed", "queued")
    assert errors(server) == [None] * 3
    assert open_rules(server) == {}
    assert [each["eventType"] for each in told(server.database, firing.id)] == ["START", "FAIL", "COMPLETE"]


def test_what_is_cancelled_is_as_dead(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules([START]))
    fire(server)
    with server.database.write() as conn:
        assert outbox.cancel(conn, [1], server.now) == 1
    server.rest()
    assert (state(server), doings(server.database)) == ("failed", {"run": "dead"})
    assert errors(server) == ["Somebody cancelled it."]


def test_what_has_been_seen_to_run_is_not_dead_as_nobody_knows_whether_it_was_sent(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules([START | {"delivery": "at_most_once"}]))
    firing = fire(server)
    run(server, "START", parent=firing.id)
    deliver(server, state=State.DEAD, error="no answer in time")
    assert (state(server), doings(server.database)) == ("running", {"run": "running"})
    run(server, "COMPLETE", parent=firing.id)
    assert state(server) == "completed"


def test_what_cannot_be_filled_in_is_dead_at_once(stand: MakeStand) -> None:
    server = stand()
    body = {"broken": "{{ inputs.orders.latest.rows + 1 }}"}
    server.apply(rules([START | {"body": body}, TELL | {"id": "cry", "after": "run.failed"}]))
    firing = fire(server)
    assert (firing.state, doings(server.database)) == ("failed", {"run": "dead", "cry": "queued"})
    assert (errors(server)[0] or "").startswith(NOT_FILLED_IN.format("body.broken"))
    assert [each["eventType"] for each in told(server.database, firing.id)] == ["START", "FAIL"]


def test_what_only_tells_is_done_when_it_has_arrived(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules([{"id": "tell", "notify": "hook"}]))
    firing = fire(server)
    assert firing.state == "fired"
    deliver(server)
    assert state(server) == "completed"


def test_a_firing_is_a_run_in_the_log(stand: MakeStand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says to those who emit events."""
    monkeypatch.setenv("OPENLINEAGE__FILTERS__ALL__TYPE", "regex")
    monkeypatch.setenv("OPENLINEAGE__FILTERS__ALL__REGEX", ".*")
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    server = stand()
    server.apply(rules([START]))
    firing = fire(server)
    deliver(server)
    run(server, "COMPLETE", parent=firing.id)
    start, end = told(server.database, firing.id)
    for each in (start, end):
        assert (each["job"]["namespace"], each["job"]["name"]) == ("tidegate", "build")
        assert [(one["namespace"], one["name"]) for one in each["inputs"]] == [("db", "orders")]
        assert each["job"]["facets"]["jobType"]["integration"] == "TIDEGATE"
        own = each["run"]["facets"]["tidegate_firing"]
        assert (own["trigger"], own["inputs"][0]["id"]) == ("build", "orders")
    assert "jobDependencies" not in start["run"]["facets"]
    assert "lineage" not in start["job"]["facets"]
    (entry,) = end["job"]["facets"]["lineage"]["entries"]
    assert (entry["namespace"], entry["name"]) == ("flows", "finance")
    assert [(each["namespace"], each["name"]) for each in entry["inputs"]] == [("db", "orders")]
    server.projector.drain()
    server.rest()
    assert len(fired(server.database)) == 1


def test_a_firing_of_a_trigger_that_is_no_more_is_still_followed(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules([START, TELL]))
    firing = fire(server)
    deliver(server)
    server.apply(json.dumps(RULES))
    run(server, "START", parent=firing.id)
    assert state(server) == "running"
    server.restart()
    run(server, "COMPLETE", parent=firing.id)
    assert state(server) == "completed"
