"""Triggers in a real engine, on a real database, with a clock that the test moves."""

from __future__ import annotations

from tests.events import dataset
from tests.fired import doings, fired, sent, standing
from tests.integration.engine.conftest import MakeStand

HOOK = """
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
      - {id: go, start: hook, body: {day: "{{ key }}", runs: "{{ inputs.orders.updates | length }}"}}
"""

ORDERS = dataset("orders", "db")
PAYMENTS = dataset("payments", "db")


def test_it_fires_once_when_all_has_come(stand: MakeStand) -> None:
    server = stand()
    server.apply(HOOK)
    server.run("load_orders", [ORDERS])
    server.rest()
    assert fired(server.database) == []
    assert standing(server.database) == {("report", ""): "waiting"}
    server.run("load_payments", [PAYMENTS])
    server.rest()
    (firing,) = fired(server.database)
    assert (firing.trigger, firing.state, firing.cause, firing.partial) == ("report", "fired", "data", False)
    assert {name: len(runs) for name, runs in firing.consumed.items()} == {"orders": 1, "payments": 1}
    (body,) = sent(server.database)
    assert body["action"]["body"] == {"day": "", "runs": 1}
    assert body["run"] == {"id": firing.id, "namespace": "tidegate", "name": "report"}
    assert doings(server.database) == {"go": "queued"}
    server.rest()
    assert len(fired(server.database)) == 1
