"""How the inputs of triggers stand, what people asked of triggers, and when they would have fired."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import forecasts, keys
from collector.storage.engine import Database
from collector.storage.forecasts import Forecast
from collector.storage.tables import expectation_state
from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.events import dataset
from tests.integration.api.conftest import Get, Writing
from tests.stand import Stand
from tests.statements import counted
from tests.triggered import TODAY, Triggered, came, waits_for
from tests.unit.triggers.joining import World
from triggers.evaluation import Passed, Verdict
from triggers.forecasting import Outlook
from triggers.verdict import Reason

V2 = "/api/v2"
NAMES = ("orders", "payments", "refunds", "rates", "stock")


def have(writing: Writing) -> None:
    """Have ``mart``: orders came, a gate holds payments back; refunds failed, rates are late, stock is foretold."""
    body = waits_for(*NAMES)
    body["when"]["all"][1]["require"] = {"assertions": {"min_count": 1}}
    gated = World(gates=lambda arrived, at: Passed(Verdict.FAILED, "unique failed"))
    with writing() as catalog:
        found = {name: catalog.dataset(name) for name in NAMES}
        load = catalog.job("load_refunds")
        catalog.edge(load, found["refunds"], Direction.OUTPUT)
        catalog.run(load, "0190c1a4-7d2f-7cc2-9f00-0000000000bb", state="FAIL")
        row = {"expectation_id": "rates-due", "dataset_id": found["rates"], "state": "late", "reason": "{}"}
        reason = '{"code": "never", "values": {}}'
        catalog.conn.execute(
            insert(expectation_state), [row | {"reason": reason, "changed_at": NOON, "since": NOON}]
        )
        told = Outlook(NOON, missing=False, reason=Reason("never"), expected=NOON + HOUR, earliest=NOON)
        forecasts.write(catalog.conn, [Forecast("stock-due", found["stock"], NOON, NOON, None, told)])
        triggered = Triggered(catalog.conn, gated)
        triggered.trigger("mart", body)
        triggered.joined("mart", body, [came("orders"), came("payments")])


def test_inputs_stand_as_what_brings_them_does(get: Get, writing: Writing) -> None:
    have(writing)
    listed = get("/triggers")
    assert listed["counts"] == {"blocked": 1}
    stands = {each["input"]: each for each in listed["items"][0]["standings"]}
    assert {name: each["state"] for name, each in stands.items()} == {
        "orders": "arrived",
        "payments": "blocked",
        "refunds": "failed",
        "rates": "late",
        "stock": "waiting",
    }
    assert stands["orders"]["arrived_at"] == "2026-11-22T11:00:00.000000Z"
    assert stands["refunds"]["run"]["job"] == {"namespace": "shop", "name": "load_refunds"}
    assert (stands["stock"]["expected_at"], stands["stock"]["expected_from"]) == (
        "2026-11-22T13:00:00.000000Z",
        "2026-11-22T12:00:00.000000Z",
    )
    assert list(stands) == list(NAMES)
    assert get("/triggers/mart")["standings"] == listed["items"][0]["standings"]


def test_what_nothing_came_for_has_an_evaluation_too(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        Triggered(catalog.conn).trigger("idle", waits_for("orders", "payments"))
    shown = get("/triggers/idle")
    assert (shown["join"], shown["evaluation"]["at_least"]) == (None, 2)
    assert [(each["input"], each["missing"]) for each in shown["evaluation"]["of"]] == [
        ("orders", "an update"),
        ("payments", "an update"),
    ]


def test_keys_of_namespaces_hear_of_their_inputs_only(
    client: FlaskClient, get: Get, writing: Writing
) -> None:
    body = waits_for("orders", "payments")
    body["when"]["all"][1]["dataset"]["namespace"] = "bank"
    with writing() as catalog:
        catalog.dataset("orders")
        payments, load = catalog.dataset("payments", "bank"), catalog.job("load", "bank")
        catalog.edge(load, payments, Direction.OUTPUT)
        catalog.run(load, "0190c1a4-7d2f-7cc2-9f00-0000000000bb", state="FAIL")
        Triggered(catalog.conn).trigger("mart", body)
        secret, _ = keys.create(catalog.conn, "shop", ["read"], ["shop"], NOON)
    headers = {"X-API-Key": secret}
    shown = client.get(f"{V2}/triggers", headers=headers).get_json()["items"][0]
    assert [(each["input"], each["state"], each["run"]) for each in shown["standings"]] == [
        ("orders", "waiting", None),
        (None, "waiting", None),
    ]
    assert shown["evaluation"]["of"][1]["hidden"]
    for path in ("requests", "replay"):
        assert client.get(f"{V2}/triggers/mart/{path}", headers=headers).status_code == 403


def test_a_list_takes_as_many_statements_for_many_triggers(
    database: Database, get: Get, writing: Writing
) -> None:
    have(writing)
    with counted(database) as few:
        get("/triggers")
    with writing() as catalog:
        triggered = Triggered(catalog.conn)
        for number in range(30):
            triggered.trigger(f"other-{number}", waits_for("orders", "refunds"))
            triggered.joined(f"other-{number}", waits_for("orders", "refunds"), [came("orders")])
    with counted(database) as many:
        get("/triggers")
    assert len(many) == len(few)


def test_what_people_asked_is_kept(client: FlaskClient, get: Get, writing: Writing) -> None:
    have(writing)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("pause", {"reason": "we move"}),
        ("resume", {}),
        ("fire", {"key": TODAY, "reason": "month end"}),
    ]
    ids = []
    for verb, body in asked:
        answer = client.post(f"{V2}/triggers/mart/{verb}", json=body | {"by": "anna", "wait": 0})
        assert answer.status_code == 200, answer.text
        ids.append(answer.get_json()["firing"])
    found = get("/triggers/mart/requests")["items"]
    assert [(each["kind"], each["reason"], each["by"]) for each in found] == [
        ("fire", "month end", "anna"),
        ("resume", None, "anna"),
        ("pause", "we move", "anna"),
    ]
    assert (found[0]["firing"], found[0]["key"], found[0]["done"]) == (ids[2], TODAY, False)
    first = get("/triggers/mart/requests", limit=1)
    assert get("/triggers/mart/requests", limit=2, cursor=first["next_cursor"])["items"] == found[1:]
    assert client.get(f"{V2}/triggers/none/requests").status_code == 404


RULES = """
version: 1
triggers:
  - id: mart
    when: {all: [{id: orders, dataset: {namespace: shop, name: orders}},
                 {id: payments, dataset: {namespace: shop, name: payments}}]}
    join: {mode: latched, expire: 1d}
  - id: other
    when: {id: orders, dataset: {namespace: shop, name: orders}}
"""


def test_a_trigger_is_replayed_beside_what_it_did(client: FlaskClient, database: Database, get: Get) -> None:
    stand = Stand(database, "2026-11-20T06:00Z")
    stand.apply(RULES)
    for time, name in (("07:00", "orders"), ("07:30", "payments"), ("08:00", "orders")):
        stand.at(f"2026-11-20T{time}Z")
        stand.run(f"load_{name}", [dataset(name, "shop")])
        stand.rest()
    stand.at("2026-11-20T09:00Z")
    span = {"since": "2026-11-20T05:00Z", "until": "2026-11-20T09:00Z"}
    found = get("/triggers/mart/replay", **span)
    assert [each["at"] for each in found["firings"]] == [each["at"] for each in found["recorded"]]
    assert (found["fired"], found["waiting"], found["arrived"]) == (1, 1, 3)
    assert [each["input"] for each in found["arrivals"]] == ["orders", "payments", "orders"]
    assert get("/triggers/mart/replay", since="2026-11-20T07:45Z", until=span["until"])["fired"] == 0
    turned = {"since": span["until"], "until": span["since"]}
    answer = client.get(f"{V2}/triggers/mart/replay", query_string=turned)
    assert answer.get_json()["errors"][0]["path"] == "?since"
    assert client.get(f"{V2}/triggers/none/replay").status_code == 404
