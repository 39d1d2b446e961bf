"""Health and metrics, with the database there and away."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, text

from collector.app import create_app
from collector.auth import Authenticator
from collector.settings import Settings
from collector.storage import facts, outbox, tables
from collector.storage.engine import Database
from collector.storage.migrate import downgrade
from collector.times import now_us
from collector.wiring import Services
from tests.events import MINUTE
from tests.integration.api.conftest import Writing
from tests.watched import Watched


def test_a_server_with_nothing_to_do_is_ready(client: FlaskClient) -> None:
    assert client.get("/livez").json == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert {name: check["ok"] for name, check in answer.json["checks"].items()} == {
        "database": True,
        "schema": True,
        "projector": True,
    }


def waiting(writing: Writing, seconds: float) -> None:
    """Put an event into the projector's queue that came so many seconds ago."""
    with writing() as catalog:
        event_id = catalog.event({}, received_at=now_us() - int(seconds * 1_000_000))
        catalog.conn.execute(insert(tables.inbox), [{"event_id": event_id}])


def test_a_projector_that_is_far_behind_makes_it_not_ready(client: FlaskClient, writing: Writing) -> None:
    waiting(writing, 301)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    projector = answer.json["checks"]["projector"]
    assert projector["ok"] is False
    assert 301 <= projector["lag_seconds"] < 330


def test_another_schema_makes_it_not_ready(client: FlaskClient, database_url: str) -> None:
    downgrade(database_url, "base")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"]["schema"]["ok"] is False
    assert "tidegate db upgrade" in answer.json["checks"]["schema"]["detail"]
    # Other questions fail, but as problems.
    assert client.get("/api/v2/jobs").status_code in (500, 503)


def away(tmp_path: Path) -> FlaskClient:
    """Give a client of an application whose database cannot be reached."""
    database = Database(f"sqlite:///{tmp_path / 'no such folder' / 't.db'}")
    return create_app(Services(Settings(), database, Authenticator(database))).test_client()


def test_without_its_database_it_lives_says_so_and_gives_the_other_metrics(tmp_path: Path) -> None:
    client = away(tmp_path)
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"]["database"]["ok"] is False
    metrics = client.get("/metrics")
    assert metrics.status_code == 200
    assert "tidegate_inbox_size" not in metrics.text
    refused = client.get("/api/v2/jobs")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert client.get("/api/docs").status_code == 200
    page = client.get("/", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert "database" in page.text


def test_metrics_tell_what_waits(client: FlaskClient, writing: Writing) -> None:
    def metric(name: str) -> float:
        (line,) = (line for line in client.get("/metrics").text.splitlines() if line.startswith(f"{name} "))
        return float(line.split()[1])

    assert (metric("tidegate_inbox_size"), metric("tidegate_inbox_age_seconds")) == (0, 0)
    waiting(writing, 60)
    assert metric("tidegate_inbox_size") == 1
    assert 60 <= metric("tidegate_inbox_age_seconds") < 90
    assert client.get("/metrics").content_type.startswith("text/plain")


def test_a_question_that_takes_too_long_ends_in_503(
    limited: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "postgresql": "SELECT pg_sleep(30)",
    }[database.dialect]
    monkeypatch.setattr(
        "collector.storage.name_search.search_names", lambda conn, *_, **__: conn.execute(text(slow))
    )
    client = limited(query_timeout=0.2)
    started = time.monotonic()
    answer = client.get("/api/v2/search?q=x")
    assert time.monotonic() - started < 5
    assert answer.status_code == 503
    assert answer.json["detail"] == "The query took longer than allowed; ask for less."
    # The connection goes back without the limit.
    assert client.get("/api/v2/jobs").status_code == 200


def test_metrics_tell_of_freshness(client: FlaskClient, writing: Writing) -> None:
    def metric(name: str) -> float:
        (line,) = (line for line in client.get("/metrics").text.splitlines() if line.startswith(f"{name} "))
        return float(line.split()[1])

    waits = ("facts_waiting", "fact_lag_seconds", "timer_lateness_seconds", "outbox_oldest_seconds")
    assert [metric(f"tidegate_{name}") for name in waits] == [0, 0, 0, 0]
    assert metric('tidegate_alerts{severity="critical",state="open"}') == 0
    past = now_us() - MINUTE
    with writing() as catalog:
        facts.tell(catalog.conn, {1: facts.What.UPDATE, 2: facts.What.RUN}, past)
        outbox.put(catalog.conn, "pager", "notification", "k1", {}, past)
        watched = Watched(catalog.conn)
        watched.stands("daily", "raw", "late", next_look_at=past)
        watched.stands("daily", "sales", "fresh", next_look_at=now_us() + MINUTE)
        watched.alert("daily", "raw", severity="critical", affects=3)
        for name, how in (
            ("a", {"cause": "x"}),
            ("b", {"muted_by": "silence:s"}),
            ("c", {"acknowledged_at": past}),
        ):
            watched.alert("daily", name, **how)
        watched.alert("daily", "over", ends_at=past)
    assert metric("tidegate_facts_waiting") == 2
    for name in waits[1:]:
        assert 60 <= metric(f"tidegate_{name}") < 90, name
    assert metric('tidegate_outbox_rows{state="pending"}') == 1
    assert metric('tidegate_outbox_rows{state="dead"}') == 0
    assert metric('tidegate_alerts{severity="critical",state="open"}') == 1
    assert metric('tidegate_alerts{severity="warning",state="open"}') == 0
    for state in ("affected", "muted", "acknowledged"):
        assert metric(f'tidegate_alerts{{severity="warning",state="{state}"}}') == 1, state
    assert metric('tidegate_expectations{state="late"}') == 1
    assert metric('tidegate_expectations{state="missed"}') == 0
