"""Triggers without end: what they start writes what they wait for."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import NAMESPACE_OID, uuid5

from collector.engine.trigger_alerts import LET_GO
from collector.storage import trigger_requests
from collector.storage.trigger_requests import Kind
from tests.events import MINUTE, Json, dataset, run_event
from tests.fired import Fired, fired, standing
from tests.integration.engine.conftest import MakeStand
from tests.stand import Stand

RULES = """
version: 1
targets:
  hook: {{kind: webhook, url: "http://127.0.0.1:9/hook"}}
  chat: {{kind: webhook, url: "http://127.0.0.1:9/chat"}}
triggers:
  - id: again
    when: {{id: orders, dataset: {{namespace: db, name: orders}}}}
    guard: {{{guard}}}
    do: [{{start: hook}}]
{more}
alerting:
  group_wait: 0s
  routes: [{{to: chat}}]
"""

SECOND = """
  - id: back
    when: {id: mart, dataset: {namespace: db, name: mart}}
    do: [{start: hook}]
"""


def rules(guard: str = "", more: str = "") -> str:
    return RULES.format(guard=guard, more=more)


def child(job: str, parent: tuple[str, str, str], writes: Iterable[str], now: int) -> list[Json]:
    """Give a run whose parent is (run id, namespace, name)."""
    run, place, name = parent
    facet = {"parent": {"run": {"runId": run}, "job": {"namespace": place, "name": name}}}
    own = str(uuid5(NAMESPACE_OID, f"{job}{run}"))
    outputs = [dataset(each, "db") for each in writes]
    return [
        run_event("START", now, job, own, run_facets=facet),
        run_event("COMPLETE", now, job, own, outputs=outputs, run_facets=facet),
    ]


def follow(server: Stand, firing: Fired, job: str, *writes: str) -> str:
    """Let a run that a firing started write something a minute later; give its run id."""
    server.now += MINUTE
    events = child(job, (firing.id, "tidegate", firing.trigger), writes, server.now)
    server.take_in(events)
    server.rest()
    server.projector.drain()
    return str(events[0]["run"]["runId"])


def load(server: Stand) -> None:
    """Let somebody else write the table a minute later."""
    server.now += MINUTE
    server.run("load", [dataset("orders", "db")])
    server.rest()


def ask(server: Stand, kind: Kind) -> None:
    with server.database.write() as conn:
        trigger_requests.put(conn, "again", kind, None, "n", "anna", None, server.now)
    server.rest()


def told(server: Stand) -> list[str]:
    """Give the alerts that people were told of."""
    return [alert.text for message in server.messages() for alert in message.alerts]


def test_what_a_trigger_started_does_not_set_it_off_again(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules())
    load(server)
    (first,) = fired(server.database)
    assert follow(server, first, "rewrite", "orders")
    assert len(fired(server.database)) == 1
    assert standing(server.database) == {("again", ""): "held"}
    (text,) = told(server)
    assert text == f"again is held back: what came was caused by its own firing: again → again. {LET_GO}"
    # Somebody who knows better gives that up; what comes from elsewhere counts again, and nobody is alarmed any more.
    ask(server, Kind.RESET)
    assert standing(server.database) == {("again", ""): "idle"}
    assert server.open_alerts() == {}
    load(server)
    assert len(fired(server.database)) == 2


def test_tasks_of_what_was_started_do_not_either(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules())
    load(server)
    (first,) = fired(server.database)
    dag_run = follow(server, first, "dag")
    server.take_in(child("dag.task", (dag_run, "shop", "dag"), ["orders"], server.now + MINUTE))
    server.rest()
    assert len(fired(server.database)) == 1
    assert standing(server.database) == {("again", ""): "held"}


def test_it_may_go_round_as_often_as_its_rule_says(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules("max_chain: 3"))
    load(server)
    for number in range(1, 4):
        assert len(fired(server.database)) == number
        follow(server, fired(server.database)[-1], "rewrite", "orders")
    assert len(fired(server.database)) == 3
    assert standing(server.database) == {("again", ""): "held"}
    assert "again → again → again → again" in told(server)[0]


def test_a_way_round_over_two_triggers_is_held_too(stand: MakeStand) -> None:
    server = stand()
    server.apply(rules(more=SECOND))
    load(server)
    (first,) = fired(server.database)
    follow(server, first, "build", "mart")
    (second,) = fired(server.database, "back")
    follow(server, second, "feedback", "orders")
    assert [each.trigger for each in fired(server.database)] == ["again", "back"]
    assert standing(server.database) == {("again", ""): "held", ("back", ""): "idle"}
    assert told(server) == [
        f"again is held back: what came was caused by its own firing: again → back → again. {LET_GO}"
    ]


def test_where_nobody_tells_who_started_what_a_breaker_ends_it(stand: MakeStand) -> None:
    """Each firing starts a run that names no parent, and writes the input."""
    server = stand()
    server.apply(rules("max_fires: {count: 3, per: 1h}"))
    for _ in range(6):
        load(server)
    assert len(fired(server.database)) == 3
    assert standing(server.database) == {("again", ""): "held"}
    assert told(server) == ["again fired 3 times and is stopped until somebody resumes it."]
    # Not even when the hour is over; and then once, on all that came meanwhile.
    server.until(server.now + 90 * MINUTE)
    assert len(fired(server.database)) == 3
    ask(server, Kind.RESUME)
    (*_, last) = fired(server.database)
    assert len(fired(server.database)) == 4
    assert len(last.consumed["orders"]) == 3
    assert server.open_alerts() == {}
