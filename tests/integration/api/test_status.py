"""How everything stands, over HTTP."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select, text

from collector.api.recording import await_projected
from collector.ingest.projector import Projector
from collector.storage import forecasts, intake, keys, tables
from collector.storage.engine import Database
from collector.storage.forecasts import Forecast
from collector.times import iso, now_us
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing
from tests.integration.api.test_plans import plans
from tests.statements import counted
from tests.watched import Watched, print_of
from triggers.forecasting import Outlook
from triggers.verdict import Reason

MINUTE = 60_000_000


@pytest.fixture
def projecting(database: Database) -> Iterator[None]:
    """Run a projector during the test."""
    stop = threading.Event()
    thread = threading.Thread(target=Projector(database, holder="test").run, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join()


def _hashes(database: Database) -> list[bytes]:
    with database.read() as conn:
        return list(conn.execute(select(tables.event.c.hash)).scalars())


def test_an_empty_server_says_so(get: Get) -> None:
    found = get("/status")
    assert found["sentence"] == "No event has come yet."
    assert (found["causes"], found["deadlines"], found["failures"], found["tools"]) == ([], [], [], [])
    assert [each["events"] for each in found["intake"]["minutes"]] == [0] * 60
    assert found["intake"]["newest_received_at"] is None


def test_the_sentence_says_what_to_know_first(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        catalog.event({}, now_us(), entity=catalog.job("load"))
    assert get("/status")["sentence"] == "Nothing is expected of any dataset yet."
    with writing() as catalog:
        watched = Watched(catalog.conn)
        watched.expect("daily")
        watched.stands("daily", "a", "fresh")
        watched.stands("daily", "b", "fresh")
    assert get("/status")["sentence"] == "All 2 expectations are met."
    with writing() as catalog:
        Watched(catalog.conn).stands("daily", "c")
    assert get("/status")["sentence"] == "1 of 3 expectations is not met."
    with writing() as catalog:
        watched, load = Watched(catalog.conn), print_of("failed_run", "load")
        watched.alert("failed_run", "load", type_="job", affects=2)
        watched.alert("daily", "c", cause=load)
        watched.alert("daily", "d", cause=load)
    assert get("/status")["sentence"] == "load failed and makes 2 datasets late."
    with writing() as catalog:
        Watched(catalog.conn).alert(
            "daily", "e", acknowledged_at=NOON, acknowledged_by="anna", acknowledged_note="x"
        )
    assert get("/status")["sentence"] == "2 causes make 3 datasets late; 1 of these acknowledged."


def test_deadlines_come_by_risk_and_then_by_time(get: Get, writing: Writing) -> None:
    now = now_us()
    with writing() as catalog:
        watched = Watched(catalog.conn)
        watched.expect("hourly", max_age="PT1H")
        for name, minutes in (("third", 30), ("second", 20), ("first", 10), ("late", -10)):
            catalog.dataset(name)
            at = now + minutes * MINUTE
            told = {
                "code": "aging",
                "values": {"last": at - HOUR, "age": HOUR, "release": at, "deadline": at},
            }
            watched.stands(
                "hourly", name, "late" if minutes < 0 else "due", told, deadline_at=at, next_look_at=at
            )
        risky = catalog.dataset("risky")
        at = now + 50 * MINUTE
        told = {"code": "aging", "values": {"last": at - HOUR, "age": HOUR, "release": at, "deadline": at}}
        watched.stands("hourly", "risky", "fresh", told, deadline_at=at, next_look_at=at)
        outlook = Outlook(now, True, Reason("may_miss", {"deadline": at, "far": False, "chance": 80}), now)
        forecasts.write(catalog.conn, [Forecast("hourly", risky, at, at, now, outlook)])
    found = get("/status")["deadlines"]
    assert [(each["standing"]["dataset"]["name"], each["at_risk"]) for each in found] == [
        ("risky", True),
        ("first", False),
        ("second", False),
        ("third", False),
    ]
    assert found[0]["at"] == iso(now + 50 * MINUTE)
    assert found[0]["standing"]["forecast"]["missing"] is True


def test_a_release_that_was_met_makes_way_for_the_next(get: Get, writing: Writing) -> None:
    now = now_us()
    met = (now // (24 * HOUR)) * 24 * HOUR + 7 * HOUR - 24 * HOUR
    with writing() as catalog:
        catalog.dataset("a")
        watched = Watched(catalog.conn)
        watched.expect("daily")
        told = {"code": "arrived", "values": {"release": met, "deadline": met, "at": met - HOUR}}
        watched.stands("daily", "a", "fresh", told, next_look_at=now + 1)
    (found,) = get("/status")["deadlines"] or [{"at": None}]
    assert found["at"] in (iso(met + 24 * HOUR), None)


def test_a_failed_run_tells_whether_its_job_has_recovered(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        load, other = catalog.job("load"), catalog.job("other")
        catalog.run(load, "r1", NOON, state="FAIL", error="first")
        catalog.run(load, "r2", NOON + 1, state="FAIL", error="disk full")
        catalog.run(load, "r3", NOON + 2)
        catalog.run(other, "r4", NOON, state="FAIL")
    found = get("/status")["failures"]
    assert [(each["run_id"], each["error"], each["newest"]["state"]) for each in found] == [
        ("r4", None, "FAIL"),
        ("r2", "disk full", "COMPLETE"),
    ]


@pytest.mark.parametrize("number", [100, 4_400])
def test_events_are_counted_minute_by_minute(
    get: Get, writing: Writing, number: int, database: Database
) -> None:
    this = now_us() // MINUTE * MINUTE
    with writing() as catalog:
        job = catalog.job("load")
        for each in range(number):  # two minutes of them, three and two minutes ago; and many before the hour
            old = each < number // 2
            at = this - (90 if old else 3) * MINUTE + (each % (number // 2)) * 2 * MINUTE // (number // 2)
            catalog.event({"n": each}, at, entity=job, received_at=at)
    with counted(database) as statements:
        minutes = {each["at"]: each["events"] for each in get("/status")["intake"]["minutes"]}
    assert abs(sum(minutes.values()) - number // 2) <= 1
    busy = [minutes[iso(this - ago * MINUTE)] for ago in (3, 2)]
    assert sum(busy) >= 0.98 * number // 2
    assert abs(busy[0] - busy[1]) <= max(1, number // 100)
    assert len(statements) < 40


def test_tools_are_known_from_some_of_their_events(get: Get, writing: Writing) -> None:
    base = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0"
    airflow = {"facets": {"jobType": {"integration": "AIRFLOW"}}}
    with writing() as catalog:
        job = catalog.job("load")
        for number, event in enumerate(
            [
                {"producer": f"{base}/integration/dbt"},
                {"producer": f"{base}/integration/dbt", "n": 2},
                {"producer": "https://github.com/apache/airflow/tree/x", "job": airflow},
                {"producer": f"{base}/client/python"},
            ]
        ):
            catalog.event(event, NOON + number, entity=job, received_at=NOON + number)
    found = get("/status")["tools"]
    assert [(each["tool"], each["share"], each["version"]) for each in found] == [
        ("python client", 0.25, "1.54.0"),
        ("airflow", 0.25, None),
        ("dbt", 0.5, "1.54.0"),
    ]
    assert found[-1]["last_at"] == iso(NOON + 1)


def test_a_key_of_one_namespace_hears_of_nothing_else(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        for place in ("shop", "mart"):
            catalog.run(catalog.job("load", place), f"r-{place}", state="FAIL")
            catalog.event({"producer": f"https://{place}.example.org"}, NOON, entity=catalog.job("x", place))
            Watched(catalog.conn).alert("daily", place, namespace=place)
        key = keys.create(catalog.conn, "mart", ("read", "ingest"), ("mart",), NOON)[0]
    found: Any = client.get("/api/v2/status", headers={"X-API-Key": key}).get_json()
    assert found["sentence"] == "mart is late."
    assert [each["name"] for each in found["causes"]] == ["mart"]
    assert [each["run_id"] for each in found["failures"]] == ["r-mart"]
    assert [each["tool"] for each in found["tools"]] == ["mart.example.org"]
    assert found["intake"] is None
    sent = client.post("/api/v2/status/test-event", json={}, headers={"X-API-Key": key})
    assert sent.status_code == 403


@pytest.mark.usefixtures("projecting")
def test_a_test_event_takes_the_way_of_all_events(client: FlaskClient, get: Get, database: Database) -> None:
    sent = client.post("/api/v2/status/test-event", json={})
    assert sent.status_code == 200, sent.text
    assert await_projected(database, 5, _hashes(database))
    run = get("/run", run_id=sent.get_json()["run_id"])
    assert (run["job"], run["state"]) == (sent.get_json()["job"], "COMPLETE")
    assert get("/status")["intake"]["minutes"][-1]["events"] == 1


def test_a_long_log_is_sampled(database: Database, writing: Writing) -> None:
    with writing() as catalog:
        job = catalog.job("load")
        for number in range(1_000):
            catalog.event({"n": number}, NOON + number, entity=job)
    with database.read() as conn:
        ends = intake.ends(conn)
        assert ends is not None
        found = intake.sample(conn, ends, None)
    assert (ends.last - ends.first, len([each for each in found if each.spread])) == (999, intake.PROBES)
    assert len(found) <= intake.PROBES + intake.NEWEST
    assert [each.id for each in found] == sorted(each.id for each in found)


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("/status", "ix_expectation_state_next_look_at"),
        ("/status", "ix_forecast_missing_deadline_at"),
        ("/alerts/causes?state=ended&since=2026-11-22T00:00Z", "ix_alert_ends_at"),
    ],
)
def test_what_comes_next_is_found_by_an_index(
    client: FlaskClient, database: Database, writing: Writing, path: str, index: str
) -> None:
    now = now_us()
    with writing() as catalog:
        watched = Watched(catalog.conn)
        watched.expect("daily")
        for number in range(300):
            id_ = watched.stands("daily", f"d{number}", "fresh", next_look_at=now + number)
            forecasts.write(catalog.conn, [Forecast("daily", id_, now, now, now)])
            watched.alert("daily", f"d{number}", ends_at=NOON + number)
        catalog.conn.execute(text("ANALYZE"))
    statements: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        statements.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    assert client.get(f"/api/v2{path}").status_code == 200
    event.remove(database.engine, "before_cursor_execute", note)
    wanted = [each for each in statements if "ORDER BY" in each[0]]
    (plan,) = [plan for plan in plans(database, wanted) if index in plan][:1]
    assert "TEMP B-TREE" not in plan
    assert not re.search(r"(?m)(^|->  )Sort  ", plan)
