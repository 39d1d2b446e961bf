"""Alerts grouped by what explains them, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import keys, tables
from collector.storage.causes import FORETOLD
from collector.storage.engine import Database
from collector.times import iso, now_us
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing
from tests.statements import counted
from tests.watched import Watched, print_of

LOAD, RAW = print_of("failed_run", "load"), print_of("daily", "raw")


@pytest.fixture
def watched(writing: Writing) -> None:
    """Have a failed run explain four datasets, one of them foretold, and a late dataset that is its own cause."""
    ahead = now_us() + HOUR
    with writing() as catalog:
        run = catalog.run(catalog.job("load"), "r1", NOON - HOUR, state="FAIL", error="disk full\nat line 1")
        assert run
        watched = Watched(catalog.conn)
        watched.alert(
            "failed_run", "load", type_="job", only_as_cause=True, affects=4, severity="critical", owner="ops"
        )
        for name, owner in (("a", "finance"), ("b", "finance"), ("c", "ml")):
            catalog.dataset(name)
            watched.alert("daily", name, cause=LOAD, starts=NOON, owner=owner)
        # Two rules on one dataset are one dataset.
        watched.alert("hourly", "a", cause=LOAD, starts=NOON, owner="finance")
        watched.alert("daily", "soon", cause=LOAD, starts=NOON, owner="ml", labels=(("kind", "forecast"),))
        watched.stands("daily", "soon", "due", deadline_at=ahead)
        watched.alert(
            "daily",
            "other",
            starts=NOON - 2 * HOUR,
            acknowledged_at=NOON,
            acknowledged_by="anna",
            acknowledged_note="on it",
        )
        # It is over, but one dataset has not caught up yet; and one that is over for good.
        watched.alert("daily", "raw", starts=NOON - 3 * HOUR, ends_at=NOON - HOUR, affects=1)
        watched.alert("daily", "behind", cause=RAW, starts=NOON - 2 * HOUR)
        watched.alert("daily", "gone", starts=NOON - 9 * HOUR, ends_at=NOON - 8 * HOUR, affects=1)
        past = print_of("daily", "gone")
        watched.alert("daily", "then", cause=past, starts=NOON - 8 * HOUR - 1, ends_at=NOON - 7 * HOUR)


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer["items"]]


@pytest.mark.usefixtures("watched")
def test_a_cause_tells_all_that_it_comes_to(get: Get) -> None:
    found = get("/alerts/causes")
    assert names(found) == ["load", "other", "raw"]
    assert found["counts"] == {"causes": 3, "acknowledged": 1, "muted": 0, "datasets": 5}
    load, other, raw = found["items"]
    assert load["title"] == "load failed"
    assert (load["datasets"], load["foretold"], load["deadlines"]) == (3, 1, 1)
    assert load["owners"] == ["finance", "ml", "ops"]
    assert load["next_deadline"] > iso(now_us())
    assert (load["run"]["run_id"], load["run"]["error"]) == ("r1", "disk full\nat line 1")
    assert sorted(item["name"] for item in load["affected"]) == ["a", "a", "b", "c", "soon"]
    assert (other["title"], other["datasets"], other["owners"]) == ("other is late", 0, [])
    assert (raw["ends_at"], raw["datasets"]) == (iso(NOON - HOUR), 1)


@pytest.mark.usefixtures("watched")
def test_filters_pick_out_and_pages_follow(get: Get, client: FlaskClient) -> None:
    assert names(get("/alerts/causes", acknowledged="true")) == ["other"]
    assert names(get("/alerts/causes", severity="critical")) == ["load"]
    assert names(get("/alerts/causes", node="dataset:shop:b")) == ["load"]
    assert names(get("/alerts/causes", node="dataset:shop:other")) == ["other"]
    first = get("/alerts/causes", limit=2)
    assert names(first) == ["load", "other"]
    assert names(get("/alerts/causes", limit=2, cursor=first["next_cursor"])) == ["raw"]
    ended = get("/alerts/causes", state="ended")
    assert names(ended) == ["gone"]
    assert ended["items"][0]["datasets"] == 1
    assert names(get("/alerts/causes", state="ended", since="2026-11-22T11:30:00Z")) == []
    assert client.get("/api/v2/alerts/causes?state=all").status_code == 422


@pytest.mark.usefixtures("watched")
def test_a_key_of_one_namespace_counts_only_what_it_sees(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        watched = Watched(catalog.conn)
        watched.alert("daily", "mine", namespace="mart", cause=LOAD, owner="ml", starts=NOON)
        key = keys.create(catalog.conn, "mart", ("read",), ("mart",), NOON)[0]
    answer = client.get("/api/v2/alerts/causes", headers={"X-API-Key": key}).get_json()
    assert answer["counts"] == {"causes": 1, "acknowledged": 0, "muted": 0, "datasets": 1}
    (mine,) = answer["items"]
    assert (mine["name"], mine["datasets"], mine["owners"]) == ("mine", 0, ["ml"])
    assert mine["cause"] == {"alert": None, "node": None, "text": None}


def test_statements_do_not_grow_with_what_is_wrong(get: Get, writing: Writing, database: Database) -> None:
    def asked() -> int:
        with counted(database) as statements:
            get("/alerts/causes")
        return len(statements)

    def fill(numbers: range) -> None:
        with writing() as catalog:
            watched = Watched(catalog.conn)
            for number in numbers:
                catalog.run(catalog.job(f"j{number}"), f"r{number}", state="FAIL", id=number + 1)
                root = print_of("failed_run", f"j{number}")
                watched.alert("failed_run", f"j{number}", type_="job", affects=2)
                for each in range(2):
                    watched.alert("daily", f"d{number}.{each}", cause=root)
                watched.alert("daily", f"f{number}", cause=root, labels=(("kind", "forecast"),))

    fill(range(1))
    few = asked()
    fill(range(1, 30))
    assert asked() == few
    assert get("/alerts/causes")["counts"]["datasets"] == 60
    assert FORETOLD == '[["kind", "forecast"]]'


def test_an_alert_tells_by_which_route_it_goes_to_whom(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("raw")
        watched = Watched(catalog.conn)
        watched.expect("daily")
        routes = [{"match": {"severity": "critical"}, "to": ["pager"]}, {"to": ["nobody"]}]
        watched.rule("alerting", "alerting", {"timezone": "UTC", "routes": routes})
        watched.alert("daily", "raw", severity="critical", muted_by="silence:s1", notified_at=NOON)
        watched.alert("daily", "mild")
        watched.decided("daily", "raw", "late")
        watched.notified("n1", RAW)
        values = {
            "starts_at": 0,
            "ends_at": now_us() + HOUR,
            "updated_at": 0,
            "author": "anna",
            "reason": "move",
        }
        matchers = json.dumps([{"label": "name", "value": "r.*", "regex": True, "negative": False}])
        catalog.conn.execute(insert(tables.silence), [{"id": "s1", "matchers": matchers, **values}])
    raw, mild = get("/alerts/1"), get("/alerts/2")
    assert [word["text"] for word in raw["telling"]] == [
        "Somebody was told first",
        "Silence s1 of anna (move) holds it back, until",
        "The route severity=critical takes it to pager.",
    ]
    assert raw["telling"][0]["at"] == iso(NOON)
    assert raw["muted"]["author"] == "anna"
    assert [each["id"] for each in raw["silences"]] == ["s1"]
    assert [each["state"] for each in raw["decisions"]] == ["late"]
    assert raw["notifications"][0]["delivery"] is None
    assert [word["text"] for word in mild["telling"]] == ["The route all says that nobody is told."]
    assert mild["silences"] == []
    assert get("/silences/s1")["reason"] == "move"


def test_matchers_are_tried_before_anything_is_muted(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        watched = Watched(catalog.conn)
        for name, severity in (("raw", "critical"), ("rain", "warning"), ("mart", "critical")):
            watched.alert("daily", name, severity=severity)
        watched.alert("daily", "rar", starts=NOON - 9 * HOUR, ends_at=NOON)
        key = keys.create(catalog.conn, "all", ("operate",), (), NOON)[0]
        shop = keys.create(catalog.conn, "shop", ("operate",), ("shop",), NOON)[0]

    def tried(key: str, *matchers: dict[str, Any]) -> Any:
        body = {"matchers": list(matchers)}
        return client.post("/api/v2/silences/preview", json=body, headers={"X-API-Key": key})

    called = {"label": "name", "value": "ra.*", "regex": True}
    found = tried(key, called).get_json()
    assert (found["total"], names(found)) == (2, ["raw", "rain"])
    mild = {"label": "severity", "value": "critical", "negative": True}
    assert names(tried(key, called, mild).get_json()) == ["rain"]
    assert tried(key).status_code == 422
    assert tried(shop, called).status_code == 403
