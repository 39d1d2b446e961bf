"""Known answers: small graphs made by hand, and what real tools' captured events come out as."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, select

from collector.ingest.projector import Projector
from collector.storage.engine import Database
from collector.storage.graph import SqlGraph
from collector.storage.tables import assertion, dataset_update, edge, run, run_io
from lineage.instants import parse_instant
from lineage.model import DatasetRef, Direction, JobRef
from lineage.traverse import Level, Way, traverse
from tests.captured import FIXTURES, captured
from tests.dump import feed, feed_rows, names, new_event

GRAPHS = sorted((FIXTURES / "graphs").glob("*.json"))
POSTGRES = "postgres://127.0.0.1:15432"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def node(text: str) -> JobRef | DatasetRef:
    """Read ``dataset:NAMESPACE:NAME`` of these fixtures, whose names hold no colon."""
    kind, _, rest = text.partition(":")
    namespace, _, name = rest.rpartition(":")
    return JobRef(namespace, name) if kind == "job" else DatasetRef(namespace, name)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_small_graphs(database: Database, path: Any) -> None:
    graph = json.loads(path.read_text())
    for event in graph["events"]:
        feed(database, [event], received_at=parse_instant(event["eventTime"])[0])
    assert Projector(database, holder="test").drain() == len(graph["events"])
    with database.read() as conn:
        for query in graph["queries"]:
            answer = traverse(
                SqlGraph(conn),
                node(query["node"]),
                Way(query["direction"]),
                query["depth"],
                Level(query["level"]),
            )
            assert sorted(found.id for found in answer.nodes) == sorted(query["nodes"]), query
            assert sorted([link.source, link.target] for link in answer.links) == sorted(query["edges"]), (
                query
            )
            assert not answer.truncated


# --- what real tools sent ---------------------------------------------------------------------------------------


class RunSeen(NamedTuple):
    job: str
    state: str | None
    parent: str | None
    error: str | None
    run_id: str


class Seen:
    """What is in the tables, with names for ids."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.names = names(conn)
        self.all_runs = list(conn.execute(select(run).order_by(run.c.id)))

    def runs(self) -> list[RunSeen]:
        """Give the runs; of a parent the name of its job."""
        return [
            RunSeen(
                self.names[row.job_id].name,
                row.state,
                self.names[row.parent_job_id].name if row.parent_job_id else None,
                row.error,
                row.run_id,
            )
            for row in self.all_runs
        ]

    def states(self) -> dict[str, str | None]:
        """Give the states of jobs that ran once."""
        runs = self.runs()
        assert len({found.job for found in runs}) == len(runs)
        return {found.job: found.state for found in runs}

    def datasets(self) -> set[str]:
        return {ref.name for ref in self.names.values() if isinstance(ref, DatasetRef)}

    def edges(self, job: str) -> tuple[set[str], set[str]]:
        """Give the open edges of a job: what it reads, what it writes."""
        found: tuple[set[str], set[str]] = (set(), set())
        for row in self.conn.execute(select(edge).where(edge.c.valid_to.is_(None))):
            if self.names[row.job_id].name == job:
                found[row.direction].add(self.names[row.dataset_id].name)
        return found

    def implied(self) -> set[tuple[str, str]]:
        return {
            (self.names[row.job_id].name, self.names[row.dataset_id].name)
            for row in self.conn.execute(select(edge).where(edge.c.implied))
        }

    def rows(self) -> dict[str, int | None]:
        """Give the rows of each dataset's last update."""
        updates = self.conn.execute(select(dataset_update).order_by(dataset_update.c.event_time))
        return {self.names[row.dataset_id].name: row.rows for row in updates}

    def checks(self) -> list[tuple[str, str, bool]]:
        found = self.conn.execute(select(assertion))
        return sorted((self.names[row.dataset_id].name, row.assertion, row.success) for row in found)

    def upstream(self, name: str, namespace: str = POSTGRES, level: Level = Level.JOB) -> set[str]:
        answer = traverse(SqlGraph(self.conn), DatasetRef(namespace, name), Way.UPSTREAM, 20, level)
        return {found.name for found in answer.nodes if found.depth}


Look = Callable[..., Seen]


@pytest.fixture
def look(database: Database) -> Iterator[Look]:
    """Give a function that projects captured files and gives what came of it."""

    def look(*patterns: str) -> Seen:
        feed_rows(database, [new_event(*logged) for logged in captured(*patterns)])
        Projector(database, holder="test").drain()
        opened.append(database.read())
        return Seen(opened[-1].__enter__())

    opened: list[Any] = []
    yield look
    for reading in opened:
        reading.__exit__(None, None, None)


def test_dbt_models_are_runs_under_the_one_that_wraps_them(look: Look) -> None:
    seen = look("dbt/pg_02_run_first")
    models = {found.job.rpartition(".")[2]: found for found in seen.runs()}
    wrapper = models.pop("dbt-run-jaffle_shop")
    assert (wrapper.state, wrapper.parent) == ("COMPLETE", None)
    assert {(found.state, found.parent) for found in models.values()} == {("COMPLETE", "dbt-run-jaffle_shop")}
    assert set(models) == {
        "stg_customers", "stg_order_items", "stg_orders", "stg_payments", "fct_orders", "dim_customers",
        "rpt_city_revenue",
    }  # fmt: skip
    assert seen.rows() == {
        "shop.analytics_staging.stg_customers": None,  # a view: its statistics facet is empty
        "shop.analytics_staging.stg_order_items": None,
        "shop.analytics_staging.stg_orders": None,
        "shop.analytics_staging.stg_payments": None,
        "shop.analytics_marts.fct_orders": 74,
        "shop.analytics_marts.dim_customers": 40,
        "shop.analytics_marts.rpt_city_revenue": 3,
    }


def test_upstream_of_a_dbt_mart_are_its_staging_models_and_raw_tables(look: Look) -> None:
    seen = look("dbt/pg_*")
    staging = {f"shop.analytics_staging.{name}" for name in ("stg_orders", "stg_payments", "stg_order_items")}
    raw = {f"shop.raw.{name}" for name in ("orders", "orders__items", "payments")}
    found = seen.upstream("shop.analytics_marts.fct_orders")
    assert staging | raw | {"shop.analytics_marts.jaffle_shop.fct_orders"} <= found
    # The ephemeral model between is jumped over by the column lineage.
    assert staging | raw <= seen.upstream("shop.analytics_marts.fct_orders", level=Level.DATASET)
    assert (
        "shop.analytics_marts.jaffle_shop.fct_orders",
        "shop.analytics_staging.stg_order_items",
    ) in seen.implied()


def test_a_failed_dbt_model_has_no_error_and_refreshes_nothing(look: Look) -> None:
    seen = look("dbt/pg_05_run_model_fails")
    failed = {found.job.rpartition(".")[2]: found.error for found in seen.runs() if found.state == "FAIL"}
    assert failed == {"dim_customers": None, "dbt-run-jaffle_shop": None}
    assert seen.rows() == {"shop.analytics_marts.fct_orders": 1}
    # It says nothing of what it would have written; that is known from elsewhere or not at all.
    assert not any(found.job.endswith("rpt_city_revenue") for found in seen.runs())


def test_dbt_by_structured_logs(look: Look) -> None:
    seen = look("dbt/pg_07_run_structured_logs_model_fails")
    states = seen.states()
    errors = {found.job: found.error or "" for found in seen.runs()}
    assert states["dbt-run-jaffle_shop"] == states["model.jaffle_shop.dim_customers"] == "FAIL"
    assert "Database Error in model dim_customers" in errors["model.jaffle_shop.dim_customers"]
    assert "dbt run" in errors["dbt-run-jaffle_shop"]
    assert (
        states["model.jaffle_shop.rpt_city_revenue"] == "ABORT"
    )  # skipped; started and aborted in one instant
    parents = {found.job: found.parent for found in seen.runs()}
    assert parents["model.jaffle_shop.fct_orders.sql.1"] == "model.jaffle_shop.fct_orders"
    # Outputs stay listed on what failed or was skipped, and are not refreshed.
    assert seen.edges("model.jaffle_shop.rpt_city_revenue")[1] == {"shop.analytics_marts.rpt_city_revenue"}
    assert set(seen.rows()) == {"shop.analytics_marts.fct_orders"}


def test_dbt_assertions_are_counted_once(look: Look) -> None:
    seen = look("dbt/pg_04_test_fails")
    orders, customers = "shop.analytics_staging.stg_orders", "shop.analytics_marts.dim_customers"
    assert seen.checks() == [
        (customers, "not_null", True),
        (customers, "unique", True),
        (orders, "accepted_values", False),
        (orders, "not_null", True),
        (orders, "relationships", True),
        (orders, "unique", True),
    ]
    assert seen.rows() == {}


def test_dbt_under_airflow_keeps_parent_and_root(look: Look) -> None:
    seen = look("dbt/duck_17_run_under_airflow_parent")
    known = {(row.key, row.job_id) for row in seen.all_runs}
    wrapper = next(found for found in seen.runs() if found.job.startswith("dbt-run-"))
    assert wrapper.parent is not None
    assert {(row.parent_key, row.parent_job_id) for row in seen.all_runs if row.parent_key} <= known
    assert {(row.root_key, row.root_job_id) for row in seen.all_runs if row.root_key} <= known
    stubs = [row for row in seen.all_runs if row.state is None]
    assert stubs
    assert all(row.first_event_at is None for row in stubs)


def test_dlt_loads(look: Look) -> None:
    seen = look("dlt/05_postgres_first_load")
    assert seen.states() == {"shop_raw_postgres": "COMPLETE"}
    tables = {"raw.customers", "raw.orders", "raw.orders__items", "raw.payments"}
    assert seen.edges("shop_raw_postgres") == ({"customers", "orders", "payments"}, tables)
    assert seen.rows() == {
        "raw.customers": 25,
        "raw.orders": 74,
        "raw.orders__items": 151,
        "raw.payments": 74,
    }


def test_a_dlt_run_that_fails_twice_has_failed_once(look: Look) -> None:
    seen = look("dlt/09_postgres_fail_load")
    (found,) = seen.runs()
    assert (found.state, (found.error or "")[:25]) == ("FAIL", "Pipeline execution failed")
    assert seen.rows() == {}


def test_sqlmesh_statistics_are_found_among_the_facets_and_runs_stay_open(look: Look) -> None:
    seen = look("sqlmesh/pg_01_plan_prod_first")
    states = sorted((found.state or "") for found in seen.runs() if "fct_orders" in found.job)
    assert states == ["COMPLETE", "RUNNING", "RUNNING"]
    assert seen.rows()["shop.sm.rpt_daily"] == 45
    # It names its inputs with quotes, and without them in its column lineage.
    quoted = {name.replace('"', "") for name in seen.edges('"shop"."sm"."fct_orders"')[0]}
    assert quoted == {"shop.sm.stg_orders", "shop.sm.stg_payments"}


def test_sqlmesh_reports_failures_as_complete(look: Look) -> None:
    assert {found.state for found in look("sqlmesh/duck_07_audit_fails").runs()} == {"COMPLETE"}


def test_airflow_tasks_are_children_of_the_dag_run(look: Look) -> None:
    seen = look("airflow/shop_etl")
    runs = {found.job: found for found in seen.runs()}
    assert runs["shop_etl"].parent is None
    assert {found.parent for name, found in runs.items() if name != "shop_etl"} == {"shop_etl"}
    assert {found.state for found in runs.values()} == {"COMPLETE"}
    assert seen.edges("shop_etl.load_stg_orders") == (
        {"shop.public.raw_orders", "shop.public.customers"},
        {"shop.public.stg_orders"},
    )
    assert {"shop.public.stg_orders", "shop.public.raw_orders"} <= seen.upstream(
        "shop.public.orders_daily", "postgres://127.0.0.1:5544"
    )
    assert len(seen.checks()) == 4


def test_each_airflow_try_is_a_run(look: Look) -> None:
    seen = look("airflow/flaky")
    tries = {(found.state, found.error) for found in seen.runs() if found.job == "flaky.ok_on_second_try"}
    assert tries == {("FAIL", "first try fails"), ("COMPLETE", None)}
    assert seen.rows() == {}


def test_dagsters_six_jobs_with_one_run_id_are_six_runs(look: Look) -> None:
    seen = look("dagster/*")
    by_run_id: dict[str, dict[str, str | None]] = {}
    for found in seen.runs():
        by_run_id.setdefault(found.run_id, {})[found.job] = found.state
    assert max(map(len, by_run_id.values())) >= 5
    assert {"always_fails": "FAIL", "shop/raw_orders": "COMPLETE"} in by_run_id.values()
    # Materializations list no inputs: the edge is told by column lineage alone.
    assert seen.edges("shop/stg_orders") == ({"shop/raw_orders"}, {"shop/stg_orders"})
    assert ("shop/stg_orders", "shop/raw_orders") in seen.implied()
    assert {success for _, _, success in seen.checks()} == {True, False}


def test_prefect_parents_are_found_under_its_own_key(look: Look) -> None:
    seen = look("prefect/*")
    parents = {(found.job, found.parent) for found in seen.runs()}
    assert {("extract_orders", "shop-etl"), ("build_daily", "shop-etl"), ("shop-etl", None)} <= parents
    mapped = {found.run_id for found in seen.runs() if found.job == "per_country"}
    assert len(mapped) == 3
    assert seen.edges("build_daily") == ({"raw_orders"}, {"orders_daily"})
    # FAIL lists the same output twice.
    assert seen.edges("always_fails") == (set(), {"broken_table"})
    assert "broken_table" not in seen.rows()


def test_correlator_with_nulls_and_models_that_only_run(look: Look) -> None:
    seen = look("correlator-dbt/*")
    states = seen.states()
    assert states.pop("jaffle_shop.build") == "COMPLETE"
    assert set(states.values()) == {"RUNNING"}
    assert seen.edges("model.jaffle_shop.stg_orders") == ({"raw.orders"}, {"analytics_staging.stg_orders"})
    assert len(seen.checks()) == 12
    assert seen.rows() == {}


def test_the_python_clients_stress(look: Look) -> None:
    seen = look("openlineage-python/http_apikey_gzip")
    exports = [
        (row.state, row.declared) for row in seen.all_runs if seen.names[row.job_id].name == "export_orders"
    ]
    stub = (None, False)
    assert stub not in exports
    assert sorted(state for state, declared in exports if not declared) == [
        "ABORT", "COMPLETE", "COMPLETE", "FAIL", "RUNNING",
    ]  # fmt: skip
    late = [
        row
        for row in seen.all_runs
        if row.started_at and row.ended_at and row.started_at < row.ended_at - 6e7
    ]
    assert {row.state for row in late} == {"COMPLETE"}
    updates = list(seen.conn.execute(select(dataset_update)))
    # The DatasetEvent names a version; the JobEvent describes outputs and changes none.
    assert [(row.version, row.rows) for row in updates if row.kind == "declared"] == [("42", None)]
    assert [row.rows for row in updates if row.kind == "run"] == [117]
    # The explicit lineage facet of a JobEvent.
    assert seen.edges("declared_lineage") == ({"shop.raw.orders"}, {"orders/daily"})


def test_every_use_is_counted_once_over_all_tools(look: Look) -> None:
    seen = look()
    uses = list(seen.conn.execute(select(run_io)))
    assert len({row.run_id for row in uses}) <= len(seen.all_runs)
    assert {row.direction for row in uses} == {Direction.INPUT, Direction.OUTPUT}
    assert len(seen.all_runs) == len({(row.key, row.job_id) for row in seen.all_runs})
    assert {"RUNNING", "COMPLETE", "FAIL", "ABORT", None} <= {row.state for row in seen.all_runs}
