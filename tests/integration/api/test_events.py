"""The log: events, refused bodies and parked events."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import event_reads, tables
from collector.storage.compression import pack
from lineage.model import DatasetRef, JobRef, run_key
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing


def ids(answer: Any) -> list[int]:
    return [item["id"] for item in answer["items"]]


def test_events_come_newest_first_as_they_were_sent(get: Get, client: FlaskClient, writing: Writing) -> None:
    sent = b'{ "big": 12345678901234567890.123, "twice": 1, "twice": 2,\n "text": "\\u00e9" }'
    with writing() as catalog:
        catalog.event(sent, warnings='["$.eventTime: no offset"]')
        catalog.event(b'{"value": NaN, "text": "\\ud800"}', kind="dataset", event_type=None)

    raw = client.get("/api/v2/events").data
    assert sent in raw
    answer = get("/events")
    assert ids(answer) == [2, 1]
    # What is no JSON by the book is shown as it was understood.
    assert answer["items"][0]["event"] == {"value": None, "text": "\ufffd"}
    first = answer["items"][1]
    assert first.pop("event")["twice"] == 2
    assert first == {
        "id": 1,
        "kind": "run",
        "event_type": "COMPLETE",
        "event_time": "2026-11-22T12:00:00.000000Z",
        "received_at": "2026-11-22T12:00:00.000000Z",
        "size": len(sent),
        "warnings": ["$.eventTime: no offset"],
        "state": "projected",
        "run_id": None,
        "job": None,
        "dataset": None,
    }
    assert get("/event", id=1).items() >= get("/events")["items"][1].items()
    assert client.get("/api/v2/event?id=99").status_code == 404
    assert "event" not in get("/events", body="false")["items"][0]


def test_an_event_tells_what_it_is_about_and_what_became_of_it(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load, orders = catalog.job("load", "shop"), catalog.dataset("orders", "pg")
        catalog.run(load, "R1")
        named = {"namespace": "pg", "name": "orders"}
        body = {"producer": "https://example.org", "inputs": [named, {"name": 1}, "x"], "outputs": named}
        catalog.event(body, entity=load, run_key=run_key("R1"))
        catalog.event({}, entity=orders, kind="dataset", event_type=None)
        catalog.event({}, entity=JobRef("shop", "new").id)
        catalog.event({}, entity=load)
        catalog.conn.execute(insert(tables.inbox), [{"event_id": 3}])
        row = {"event_id": 4, "error": "no", "parked_at": NOON}
        catalog.conn.execute(insert(tables.parked), [row])

    about = [
        (item["state"], item["run_id"], item["job"], item["dataset"])
        for item in get("/events", body="false")["items"]
    ]
    job = {"namespace": "shop", "name": "load"}
    assert about == [
        ("parked", None, job, None),
        ("waiting", None, None, None),
        ("projected", None, None, named),
        ("projected", "R1", job, None),
    ]
    first = get("/event", id=1)
    assert (first["producer"], first["schema_url"], first["error"]) == ("https://example.org", None, None)
    assert (first["inputs"], first["outputs"]) == ([named], [])
    assert get("/event", id=4)["error"] == "no"


def test_events_are_filtered(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.event({}, entity=JobRef("shop", "load").id, run_key=run_key("r1"))
        catalog.event({}, entity=JobRef("shop", "load").id, event_type="START", run_key=run_key("r2"))
        catalog.event({}, entity=DatasetRef("shop", "orders").id, kind="dataset", event_type=None)

    assert ids(get("/events", kind="dataset")) == [3]
    assert ids(get("/events", event_type="START")) == [2]
    assert ids(get("/events", run_id="r1")) == [1]
    assert ids(get("/events", job_namespace="shop", job_name="load")) == [2, 1]
    assert ids(get("/events", dataset_namespace="shop", dataset_name="orders")) == [3]


def test_events_of_a_time_by_receipt_or_by_their_own(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        for number in range(10):
            catalog.event({}, NOON - number * HOUR, received_at=NOON + number * 4 * HOUR)

    since, until = "2026-11-23T00:00:00Z", "2026-11-23T12:00:00Z"
    assert ids(get("/events", since=since, until=until)) == [6, 5, 4]
    assert ids(get("/events", since="2026-11-22T10:00:00Z", until="2026-11-22T12:00:00Z", by="event")) == [
        2,
        3,
    ]
    by_event = get("/events", by="event", limit=4)
    assert ids(by_event) == [1, 2, 3, 4]
    assert ids(get("/events", by="event", limit=4, cursor=by_event["next_cursor"])) == [5, 6, 7, 8]


@pytest.mark.parametrize("until", [False, True])
def test_receipt_out_of_order_by_less_than_the_slack_loses_nothing(
    get: Get, writing: Writing, until: bool
) -> None:
    times = [NOON + number * HOUR // 4 + (number % 3) * HOUR // 2 for number in range(160)]
    with writing() as catalog:
        for at in times:
            catalog.event({}, received_at=at)

    expected = [id_ + 1 for id_, at in enumerate(times) if (at < NOON + 20 * HOUR) is until]
    answer = get("/events", **{"until" if until else "since": "2026-11-23T08:00:00Z", "limit": 1000})
    assert sorted(ids(answer)) == expected


def test_a_page_of_large_events_ends_early(
    get: Get, writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_reads, "PAGE_BYTES", 2500)
    with writing() as catalog:
        for size in (1000, 1000, 1000, 5000):
            catalog.event({"text": "x" * size})

    pages: list[list[int]] = []
    cursor: dict[str, str] = {}
    while True:
        page = get("/events", **cursor)
        pages.append(ids(page))
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert pages == [[4], [3, 2], [1]]
    assert ids(get("/events", body="false")) == [4, 3, 2, 1]


def test_parked_events_are_listed_and_put_back(get: Get, client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        for number in range(3):
            event_id = catalog.event({})
            row = {"event_id": event_id, "error": f"reason {number}", "parked_at": NOON}
            catalog.conn.execute(insert(tables.parked), [row])

    first = get("/parked", limit=2)
    assert [item["error"] for item in first["items"]] == ["reason 2", "reason 1"]
    assert first["total"] == 3
    assert [item["event_id"] for item in get("/parked", cursor=first["next_cursor"])["items"]] == [1]

    assert client.post("/api/v2/parked/reprocess", json={"ids": [2, 99]}).json == {"requeued": 1}
    assert [item["event_id"] for item in get("/parked")["items"]] == [3, 1]
    assert client.post("/api/v2/parked/reprocess", json={"all": True}).json == {"requeued": 2}
    assert get("/parked")["items"] == []
    with writing() as catalog:
        assert set(catalog.conn.execute(tables.inbox.select()).scalars()) == {1, 2, 3}


def test_refused_bodies_are_listed_shown_and_tried_again(
    get: Get, client: FlaskClient, writing: Writing
) -> None:
    good = b"""{"eventType": "COMPLETE", "eventTime": "2026-11-22T12:00:00Z", "producer": "p",
        "run": {"runId": "r1"}, "job": {"namespace": "shop", "name": "load"}}"""
    with writing() as catalog:
        for number, body in enumerate((b"not JSON \xff", good)):
            row = {"hash": bytes([number] * 16), "received_at": NOON, "last_received_at": NOON, "count": 1}
            row |= {"errors": '[{"path": "$", "reason": "no"}]', "size": len(body), "body": pack(body)}
            catalog.conn.execute(insert(tables.rejected), [row])

    listed = get("/rejected")["items"]
    assert [item["id"] for item in listed] == [2, 1]
    (error,) = listed[1]["errors"]
    assert (error["path"], error["reason"]) == ("$", "no")
    assert "JSON" in error["hint"]
    nowhere = dict.fromkeys(("producer", "job_namespace", "job_name", "run_id"))
    assert [item["origin"] for item in listed] == [
        {"producer": "p", "job_namespace": "shop", "job_name": "load", "run_id": "r1"},
        nowhere,
    ]
    assert get("/rejected", limit=1)["total"] == 2
    assert get("/rejection", id=1)["body"] == "not JSON \ufffd"
    assert client.get("/api/v2/rejection?id=9").status_code == 404

    answer = client.post("/api/v2/rejected/reprocess", json={"all": True}).json
    assert answer is not None
    assert (answer["accepted"], answer["duplicates"]) == (1, 0)
    assert [item["id"] for item in answer["refused"]] == [1]
    assert [item["id"] for item in get("/rejected")["items"]] == [1]
    assert len(get("/events")["items"]) == 1
    assert client.post("/api/v2/rejected/reprocess", json={"ids": [9]}).status_code == 404
