"""Freshness over HTTP: how datasets stand, what is expected of them, and why they are as they are."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import forecasts, keys
from collector.storage.forecasts import Forecast
from collector.storage.notes import attach_tag
from collector.times import iso, now_us
from lineage.model import Direction
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing
from tests.watched import Watched, print_of
from triggers.forecasting import Outlook
from triggers.verdict import Reason


@pytest.fixture
def watched(writing: Writing) -> None:
    """Expect data of raw -> load -> orders -> report -> sales at seven: raw is late, so is sales, orders is fresh."""
    with writing() as catalog:
        ids = {name: catalog.dataset(name) for name in ("raw", "orders", "sales")}
        for job, read, written in (("load", "raw", "orders"), ("report", "orders", "sales")):
            ids[job] = catalog.job(job)
            catalog.edge(ids[job], ids[read], Direction.INPUT)
            catalog.edge(ids[job], ids[written], Direction.OUTPUT)
        run = catalog.run(ids["load"], "r1", NOON - 6 * HOUR)
        catalog.update(ids["orders"], run, NOON - 6 * HOUR)
        catalog.facet(ids["sales"], "ownership", {"owners": [{"name": "team:finance"}]})
        attach_tag(catalog.conn, ids["orders"], "", "gold", NOON)
        watched = Watched(catalog.conn)
        watched.expect("daily", severity="critical", due={"at": "07:00"})
        watched.expect("promised", "promised", max_age="1d")
        watched.stands("daily", "raw", "missed")
        watched.stands("daily", "orders", "fresh")
        watched.stands("daily", "sales", "late", late_by=HOUR)
        watched.stands("promised", "promised", "unknown", {"code": "never", "values": {}})
        watched.decided("daily", "sales", "fresh", NOON - 10 * HOUR)
        watched.decided("daily", "sales", "late", NOON - 5 * HOUR)
        watched.alert(
            "daily", "raw", affects=1, severity="critical", notified_at=NOON, explanation="It never began."
        )
        path = '["dataset:shop:raw", "job:shop:load", "dataset:shop:orders", "job:shop:report", "dataset:shop:sales"]'
        watched.alert("daily", "sales", cause=print_of("daily", "raw"), path=path, notified_at=NOON)
        watched.notified("n1", print_of("daily", "raw"), print_of("daily", "sales"))


def items(answer: Any) -> list[tuple[str, str]]:
    return [(item["dataset"]["name"], item["state"]) for item in answer["items"]]


@pytest.mark.usefixtures("watched")
def test_the_worst_come_first_and_say_what_is_known(get: Get) -> None:
    answer = get("/freshness")

    assert items(answer) == [
        ("raw", "missed"),
        ("sales", "late"),
        ("promised", "unknown"),
        ("orders", "fresh"),
    ]
    sales = answer["items"][1]
    assert sales["expectation"] == "daily"
    assert (sales["condition"], sales["severity"], sales["violated"]) == ("due", "critical", True)
    assert sales["deadline"] == "2026-11-22T07:00:00.000000Z"
    # Late as of now, not as of the last look.
    assert sales["late_by"] == pytest.approx((now_us() - (NOON - 5 * HOUR)) / 1e6, abs=60)
    assert sales["reason"]["code"] == "overdue"
    assert sales["reason"]["values"]["last"] == "2026-11-21T07:00:00.000000Z"
    assert sales["sentence"].startswith("The data of 2026-11-22 07:00 has not come by 2026-11-22 07:00.")
    assert sales["cause"] == {"alert": 1, "node": "dataset:shop:raw", "text": "raw is late."}
    assert sales["alert"] == 2
    orders = answer["items"][3]
    assert orders["last_update"]["event_time"] == "2026-11-22T06:00:00.000000Z"
    assert (orders["alert"], orders["cause"], orders["late_by"]) == (None, None, None)


@pytest.mark.usefixtures("watched")
def test_filters_pick_out_and_pages_follow(get: Get) -> None:
    every = items(get("/freshness"))
    assert items(get("/freshness", violated="true")) == every[:2]
    assert items(get("/freshness", violated="false")) == every[2:]
    assert items(get("/freshness", state=["late", "fresh"])) == [every[1], every[3]]
    assert items(get("/freshness", state="fresh", violated="true")) == []
    assert items(get("/freshness", namespace="shop", name="promised")) == [every[2]]
    assert items(get("/freshness", name="orders")) == [every[3]]
    assert items(get("/freshness", namespace="other")) == []
    assert items(get("/freshness", expectation="promised")) == [every[2]]
    assert items(get("/freshness", owner="team:finance")) == [every[1]]
    assert items(get("/freshness", tag="gold")) == [every[3]]
    assert items(get("/freshness", tag="gold", owner="team:finance")) == []
    # assert items(get("/freshness", owner="team:finance")) == [every[1]]

    found: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = get("/freshness", limit=1, **cursor)
        found += items(page)
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == every


@pytest.mark.usefixtures("watched")
def test_the_summary_counts_states(get: Get) -> None:
    answer = get("/freshness/summary")
    assert (answer["total"], answer["violated"]) == (4, 2)
    assert answer["states"]["missed"] == 1
    assert answer["states"]["due"] == 0


@pytest.mark.usefixtures("watched")
def test_expectations_tell_what_they_cover_and_what_was_decided(get: Get, client: FlaskClient) -> None:
    daily, promised = get("/expectations")["items"]
    assert (daily["id"], daily["datasets"], daily["states"]) == (
        "daily",
        3,
        {"missed": 1, "fresh": 1, "late": 1},
    )
    assert daily["definition"]["due"] == {"at": "07:00"}
    assert promised["condition"] == "max_age"

    detail = get("/expectations/daily")
    assert detail["datasets"] == 3
    assert items(detail) == [("raw", "missed"), ("sales", "late"), ("orders", "fresh")]
    history = get("/expectations/daily/history", namespace="shop", name="sales")["items"]
    assert [(item["state"], item["prompt"], item["at"]) for item in history] == [
        ("late", "timer", "2026-11-22T07:00:00.000000Z"),
        ("fresh", "timer", "2026-11-22T02:00:00.000000Z"),
    ]
    assert history[0]["sentence"].startswith("The data of")
    assert client.get("/api/v2/expectations/none").status_code == 404
    other = {"namespace": "shop", "name": "none"}
    assert client.get("/api/v2/expectations/daily/history", query_string=other).status_code == 404


@pytest.mark.usefixtures("watched")
def test_why_tells_the_cause_and_who_was_told(get: Get, client: FlaskClient) -> None:
    answer = get("/why", node="dataset:shop:sales")
    assert answer["state"] == "late"
    assert answer["sentence"].endswith(" The cause: raw is late.")
    assert [item["expectation"] for item in answer["standings"]] == ["daily"]
    (alert,) = answer["alerts"]
    assert alert["cause"]["node"] == "dataset:shop:raw"
    assert alert["path"][2] == "dataset:shop:orders"
    assert answer["root_cause"]["node"] == "dataset:shop:sales"
    assert [item["state"] for item in answer["decisions"]] == ["late", "fresh"]
    assert [item["receiver"] for item in answer["notifications"]] == ["pager"]

    fresh = get("/why", node="dataset:shop:orders")
    assert (fresh["state"], fresh["sentence"], fresh["root_cause"]) == ("fresh", "orders is fresh.", None)
    # No event has named it, only a rule.
    promised = get("/why", node="dataset:shop:promised")
    assert (promised["state"], promised["root_cause"]) == ("unknown", None)
    for node in ("dataset:shop:none", "job:shop:load"):
        assert client.get("/api/v2/why", query_string={"node": node}).status_code == 404


def test_of_what_nothing_is_expected_it_says_so(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("free")
    assert get("/why", node="dataset:shop:free")["sentence"] == "Nothing is expected of free."
    assert get("/freshness") == {"items": [], "next_cursor": None}


def test_a_muted_alert_says_by_whom(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("raw")
        watched = Watched(catalog.conn)
        watched.expect("daily")
        watched.stands("daily", "raw")
        window = {"id": "upgrade", "timezone": "UTC", "by": "anna", "reason": "new disks"}
        watched.rule("window", "upgrade", window | {"from": "2020-01-01", "to": "2100-01-01"})
        watched.alert("daily", "raw", muted_by="window:upgrade")
    (muted,) = get("/why", node="dataset:shop:raw")["muted"]
    assert muted == {
        "by": "window",
        "id": "upgrade",
        "author": "anna",
        "reason": "new disks",
        "ends_at": "2100-01-01T00:00:00.000000Z",
    }


def test_a_key_of_some_namespaces_learns_of_no_other(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        mine, theirs = catalog.dataset("mine", "mine://1"), catalog.dataset("theirs", "theirs://1")
        job = catalog.job("secret", "theirs://1")
        around = {"downstream_of": "dataset:theirs://1:theirs"}
        catalog.edge(job, theirs, Direction.INPUT)
        catalog.edge(job, mine, Direction.OUTPUT)
        watched = Watched(catalog.conn)
        watched.expect("wide", "*", namespace="mine://1", max_age="1d")
        watched.rule(
            "expectation", "around", {"id": "around", "timezone": "UTC", "dataset": around, "max_age": "1d"}
        )
        watched.expect("theirs", "theirs", namespace="theirs://1")
        watched.expect("coming", "coming", namespace="mine://2")
        for expectation, name, namespace in (
            ("wide", "mine", "mine://1"),
            ("around", "mine", "mine://1"),
            ("theirs", "theirs", "theirs://1"),
            ("coming", "coming", "mine://2"),
        ):
            watched.stands(expectation, name, namespace=namespace)
        watched.alert("theirs", "theirs", namespace="theirs://1", affects=1)
        watched.alert(
            "wide",
            "mine",
            namespace="mine://1",
            cause=print_of("theirs", "theirs"),
            path='["dataset:theirs://1:theirs", "job:theirs://1:secret", "dataset:mine://1:mine"]',
            explanation="The newest run of secret failed.",
            notified_at=NOON,
        )
        watched.alert("coming", "coming", namespace="mine://2")
        watched.notified("n1", print_of("wide", "mine"), print_of("theirs", "theirs"))
        created, _ = keys.create(catalog.conn, "test", ("operate",), ("mine://*",), NOON)

    def get(path: str, status: int = 200, **parameters: Any) -> Any:
        headers = {"X-API-Key": created}
        response = client.get(f"/api/v2{path}", query_string=parameters or None, headers=headers)
        assert response.status_code == status, response.text
        assert "theirs" not in response.text
        assert "secret" not in response.text
        return response.json

    answer = get("/freshness")
    # A dataset that no event has named is of a namespace all the same.
    assert [item["dataset"]["name"] for item in answer["items"]] == ["mine", "coming", "mine"]
    assert answer["items"][2]["cause"] == {"alert": None, "node": None, "text": None}
    assert get("/freshness/summary")["total"] == 3
    expectations = get("/expectations")["items"]
    assert [item["id"] for item in expectations] == ["around", "coming", "wide"]
    # Around what it is, the key may not know.
    assert [item["definition"] is None for item in expectations] == [True, False, False]
    why = get("/why", node="dataset:mine://1:mine")
    assert why["sentence"].endswith("The cause is something that you may not see.")
    assert why["alerts"][0]["path"] == []
    assert [item["title"] for item in why["notifications"]] == [None]
    assert [item["name"] for item in get("/alerts")["items"]] == ["coming", "mine"]
    get("/alerts/2")
    get("/alerts/1", 404)
    get("/alerts", 404, cause=1)


def test_what_is_foretold_is_shown_with_its_reason(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        dataset_id = catalog.dataset("sales")
        watched = Watched(catalog.conn)
        watched.expect("daily")
        watched.stands("daily", "sales", "due")
        watched.alert("daily", "sales", starts=NOON - 2 * HOUR, labels=(("kind", "forecast"),))
        reason = Reason("never")
        outlook = Outlook(NOON, True, reason, NOON, NOON + HOUR, NOON, NOON + 2 * HOUR, 0.9)
        forecasts.write(catalog.conn, [Forecast("daily", dataset_id, NOON, NOON, None, outlook)])
    (item,) = get("/freshness")["items"]
    assert item["forecast"] == {
        "release": iso(NOON),
        "deadline": iso(NOON),
        "made_at": iso(NOON),
        "expected_at": iso(NOON + HOUR),
        "low_at": iso(NOON),
        "high_at": iso(NOON + 2 * HOUR),
        "chance": 0.9,
        "missing": True,
        "sentence": "No update has been seen yet.",
    }
    assert item["alert"] == 1
    # Once it is late that counts, not that it was foretold.
    with writing() as catalog:
        Watched(catalog.conn).alert("daily", "sales", fingerprint="late")
    assert get("/freshness")["items"][0]["alert"] == 2
