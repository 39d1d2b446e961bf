"""What the board needs of many standings at once: what became of due times, accounts, orders, counts to choose by."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from collector.storage import forecasts, keys
from collector.storage.engine import Database
from collector.storage.forecasts import Forecast
from collector.storage.notes import attach_tag
from collector.storage.outcomes import Exclusion, write
from collector.storage.tables import outcome
from collector.times import iso
from lineage.model import Direction
from tests.accounts import DAY, history, nobody, settled
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing
from tests.statements import counted
from tests.watched import SEVEN, Watched
from triggers.forecasting import Outlook
from triggers.outcomes import Outcome
from triggers.rules import RuleSet
from triggers.verdict import Reason

UNTOUCHED = Exclusion(RuleSet(), nobody)


@pytest.fixture(autouse=True)
def at_noon(time_machine: Any) -> None:
    """It is noon."""
    time_machine.move_to(NOON / 1e6, tick=False)


@pytest.fixture
def stock(writing: Writing) -> None:
    """Expect four datasets: raw is late, orders will be, sales is fresh, and nobody has heard of promised."""
    with writing() as catalog:
        ids = {name: catalog.dataset(name) for name in ("raw", "orders", "sales")}
        for job, tool, written in (
            ("load", "AIRFLOW", "raw"),
            ("model", "DBT", "orders"),
            ("sum", "DBT", "sales"),
        ):
            id_ = catalog.job(job)
            catalog.edge(id_, ids[written], Direction.OUTPUT)
            catalog.facet(id_, "jobType", {"integration": tool, "processingType": "BATCH"})
        for name in ("orders", "sales"):
            catalog.facet(ids[name], "ownership", {"owners": [{"name": "team:finance"}]})
        attach_tag(catalog.conn, ids["sales"], "", "gold", NOON)
        watched = Watched(catalog.conn)
        watched.expect(
            "daily", due={"at": "07:00"}, grace={"late": "30m"}, slo={"share": 0.9, "period": "P10D"}
        )
        watched.expect("promised", "promised", max_age="1d")
        watched.stands("daily", "raw", "late")
        watched.stands("daily", "orders", "fresh", next_look_at=NOON + 2 * HOUR)
        watched.stands("daily", "sales", "fresh", next_look_at=NOON + HOUR)
        watched.stands("promised", "promised", "unknown", {"code": "never", "values": {}})
        outlook = Outlook(NOON, True, Reason("never"), NOON, NOON + HOUR, NOON, NOON + 2 * HOUR, 0.9)
        forecasts.write(catalog.conn, [Forecast("daily", ids["orders"], NOON, NOON, None, outlook)])


def names(answer: Any) -> list[str]:
    return [item["dataset"]["name"] for item in answer["items"]]


@pytest.mark.usefixtures("stock")
def test_what_became_of_due_times_comes_with_the_account(get: Get, writing: Writing) -> None:
    times = [
        Outcome(SEVEN - 3 * DAY, SEVEN - 3 * DAY, SEVEN - 3 * DAY - HOUR, True),
        Outcome(SEVEN - 2 * DAY, SEVEN - 2 * DAY, SEVEN - 2 * DAY + 2 * HOUR, False),
        Outcome(SEVEN - DAY, SEVEN - DAY, None, False),
        Outcome(SEVEN, SEVEN, None, False),
    ]
    with writing() as catalog:
        write(catalog.conn, [settled("daily", catalog.dataset("late"), *times)], UNTOUCHED)
        Watched(catalog.conn).stands("daily", "late", "late")
    (late,) = get("/freshness", name="late", history=3)["items"]
    assert late["history"] == [
        {
            "release": iso(SEVEN - 2 * DAY),
            "deadline": iso(SEVEN - 2 * DAY),
            "arrived_at": iso(SEVEN - 2 * DAY + 2 * HOUR),
            "outcome": "late",
            "late_by": 7200.0,
            "excluded_by": None,
        },
        {
            "release": iso(SEVEN - DAY),
            "deadline": iso(SEVEN - DAY),
            "arrived_at": None,
            "outcome": "missed",
            "late_by": None,
            "excluded_by": None,
        },
        # It may still come: until now.
        {
            "release": iso(SEVEN),
            "deadline": iso(SEVEN),
            "arrived_at": None,
            "outcome": "late",
            "late_by": 18_000.0,
            "excluded_by": None,
        },
    ]
    assert late["account"] == {
        "since": iso(NOON - 10 * DAY),
        "deadlines": 4,
        "met": 1,
        "excluded": 0,
        "share": 0.25,
        "objective": 0.9,
        "budget": {"allowed": 0.4, "missed": 3, "left": -2.6, "left_share": -6.5, "burned": 7.5},
    }
    (before,) = get("/freshness", name="late", history=4)["items"]
    assert before["history"][0]["late_by"] == -3600.0
    (promised,) = get("/freshness", name="promised", history=1)["items"]
    assert (promised["history"], promised["account"]["deadlines"], promised["account"]["budget"]) == (
        [],
        0,
        None,
    )


def test_a_window_and_what_is_not_as_it_should_be_are_told_apart(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        id_ = catalog.dataset("orders")
        watched = Watched(catalog.conn)
        watched.expect("daily", "orders", assertions={})
        watched.stands("daily", "orders", "failed")
        write(
            catalog.conn,
            [settled("daily", id_, Outcome(NOON - HOUR, NOON - HOUR, NOON - HOUR, False))],
            UNTOUCHED,
        )
    (item,) = get("/freshness", history=5)["items"]
    assert [each["outcome"] for each in item["history"]] == ["failed"]
    with writing() as catalog:
        catalog.conn.execute(update(outcome).values(excluded_by="upgrade"))
    (item,) = get("/freshness", history=5)["items"]
    assert [(each["outcome"], each["excluded_by"]) for each in item["history"]] == [("excluded", "upgrade")]
    assert item["account"]["excluded"] == 1


def test_what_came_under_another_name_of_now_counts_as_well(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        orders = catalog.dataset("orders")
        catalog.dataset("old", canonical_id=orders)
        watched = Watched(catalog.conn)
        watched.expect("daily", "orders")
        watched.stands("daily", "orders", "fresh")
        history(catalog.conn, "daily", "orders", SEVEN, "++")
        history(catalog.conn, "daily", "old", SEVEN - 2 * DAY, "-+")
    (item,) = get("/freshness", history=3)["items"]
    assert [each["outcome"] for each in item["history"]] == ["met", "met", "met"]
    assert (item["account"]["met"], item["account"]["deadlines"]) == (3, 4)


@pytest.mark.usefixtures("stock")
def test_owners_tools_and_what_is_awaited(get: Get) -> None:
    items = {item["dataset"]["name"]: item for item in get("/freshness", history=1)["items"]}
    assert (items["sales"]["owners"], items["sales"]["tools"]) == (["team:finance"], ["DBT"])
    assert (items["raw"]["owners"], items["raw"]["tools"]) == ([], ["AIRFLOW"])
    # Late is what should have come; of what is fresh the next is awaited.
    assert items["raw"]["awaited"] == {"release": iso(SEVEN), "deadline": iso(SEVEN)}
    assert items["sales"]["awaited"] == {
        "release": iso(SEVEN + DAY),
        "deadline": iso(SEVEN + DAY + HOUR // 2),
    }
    assert items["promised"]["awaited"] is None
    plain = get("/freshness", name="sales")["items"][0]
    assert [plain[name] for name in ("history", "account", "owners", "tools")] == [None] * 4


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("worst", ["raw", "promised", "orders", "sales"]),
        ("next", ["raw", "orders", "sales", "promised"]),
        ("name", ["promised", "orders", "raw", "sales"]),
    ],
)
def test_each_order_goes_on_over_pages(get: Get, sort: str, expected: list[str]) -> None:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = get("/freshness", sort=sort, limit=1, **cursor)
        found += names(page)
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    if sort == "worst":
        # Of those that are as bad as each other the deadlines decide, which here are the same.
        assert found[:2] == expected[:2]
        assert sorted(found) == sorted(expected)
    else:
        assert found == expected


@pytest.mark.usefixtures("stock")
def test_by_expectation_and_by_tool(get: Get, client: FlaskClient) -> None:
    assert names(get("/freshness", sort="expectation"))[-1] == "promised"
    assert sorted(names(get("/freshness", tool="DBT"))) == ["orders", "sales"]
    assert names(get("/freshness", tool="DBT", tag="gold")) == ["sales"]
    assert names(get("/freshness", tool="none")) == []
    cursor = get("/freshness", sort="name", limit=1)["next_cursor"]
    answer = client.get("/api/v2/freshness", query_string={"sort": "worst", "cursor": cursor})
    assert answer.status_code == 422


@pytest.mark.usefixtures("stock")
def test_counts_say_what_each_choice_would_leave(get: Get) -> None:
    assert get("/freshness/summary")["values"] is None
    every = get("/freshness/summary", values="true")
    assert every["values"]["tool"] == [
        {"value": "DBT", "total": 2, "violated": 0},
        {"value": "AIRFLOW", "total": 1, "violated": 1},
    ]
    assert every["values"]["namespace"] == [{"value": "shop", "total": 4, "violated": 1}]
    some = get("/freshness/summary", values="true", tool="DBT", state="fresh")
    assert (some["total"], some["states"]["fresh"], some["violated"]) == (2, 2, 0)
    # The tools that one could have instead: of what is fresh, too.
    assert some["values"]["tool"] == [{"value": "DBT", "total": 2, "violated": 0}]
    assert some["values"]["owner"] == [{"value": "team:finance", "total": 2, "violated": 0}]
    assert some["values"]["tag"] == [{"value": "gold", "total": 1, "violated": 0}]
    violated = get("/freshness/summary", values="true", violated="true")
    assert [each["value"] for each in violated["values"]["tool"]] == ["AIRFLOW"]
    named = get("/freshness/summary", values="true", name="sales")
    assert named["values"]["state"] == [{"value": "fresh", "total": 1, "violated": 0}]


@pytest.mark.usefixtures("stock")
def test_of_too_many_nothing_is_counted_by_value(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.questions.standings.MOST_COUNTED", 3)
    answer = get("/freshness/summary", values="true")
    assert (answer["total"], answer["values"]) == (4, None)


def test_a_key_counts_only_what_it_sees(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        mine, theirs = catalog.dataset("mine", "mine://1"), catalog.dataset("theirs", "theirs://1")
        for name, namespace, written in (("open", "mine://1", mine), ("secret", "theirs://1", mine)):
            job = catalog.job(name, namespace)
            catalog.edge(job, written, Direction.OUTPUT)
            catalog.facet(job, "jobType", {"integration": name.upper(), "processingType": "BATCH"})
        catalog.facet(theirs, "ownership", {"owners": [{"name": "theirs"}]})
        watched = Watched(catalog.conn)
        watched.expect("wide", "mine", namespace="mine://1")
        watched.expect("other", "theirs", namespace="theirs://1")
        watched.stands("wide", "mine", namespace="mine://1")
        watched.stands("other", "theirs", namespace="theirs://1")
        created, _ = keys.create(catalog.conn, "test", ("read",), ("mine://*",), NOON)
    headers = {"X-API-Key": created}
    for path in ("/freshness?history=3", "/freshness/summary?values=true", "/freshness?tool=SECRET"):
        answer = client.get(f"/api/v2{path}", headers=headers)
        assert answer.status_code == 200
        assert "theirs" not in answer.text
        assert "SECRET" not in answer.text
    items = client.get("/api/v2/freshness?history=3", headers=headers).get_json()["items"]
    assert [(item["dataset"]["name"], item["tools"]) for item in items] == [("mine", ["OPEN"])]
    assert client.get("/api/v2/freshness?tool=SECRET", headers=headers).get_json()["items"] == []


def test_many_rows_take_no_more_statements_than_few(get: Get, writing: Writing, database: Database) -> None:
    def fill(first: int, last: int) -> None:
        with writing() as catalog:
            watched = Watched(catalog.conn)
            for number in range(first, last):
                id_ = catalog.dataset(f"d{number}")
                job = catalog.job(f"j{number}")
                catalog.edge(job, id_, Direction.OUTPUT)
                catalog.facet(job, "jobType", {"integration": "DBT", "processingType": "BATCH"})
                watched.expect(f"e{number}", f"d{number}", due={"at": "07:00"}, slo={"share": 0.9})
                watched.stands(f"e{number}", f"d{number}", "fresh")
                history(catalog.conn, f"e{number}", f"d{number}", SEVEN, "++-")

    fill(0, 2)
    get("/freshness", history=30)
    with counted(database) as few:
        get("/freshness", history=30)
        get("/freshness/summary", values="true")
    fill(2, 40)
    with counted(database) as many:
        assert len(get("/freshness", history=30)["items"]) == 40
        get("/freshness/summary", values="true")
    assert len(many) == len(few)


@pytest.mark.usefixtures("stock")
def test_expectations_say_what_is_expected(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        history(catalog.conn, "daily", "sales", SEVEN, "+-+")
    daily = get("/expectations/daily", history=2)
    assert daily["sentence"] == (
        "New data is there by 07:00 every day (UTC), and is late 30 min after that. "
        "90 % of the deadlines in 10 d are to be met."
    )
    sales = next(item for item in daily["items"] if item["dataset"]["name"] == "sales")
    assert [each["outcome"] for each in sales["history"]] == ["missed", "met"]
    assert get("/expectations")["items"][1]["sentence"] == "New data comes within 1 d of the last."
