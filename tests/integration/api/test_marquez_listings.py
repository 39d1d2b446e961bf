"""Search, statistics, events, sources and tags in the shapes of Marquez."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from collector.api.marquez.stats import stretches
from collector.storage import keys, notes
from collector.times import EPOCH, now_us
from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.events import run_event
from tests.integration.api.conftest import Ask, Writing

DATA = "postgres://db.example.org:5432"
DAY = 24 * HOUR

# --- search -----------------------------------------------------------------------------------------------------


@pytest.fixture
def searchable(writing: Writing) -> None:
    with writing() as catalog:
        parent = catalog.job("dag", last_seen_at=NOON, first_seen_at=NOON)
        catalog.job("load_Orders", parent_id=parent, first_seen_at=NOON, last_seen_at=NOON + DAY)
        run = catalog.run(parent, "r")
        for number, (name, place) in enumerate(
            (("shop.orders", DATA), ("raw_orders", "s3://lake"), ("or%ers", "s3://lake"))
        ):
            dataset = catalog.dataset(name, place)
            catalog.update(dataset, run, NOON + 2 * number * DAY)
        notes.hide(catalog.conn, [catalog.dataset("old_orders", DATA)], NOON)


def test_search(ask: Ask, searchable: None) -> None:
    found = ask("/search", q="ORDERS")
    assert found["totalCount"] == 3
    assert found["results"][0] == {
        "type": "JOB",
        "name": "dag.load_Orders",
        "updatedAt": "2026-11-23T12:00:00.000000Z",
        "namespace": "shop",
        "nodeId": "job:shop:dag.load_Orders",
    }
    assert found["results"][2] == {
        "type": "DATASET",
        "name": "shop.orders",
        "updatedAt": "2026-11-22T12:00:00.000000Z",
        "namespace": DATA,
        "nodeId": f"dataset:{DATA}:shop.orders",
    }


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"filter": "dataset"}, ["raw_orders", "shop.orders"]),
        ({"filter": "JOB"}, ["dag.load_Orders"]),
        ({"sort": "update_at"}, ["raw_orders", "dag.load_Orders", "shop.orders"]),
        ({"namespace": "s3://lake"}, ["raw_orders"]),
        ({"after": "2026-11-23"}, ["dag.load_Orders", "raw_orders"]),
        ({"before": "2026-11-23"}, ["shop.orders"]),
        ({"limit": 1}, ["dag.load_Orders"]),
        ({"q": "or%"}, ["or%ers"]),
    ],
)
def test_search_by_more(ask: Ask, searchable: None, parameters: Any, names: list[str]) -> None:
    found = ask("/search", **({"q": "orders"} | parameters))
    assert [each["name"] for each in found["results"]] == names


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ({}, {"errors": ["query param q must not be null"]}),
        ({"q": " "}, {"errors": ["query param q must not be blank"]}),
        ({"q": "a", "after": "yesterday"}, {"errors": ["query param after must match YYYY-MM-DD"]}),
        (
            {"q": "a", "filter": "run"},
            {"code": 400, "message": "query param filter must be one of [DATASET, JOB]"},
        ),
    ],
)
def test_search_for_nothing(ask: Ask, parameters: Any, answer: Any) -> None:
    assert ask("/search", 400, **parameters) == answer


# --- statistics -------------------------------------------------------------------------------------------------


def test_events_by_the_hour_and_by_the_day(ask: Ask, writing: Writing) -> None:
    now = now_us()
    with writing() as catalog:
        for kind in ("START", "START", "COMPLETE", "complete", "FAIL", "ABORT", "OTHER"):
            catalog.event({}, now, event_type=kind)
        catalog.event({}, now - 2 * DAY, event_type="FAIL")
        catalog.event({}, now - 30 * DAY, event_type="FAIL")
        catalog.event({}, now, kind="job", event_type=None)
    day = ask("/stats/lineage-events", period="DAY")
    assert len(day) == 24
    # The hour may have passed meanwhile.
    latest = {key: day[-2][key] + day[-1][key] for key in ("fail", "start", "complete", "abort")}
    assert latest == {"fail": 1, "start": 2, "complete": 2, "abort": 1}
    assert all(this["endInterval"] == after["startInterval"] for this, after in pairwise(day))
    week = ask("/stats/lineage-events", period="week", timezone="America/New_York")
    assert len(week) == 7
    assert [each["fail"] for each in week][-3:] == [1, 0, 1]


def test_days_are_those_of_the_time_zone() -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    bounds = stretches("WEEK", zone, NOON)
    days = [datetime.fromtimestamp(bound / 1_000_000, zone) for bound in bounds]
    assert [(day.hour, day.minute) for day in days] == [(0, 0)] * 8
    assert days[-2].date() == datetime.fromtimestamp(NOON / 1_000_000, zone).date()
    # The day on which the clocks go forward has 23 hours.
    spring = int((datetime(2026, 3, 31, tzinfo=UTC) - EPOCH).total_seconds()) * 1_000_000
    bounds = stretches("WEEK", ZoneInfo("Europe/Berlin"), spring)
    lengths = {after - before for before, after in pairwise(bounds)}
    assert lengths == {23 * HOUR, 24 * HOUR}


def test_jobs_datasets_and_sources_known_by_then(ask: Ask, writing: Writing) -> None:
    now = now_us()
    with writing() as catalog:
        old = catalog.job("old", first_seen_at=now - 60 * DAY, last_seen_at=now)
        new = catalog.job("new", first_seen_at=now - 2 * DAY, last_seen_at=now)
        catalog.edge(old, catalog.dataset("a"), Direction.OUTPUT, now - 60 * DAY)
        fresh = catalog.dataset("b")
        catalog.edge(new, fresh, Direction.OUTPUT, now - 2 * DAY)
        catalog.edge(old, fresh, Direction.INPUT, now - DAY)
        told = catalog.dataset("c")
        catalog.facet(told, "dataSource", {"name": "db", "uri": DATA}, now - DAY)
        catalog.event({}, now - DAY, kind="dataset", event_type=None, entity=told)
        catalog.dataset("tmp", artificial=True)
    week = {
        what: [each["count"] for each in ask(f"/stats/{what}", period="WEEK", timezone="UTC")]
        for what in ("jobs", "datasets", "sources")
    }
    assert week["jobs"] == [1, 1, 1, 1, 2, 2, 2]
    assert week["datasets"] == [1, 1, 1, 1, 2, 3, 3]
    assert week["sources"] == [0, 0, 0, 0, 0, 1, 1]
    assert [each["count"] for each in ask("/stats/jobs", period="DAY")] == [2] * 24


def test_statistics_need_a_period(client: FlaskClient) -> None:
    for path in ("lineage-events", "jobs", "datasets", "sources"):
        refused = client.get(f"/api/v1/stats/{path}")
        assert (refused.status_code, refused.text) == (400, "Invalid period")
        assert client.get(f"/api/v1/stats/{path}?period=YEAR").json == {
            "code": 400,
            "message": "query param period must be one of [DAY, WEEK]",
        }
    refused = client.get("/api/v1/stats/lineage-events?period=WEEK")
    assert (refused.status_code, refused.text) == (400, "Timezone must be specified for period 'WEEK'")


# --- events -----------------------------------------------------------------------------------------------------


def test_events_with_all_their_keys(ask: Ask, writing: Writing) -> None:
    event = run_event("START", NOON, inputs=["raw"], run_facets={"parentRun": {"x": 1}})
    event |= {"eventTime": "2026-11-22T13:00:00+01:00", "extra": True}
    del event["outputs"], event["schemaURL"]
    with writing() as catalog:
        job = catalog.job("load")
        catalog.event(event, NOON, entity=job, event_type="START")
        catalog.event({"later": 1}, NOON + HOUR, entity=job)
        catalog.event({}, NOON, entity=job, kind="job")
    found = ask("/events/lineage", sortDirection="asc")
    assert found["totalCount"] == 2
    assert found["events"][0] == {
        "eventType": "START",
        "eventTime": "2026-11-22T12:00:00.000000Z",
        "run": {"runId": event["run"]["runId"], "facets": {"parent": {"x": 1}}},
        "job": {"namespace": "shop", "name": "load", "facets": None},
        "inputs": [{"namespace": DATA, "name": "raw", "facets": None, "inputFacets": None}],
        "outputs": None,
        "producer": event["producer"],
        "schemaURL": None,
        "extra": True,
    }
    assert ask("/events/lineage")["events"][0]["later"] == 1
    page = ask("/events/lineage", limit=1, offset=1)
    assert (len(page["events"]), page["totalCount"]) == (1, 2)
    window = {"after": "2026-11-22T12:00:01Z", "before": "2026-11-22T14:00:00+01:00"}
    assert ask("/events/lineage", **window) == {"events": [], "totalCount": 0}
    assert ask("/events/lineage", after="2026-11-22T13:00:00Z")["totalCount"] == 1
    assert ask("/events/lineage", 400, before="2026-11-22")["code"] == 400


def test_events_of_namespaces_that_a_key_is_for(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        for place in ("mine", "theirs"):
            catalog.event({"of": place}, entity=catalog.job("j", place))
        key, _ = keys.create(catalog.conn, "test", ("read",), ("mine",), NOON)
    headers = {"Authorization": f"Bearer {key}"}
    found: Any = client.get("/api/v1/events/lineage", headers=headers).json
    assert ([each["of"] for each in found["events"]], found["totalCount"]) == (["mine"], 1)


# --- sources, tags ----------------------------------------------------------------------------------------------


def test_sources_that_facets_name(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        for number in range(3):
            catalog.facet(
                catalog.dataset(f"d{number}"), "dataSource", {"name": "db", "uri": DATA}, NOON + number
            )
        catalog.facet(catalog.dataset("s"), "dataSource", {"name": "lake", "uri": "s3://lake"})
        catalog.facet(catalog.dataset("bad"), "dataSource", {"name": 7})
    answer = ask("/sources")
    assert list(answer) == ["sources"]
    assert [(each["name"], each["type"], each["connectionUrl"]) for each in answer["sources"]] == [
        ("db", "POSTGRESQL", DATA),
        ("default", "POSTGRESQL", ""),
        ("lake", "S3", "s3://lake"),
    ]
    assert answer["sources"][0] == {
        "type": "POSTGRESQL",
        "name": "db",
        "createdAt": "2026-11-22T12:00:00.000000Z",
        "updatedAt": "2026-11-22T12:00:00.000002Z",
        "connectionUrl": DATA,
        "description": None,
    }
    assert [each["name"] for each in ask("/sources", limit=1, offset=1)["sources"]] == ["default"]
    assert ask("/sources/lake")["name"] == "lake"
    assert ask("/sources/sea", 404) == {"code": 404, "message": "Source 'sea' not found."}


def test_sources_of_namespaces_that_a_key_is_for(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        for place in ("mine", "theirs"):
            catalog.facet(
                catalog.dataset("d", place), "dataSource", {"name": f"db of {place}", "uri": f"{place}://"}
            )
            notes.note_source(catalog.conn, f"db of {place}", "ORACLE", "jdbc:x", None, NOON)
        notes.note_source(catalog.conn, "nobody's", "ORACLE", "jdbc:y", None, NOON)
        key, _ = keys.create(catalog.conn, "test", ("read",), ("mine",), NOON)

    def get(path: str) -> Any:
        return client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {key}"}).json

    assert [each["name"] for each in get("/sources")["sources"]] == ["db of mine", "default"]
    assert get("/sources/db of mine")["type"] == "ORACLE"
    assert get("/sources/db of theirs")["code"] == 404


def test_tags_by_name(ask: Ask, client: FlaskClient) -> None:
    for name in ("b", "A/c", "a"):
        assert (
            client.put(f"/api/v1/tags/{name.replace('/', '%2F')}", json={"description": None}).status_code
            == 200
        )
    assert ask("/tags") == {"tags": [{"name": name, "description": None} for name in ("A/c", "a", "b")]}
    assert [tag["name"] for tag in ask("/tags", limit=1, offset=1)["tags"]] == ["a"]
