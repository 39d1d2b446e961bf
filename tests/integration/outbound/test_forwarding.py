"""Our own events, on their way to other backends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from collector.errors import ConfigurationError
from collector.outbound.forwarding import targets
from collector.settings import Settings
from collector.storage import outbox
from collector.storage.outbox import Kind, Queued
from tests.integration.outbound.conftest import SETTINGS, Office
from tests.receivers import HttpReceiver, answer, redirect

MINUTE = 60


def event(run: str, state: str) -> dict[str, Any]:
    return {"eventType": state, "run": {"runId": run}, "job": {"namespace": "tidegate", "name": "nightly"}}


def put(office: Office, target: str, *events: dict[str, Any]) -> None:
    with office.database.write() as conn:
        wanted = [
            Queued(target, Kind.EVENT, f"{each['run']['runId']}.{each['eventType']}", each) for each in events
        ]
        outbox.put_all(conn, wanted, office.now)


def test_events_of_a_run_arrive_in_order_whatever_happens_on_the_way(office: Office) -> None:
    with HttpReceiver(answer(500), answer(201)) as backend:
        url = f"http://127.0.0.1:{backend.port}"
        # Rules may not have anything sent there; the operator may.
        settings = replace(SETTINGS, forward=f"{url}/", outbound_allow="")
        (target,) = targets(settings)
        sent = [event("r1", "START"), event("r2", "START"), event("r1", "COMPLETE")]
        put(office, target, *sent)
        dispatcher = office.another("forwarding", settings=settings)
        for _ in range(4):
            dispatcher.step()
            office.now += 10 * 1_000_000
    bodies = [json.loads(request.body) for request in backend.received]
    assert {request.path for request in backend.received} == {"/api/v1/lineage"}
    assert [body["eventType"] for body in bodies if body["run"]["runId"] == "r1"] == [
        "START",
        "START",
        "COMPLETE",
    ]
    assert event("r2", "START") in bodies
    assert office.states("r1.START", "r1.COMPLETE", "r2.START") == ["delivered"] * 3
    assert office.receiver(target).kind == "openlineage"
    assert office.told() == []


def test_nobody_leads_events_elsewhere_and_what_is_refused_is_kept(office: Office) -> None:
    with HttpReceiver() as other, HttpReceiver(redirect(other.url)) as backend:
        settings = replace(SETTINGS, forward=f"http://127.0.0.1:{backend.port}")
        put(office, targets(settings)[0], event("r1", "START"))
        office.another("forwarding", settings=settings).step()
    assert other.received == []
    assert (office.delivery("r1.START").state, office.delivery("r1.START").kind) == ("dead", "event")


def test_what_is_forwarded_no_more_is_told(office: Office) -> None:
    put(office, "backend:http://marquez:5000", event("r1", "START"))
    office.step()
    assert office.states("r1.START") == ["dead"]


def test_the_setting_is_read() -> None:
    given = "http://marquez:5000, https://a.test/base/ ,http://b.test/api/v1/lineage"
    assert targets(Settings(forward=given)) == [
        "backend:http://marquez:5000",
        "backend:https://a.test/base",
        "backend:http://b.test",
    ]
    assert targets(Settings()) == []


@pytest.mark.parametrize(
    "wrong",
    ["marquez:5000", "ftp://a.test", "https://key@a.test", "http://a.test?x=1", "http://" + "a" * 200],
)
def test_what_is_no_address_of_a_backend_is_refused_without_its_secrets(wrong: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        targets(Settings(forward=wrong))
    assert "key" not in str(caught.value)
