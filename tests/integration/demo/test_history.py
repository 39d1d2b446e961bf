"""The past of the shop, lived through: what stands, what is wrong and who was told, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from collector.demo import file, opening
from collector.demo.history import build
from collector.demo.model import DAY, HOUR, MINUTE
from collector.demo.receiver import Receiver
from collector.errors import Conflict
from collector.ingest.projector import Projector
from collector.storage import outbox_reads
from collector.storage.engine import Database
from collector.storage.tables import (
    alert,
    dataset,
    evaluation,
    event,
    expectation_state,
    firing,
    inbox,
    parked,
    rejected,
    run,
)
from tests.dump import dump

ANCHOR = 1_795_340_000_000_000
CAUSE = "payments.load_files"
FINANCE = {
    f"shop.finance.{name}"
    for name in ("stg_payments", "fct_payments", "revenue_daily", "margin_by_product", "cash_position")
}


def filled(database_url: str, days: int = 2) -> Database:
    build(database_url, until=ANCHOR, days=days)
    return Database(database_url)


def bad(database: Database) -> dict[str, str]:
    """Give the state of each dataset that is not as expected."""
    wanted = select(dataset.c.name, expectation_state.c.state).join_from(
        expectation_state, dataset, dataset.c.id == expectation_state.c.dataset_id
    )
    with database.read() as conn:
        return {name: state for name, state in conn.execute(wanted) if state not in ("fresh", "learning")}


def open_alerts(database: Database) -> dict[tuple[str, str], str | None]:
    """Give by rule and name the fingerprint of what explains what is wrong now."""
    with database.read() as conn:
        rows = conn.execute(select(alert).where(alert.c.ends_at.is_(None))).all()
    return {(row.rule, row.name): row.cause for row in rows}


def count(database: Database, table: Any) -> int:
    with database.read() as conn:
        found: int = conn.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def test_the_newcomer_finds_the_failed_load_at_the_root_of_what_is_late(database_url: str) -> None:
    database = filled(database_url)
    assert bad(database) == dict.fromkeys({"shop.raw.payments", "shop.raw.supplier_prices", *FINANCE}, "late")
    alerts = open_alerts(database)
    explained = {key: cause for key, cause in alerts.items() if cause is not None}
    assert alerts.keys() - explained.keys() == {
        ("failed_run", CAUSE),
        ("supplier-prices", "shop.raw.supplier_prices"),
    }
    assert (
        explained.keys()
        == {
            ("payments-landed", "shop.raw.payments"),
            *(("finance-marts", name) for name in FINANCE),
        }
        | {("revenue-report", "finance/revenue_daily")} & alerts.keys()
    )
    assert len(set(explained.values())) == 1
    with database.read() as conn:
        waiting = {
            row.trigger_id: (row.state, row.count)
            for row in conn.execute(
                select(firing.c.trigger_id, firing.c.state, func.count().label("count")).group_by(
                    firing.c.trigger_id, firing.c.state
                )
            )
        }
        told = {each.id: each.counts for each in outbox_reads.receivers(conn)}
    assert waiting == {
        "board-report": ("completed", 1),
        "close-day": ("completed", 1),
        "publish-customers": ("completed", waiting["publish-customers"][1]),
        "refresh-dashboards": ("completed", waiting["refresh-dashboards"][1]),
    }
    assert told["finance-chat"]["delivered"] >= 2
    assert told["data-chat"]["delivered"] >= 1
    assert told["legacy-pager"] == {"pending": 1, "delivered": 0, "dead": 0, "cancelled": 0}
    assert (count(database, inbox), count(database, parked), count(database, rejected)) == (0, 0, 1)
    database.close()


def test_the_same_story_leaves_the_same_traces(tmp_path: Path, sqlite_template: Path) -> None:
    seen = []
    for name in ("one.db", "other.db"):
        path = tmp_path / name
        path.write_bytes(sqlite_template.read_bytes())
        database = filled(file.url_of(path), days=1)
        with database.read() as conn:
            # What was delivered when says how long it took; all else is the story's.
            decided = conn.execute(select(evaluation).order_by(evaluation.c.id)).all()
            fired = conn.execute(select(firing.c.id, firing.c.key).order_by(firing.c.id)).all()
            seen.append((dump(conn), decided, fired, open_alerts(database)))
        database.close()
    assert seen[0] == seen[1]


def running(database: Database) -> set[str]:
    """Give the jobs, by run, that have not ended; streams left out."""
    with database.read() as conn:
        rows = conn.execute(
            select(run.c.run_id).where(
                run.c.state == "RUNNING", run.c.processing_type.is_distinct_from("STREAMING")
            )
        )
        return set(rows.scalars())


def opened_at(path: Path, now: int, monkeypatch: pytest.MonkeyPatch, days: int = 1) -> None:
    """Open a demo as if it were that time (µs UTC)."""
    monkeypatch.setattr(opening, "now_us", lambda: now)
    look = file.look_of(path)
    with Receiver() as receiver:
        if look is None:
            opening.begin(path, receiver, days, lambda done: None)
        else:
            opening.go_on(path, look, receiver, lambda done, of: None)


def test_who_comes_back_soon_finds_the_same_morning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "demo.db"
    opened_at(path, ANCHOR, monkeypatch, days=2)
    opening.check_unused(path)
    database = Database(file.url_of(path))
    elsewhere = Projector(database, holder="elsewhere:1:0")
    assert elsewhere.take()
    with pytest.raises(Conflict, match="A server works on the database"):
        opened_at(path, ANCHOR + HOUR, monkeypatch)
    elsewhere.release()
    before, events_before = running(database), count(database, event)
    assert before
    opened_at(path, ANCHOR + 2 * HOUR, monkeypatch)
    assert file.look_of(path) == ANCHOR - ANCHOR % (5 * MINUTE)
    assert count(database, event) > events_before
    assert not running(database) & before
    assert {"shop.raw.payments", *FINANCE} <= bad(database).keys()
    assert ("failed_run", CAUSE) in open_alerts(database)
    database.close()


def test_who_comes_back_another_day_finds_another_morning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "demo.db"
    opened_at(path, ANCHOR, monkeypatch)
    later = ANCHOR + 2 * DAY + 7 * HOUR
    opened_at(path, later, monkeypatch)
    assert file.look_of(path) == later - later % (5 * MINUTE)
    database = Database(file.url_of(path))
    assert open_alerts(database)["failed_run", CAUSE] is None
    with database.read() as conn:
        starts = conn.execute(
            select(alert.c.starts_at).where(alert.c.rule == "failed_run", alert.c.ends_at.is_(None))
        ).scalar_one()
    # Between the two mornings it went well.
    assert later - starts < 2 * HOUR
    assert not running(database) or len(running(database)) < 6
    database.close()


def test_a_past_that_was_not_completed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "demo.db"
    file.mark(path, None)
    with file.making(path), pytest.raises(Conflict, match="A demo is being made in"):
        opened_at(path, ANCHOR, monkeypatch)
    opened_at(path, ANCHOR, monkeypatch)
    assert file.look_of(path) is not None
