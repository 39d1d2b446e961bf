"""Triggers that start DAG runs of a real Airflow, or tell it of updates of assets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.hook import await_that
from tests.targets.airflow_server import ASSET, NAMESPACE, PASSWORD, USER, Airflow, airflow
from tests.targets.between import Between
from tests.targets.programs import free_port
from tests.targets.stand import AWHILE_SECONDS, INPUTS, TRIGGER, Stand, stand

pytestmark = [pytest.mark.targets, pytest.mark.slow]

RUN = {
    "id": "run",
    "start": "airflow",
    "dag": "publish",
    "conf": {"day": "{{ key }}", "rows": "{{ inputs.orders.rows + inputs.payments.rows }}"},
    "note": "all of {{ key }} is there",
}
UPDATE = {"id": "tell", "start": "airflow", "asset": ASSET, "extra": {"day": "{{ key }}"}}


@pytest.fixture(scope="module")
def port() -> int:
    """Give the port of Tidegate in all tests: Airflow knows no other."""
    return free_port()


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Airflow]:
    """Give an Airflow."""
    with airflow(tmp_path_factory.mktemp("airflow"), f"http://127.0.0.1:{port}") as tool:
        yield tool


@pytest.fixture
def between(tool: Airflow) -> Iterator[Between]:
    """Give what stands before it."""
    with Between(tool.port) as between:
        yield between


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_AIRFLOW", f"{USER}:{PASSWORD}")


def targets(between: Between) -> dict[str, Any]:
    return {"airflow": {"kind": "airflow", "url": between.root, "auth": "env:SHOP_AIRFLOW"}}


def runs_of(tool: Airflow, here: Stand) -> list[dict[str, Any]]:
    return [run for run in tool.runs("publish") if run["conf"].get("day") == here.day]


def updates_of(tool: Airflow, here: Stand) -> list[dict[str, Any]]:
    return [event for event in tool.asset_events() if event["extra"].get("day") == here.day]


def reactions_to(tool: Airflow, event: int) -> list[str]:
    """Name the runs that an event of an asset has led to."""
    (found,) = [each for each in tool.asset_events() if each["id"] == event]
    return [run["run_id"] for run in found["created_dagruns"]]


def test_a_firing_starts_one_run_and_is_over_with_it(
    tool: Airflow, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    with stand(database_url, port, tmp_path, targets(between), RUN) as here:
        here.arrive("orders")
        assert here.firings() == []
        here.arrive("payments")
        firing = here.await_firing("completed")
        (run,) = runs_of(tool, here)
        assert firing["key"] == here.day
        assert run["conf"]["rows"] == sum(INPUTS.values())
        assert run["conf"]["openlineage"]["parentRunId"] == firing["id"]
        assert run["note"] == f"all of {here.day} is there"
        (action,) = firing["actions"]
        assert action["handle"]["external_id"] == f"airflow:publish:{run['dag_run_id']}"
        assert action["url"].endswith(f"/dags/publish/runs/{run['dag_run_id']}")
        # The DAG as a whole is what was started, not one of its tasks.
        assert action["run"]["job"] == {"namespace": NAMESPACE, "name": "publish"}
        lineage = here.shows("lineage", f"job:tidegate:{TRIGGER}", "--direction", "downstream", "--control")
        assert "/srv/shop/report.csv" in lineage


def test_killed_before_it_hears_the_answer_it_starts_no_second_run(
    tool: Airflow, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    with stand(database_url, port, tmp_path, targets(between), RUN) as here:
        between.strike(lambda request: "/dagRuns" in request.path, here.server.kill)
        here.arrive()
        assert between.struck.wait(60), here.server.output
        (run,) = runs_of(tool, here)
        here.start_again()
        firing = here.await_firing("completed")
        handle = here.await_handle(firing)
        assert (handle["dag_run_id"], handle["duplicate"]) == (run["dag_run_id"], True)
        assert len(between.asked("/dagRuns")) == 2
        assert [each["dag_run_id"] for each in runs_of(tool, here)] == [run["dag_run_id"]]


def test_an_asset_is_updated_once(
    tool: Airflow, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    with stand(database_url, port, tmp_path, targets(between), UPDATE) as here:
        here.arrive()
        firing = here.await_firing("completed")
        (event,) = updates_of(tool, here)
        assert event["extra"]["tidegate"]["firing"] == firing["id"]
        assert len(await_that(lambda: reactions_to(tool, event["id"]), AWHILE_SECONDS)) == 1


def test_killed_before_it_hears_the_answer_it_updates_no_asset_twice(
    tool: Airflow, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    with stand(database_url, port, tmp_path, targets(between), UPDATE) as here:
        between.strike(
            lambda request: request.method == "POST" and "/assets/events" in request.path, here.server.kill
        )
        here.arrive()
        assert between.struck.wait(60), here.server.output
        (event,) = updates_of(tool, here)
        here.start_again()
        firing = here.await_firing("completed")
        assert [each["id"] for each in updates_of(tool, here)] == [event["id"]]
        handle = here.await_handle(firing)
        assert (handle["asset_event"], handle["duplicate"]) == (event["id"], True)
        assert len(await_that(lambda: reactions_to(tool, event["id"]), AWHILE_SECONDS)) == 1
