"""Lists find their pages by indexes: the plans of both databases say so."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text

from collector.api import cursors
from collector.storage.engine import Database
from collector.storage.graph import SqlGraph
from lineage.model import Direction, entity_id, run_key
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing

SHOP = entity_id("namespace", "shop")

PLANS = [
    ("/jobs", {}, "ix_job_namespace_name"),
    ("/jobs", {"namespace": "shop"}, "ix_job_namespace_name"),
    ("/datasets", {}, "ix_dataset_namespace_name"),
    ("/datasets", {"cursor": cursors.encode((SHOP, "d", 0))}, "ix_dataset_namespace_name"),
    ("/lineage/orphans", {"lack": "never_read"}, "ix_dataset_namespace_name"),
    ("/lineage/diff", {"from": "2026-11-22T00:00:00Z"}, "ix_edge_valid_from"),
    ("/lineage/diff", {"from": "2026-11-22T00:00:00Z"}, "ix_edge_valid_to"),
    ("/runs", {}, "run"),
    ("/runs", {"job_namespace": "shop", "job_name": "load"}, "ix_run_job_id_first_event_at"),
    ("/runs", {"parent_run_id": "p5"}, "ix_run_parent_key"),
    ("/events", {}, "event"),
    ("/events", {"cursor": cursors.encode((50,))}, "event"),
    ("/events", {"by": "event", "since": "2026-11-22T12:00:00Z"}, "ix_event_event_time"),
    ("/events", {"run_id": "r1"}, "ix_event_run_key"),
    ("/events", {"job_namespace": "shop", "job_name": "load"}, "ix_event_entity_id"),
    ("/dataset/updates", {"namespace": "shop", "name": "d000"}, "dataset_update"),
]
"""Path, parameters, and the index that the statement for the page goes by: a table's name is its primary key's."""

SHORT = ("ix_run_parent_key", "ix_event_run_key", "ix_event_entity_id")


@pytest.fixture
def filled(database: Database, writing: Writing) -> None:
    with writing() as catalog:
        jobs = [catalog.job("load")]
        for namespace in ("shop", "other"):
            jobs += [catalog.job(f"j{number}", namespace) for number in range(30)]
        for number in range(200):
            namespace = ("shop", "other")[number % 2]
            dataset = catalog.dataset(f"d{number:03}", namespace)
            job, parent = jobs[number % len(jobs)], f"p{number // 3}"
            run = catalog.run(
                job, f"r{number}", NOON + number, parent_key=run_key(parent), parent_run_id=parent
            )
            catalog.uses(run, dataset, Direction.OUTPUT)
            catalog.edge(job, dataset, Direction.OUTPUT, NOON - number, valid_to=NOON + number + 1)
            for updates in range(3):
                catalog.update(dataset, run, NOON + number + updates)
            catalog.event({}, NOON + number * HOUR, entity=job, run_key=run_key(f"r{number}"))
    with database.write() as conn:
        conn.execute(text("ANALYZE"))


def plans(database: Database, statements: list[tuple[str, Any]]) -> list[str]:
    """Give the plan of each statement, in PostgreSQL as if the tables were too large to be read whole."""
    found = []
    with database.read() as conn:
        if database.dialect == "postgresql":
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
            conn.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        for statement, parameters in statements:
            explain = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
            rows = conn.exec_driver_sql(f"{explain} {statement}", parameters).all()
            found.append("\n".join(str(row[-1]) for row in rows))
    return found


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("path", "parameters", "index"), PLANS)
def test_a_page_is_found_by_an_index(
    database: Database, client: FlaskClient, path: str, parameters: dict[str, Any], index: str
) -> None:
    statements: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        statements.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    assert client.get(f"/api/v2{path}", query_string={**parameters, "limit": 50}).status_code == 200
    event.remove(database.engine, "before_cursor_execute", note)

    pages = [(statement, values) for statement, values in statements if "ORDER BY" in statement]
    plan = next(plan for plan in plans(database, pages) if index in plan)
    if database.dialect == "sqlite":
        # A whole scan in the order of a key is one that stops when the page is full.
        assert f"INDEX {index}" in plan or index in ("run", "event", "dataset_update")
        assert "TEMP B-TREE" not in plan
    else:
        wanted = index if index.startswith(("ix_", "uq_")) else f"pk_{index}"
        assert wanted in plan
        # An index on one column has its few rows of one value in no order.
        assert index in SHORT or not re.search(r"(?m)(^|->  )Sort  ", plan)


@pytest.mark.parametrize("direction", [Direction.INPUT, Direction.OUTPUT])
def test_a_step_between_datasets_begins_at_those_asked_about(
    database: Database, direction: Direction
) -> None:
    statements: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        statements.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as conn:
        list(SqlGraph(conn).between_datasets([1], direction))
    event.remove(database.engine, "before_cursor_execute", note)
    (plan,) = plans(database, [each for each in statements if "UNION" in each[0]])
    # Nearly all edges have none.
    assert "ix_edge_derivation_id" not in re.split(r"UNION ALL|SELECT DISTINCT|Unique|HashAggregate", plan)[0]
