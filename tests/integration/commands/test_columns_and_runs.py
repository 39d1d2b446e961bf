"""``tidegate lineage`` of columns and runs, over what real tools sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from collector.cli import main
from tests.captured import FIXTURES

POSTGRES = "postgres://127.0.0.1:15432"
EXPORT = "s3://shop-exports:orders/daily/2026-11-21.parquet"

Shown = Callable[..., list[str]]


@pytest.fixture
def shown(database_url: str) -> Shown:
    """Give a function that gives the lines that ``tidegate lineage`` writes."""
    files = (
        FIXTURES / "events" / "dbt" / "pg_02_run_first.jsonl",
        FIXTURES / "events" / "openlineage-python" / "http_apikey_gzip.jsonl",
    )
    runner = CliRunner()
    taken = runner.invoke(main, ["ingest", *map(str, files), "-d", database_url], catch_exceptions=False)
    assert taken.exit_code == 0

    def lineage(*arguments: str) -> list[str]:
        asked = runner.invoke(main, ["lineage", *arguments, "-d", database_url], catch_exceptions=False)
        assert asked.exit_code == 0, asked.stderr
        return asked.stdout.splitlines()

    return lineage


def test_a_column_and_what_is_done_to_it(shown: Shown) -> None:
    root, filtered, hashed = shown(f"column:{EXPORT}:customer_hash")
    assert root == f"column {EXPORT}:customer_hash  string"
    assert ":status" in filtered
    assert filtered.endswith("text (indirect filter: status <> 'returned')")
    assert hashed.endswith("bigint (transformation: sha256(user_id), masked)")


def test_all_columns_that_are_made_of_one(shown: Shown) -> None:
    lines = shown(f"column:{POSTGRES}:shop.raw.orders:status", "--direction", "downstream")
    assert lines[1] == f"└── dataset {EXPORT}  all columns (indirect filter: status <> 'returned')"


def test_the_columns_of_a_dataset_as_json(shown: Shown) -> None:
    node = f"dataset:{POSTGRES}:shop.analytics_marts.rpt_city_revenue"
    answer = json.loads("\n".join(shown(node, "--level", "column", "--depth", "1", "--format", "json")))
    # The types of DuckDB: this first run on PostgreSQL had an old catalog.
    assert {item["field"]: item["data_type"] for item in answer["nodes"] if item["depth"] == 0} == {
        "avg_orders": "DOUBLE",
        "city": "VARCHAR",
        "customers": "BIGINT",
        "revenue": "DOUBLE",
    }


def test_the_runs_that_a_run_has_read_from(shown: Shown) -> None:
    root, *others = shown("run:01a201bf-0fad-7a44-b3e8-f31cf7168bcc")
    assert root.endswith(
        "jaffle-dbt:shop.analytics_marts.jaffle_shop.fct_orders COMPLETE 2026-11-22T05:33:47Z"
    )
    assert len(others) == 3
    assert others[-1].endswith("(shop.analytics_staging.stg_payments)")
