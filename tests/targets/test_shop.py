"""A shop's day across three tools: Airflow writes one table, dbt another, and with both there Prefect publishes them.

What Airflow and dbt sent is what they were captured sending. Those runs were started by hand, so that they said of no
day that they were about it; here they are given one, as a schedule would.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.captured import captured
from tests.targets.between import Between
from tests.targets.prefect_server import FLOW, prefect
from tests.targets.programs import free_port
from tests.targets.stand import TRIGGER, Stand, nominal, stand

pytestmark = [pytest.mark.targets, pytest.mark.slow]

AIRFLOW = "postgres://127.0.0.1:5544"
DBT = "postgres://127.0.0.1:15432"
INPUTS = {"orders": (AIRFLOW, "shop.public.orders_daily"), "facts": (DBT, "shop.analytics_marts.fct_orders")}
RAW = (f"dataset:{AIRFLOW}:shop.public.raw_orders", f"dataset:{DBT}:shop.raw.orders")
PUBLISHED = "dataset:postgres://127.0.0.1:5432:shop.public.published"


def replay(here: Stand, capture: str) -> None:
    """Send what a tool was captured sending, about the day of the test."""
    for event, _ in captured(capture):
        event["run"].setdefault("facets", {}).update(nominal(here.day))
        assert here.connection.post(event).status == 201
    here.server.await_projected()


def test_two_tools_write_and_a_third_goes_on(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    flow = {
        "id": "run",
        "start": "prefect",
        "deployment": f"{FLOW}/by-parent",
        "parameters": {"day": "{{ key }}", "rows": "{{ inputs.facts.rows }}"},
    }
    with prefect(tmp_path, f"http://127.0.0.1:{port}") as tool, Between(tool.port) as between:
        targets = {"prefect": {"kind": "prefect", "url": between.root}}
        with stand(database_url, port, tmp_path, targets, flow, inputs=INPUTS) as here:
            replay(here, "airflow/shop_etl")
            assert here.firings() == []
            replay(here, "dbt/pg_02_run_first")
            firing = here.await_firing("completed")

            (run,) = tool.runs("by-parent")
            assert run["parameters"] == {"day": here.day, "rows": 74}
            assert run["labels"]["tidegate.firing"] == firing["id"]

            # The flow's own run stands under the firing.
            below = here.connection.every("/runs", parent_run_id=firing["id"])
            assert [(each["job"]["name"], each["state"]) for each in below] == [(FLOW, "COMPLETE")]
            (action,) = firing["actions"]
            assert action["run"]["run_id"] == below[0]["run_id"]

            # From the raw tables of both tools, through the firing, to what the flow wrote.
            steps = [f"job:tidegate:{TRIGGER}", f"job:prefect:{FLOW}", PUBLISHED]
            for raw in RAW:
                found = json.loads(
                    here.shows("lineage", raw, "--direction", "downstream", "--format", "json")
                )
                assert {each["id"] for each in found["nodes"]} >= {raw, *steps}
                (way, *_) = json.loads(here.shows("paths", raw, PUBLISHED, "--format", "json"))["paths"]
                assert way["nodes"][-3:] == steps
            origins = here.shows("lineage", PUBLISHED)
            assert "shop.public.raw_orders" in origins
            assert "shop.raw.orders" in origins

            # Told of once more, nothing new has come.
            replay(here, "airflow/shop_etl")
            replay(here, "dbt/pg_02_run_first")
            assert [each["id"] for each in here.firings()] == [firing["id"]]
            assert len(tool.runs("by-parent")) == 1
