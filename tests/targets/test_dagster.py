"""Triggers that start runs of jobs of a real Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.targets.between import Between
from tests.targets.dagster_server import JOB, Dagster, dagster
from tests.targets.programs import free_port
from tests.targets.stand import INPUTS, Stand, stand

pytestmark = [pytest.mark.targets, pytest.mark.slow]


@pytest.fixture(scope="module")
def port() -> int:
    """Give the port of Tidegate in all tests: Dagster knows no other."""
    return free_port()


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Dagster]:
    """Give a Dagster."""
    with dagster(tmp_path_factory.mktemp("dagster"), f"http://127.0.0.1:{port}") as tool:
        yield tool


@pytest.fixture
def between(tool: Dagster) -> Iterator[Between]:
    """Give what stands before it."""
    with Between(tool.port) as between:
        yield between


def start(rows: object = "{{ inputs.orders.rows + inputs.payments.rows }}") -> dict[str, Any]:
    config = {"ops": {"write": {"config": {"day": "{{ key }}", "rows": rows}}}}
    return {"id": "run", "start": "dagster", "job": JOB, "run_config": config, "tags": {"shop": "{{ key }}"}}


def targets(between: Between) -> dict[str, Any]:
    return {"dagster": {"kind": "dagster", "url": between.root}}


def runs_of(tool: Dagster, here: Stand) -> list[dict[str, Any]]:
    return [run for run in tool.runs() if run["tags"].get("shop") == here.day]


def test_a_firing_starts_one_run_and_is_over_with_it(
    tool: Dagster, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    with stand(database_url, port, tmp_path, targets(between), start()) as here:
        here.arrive("orders")
        assert here.firings() == []
        here.arrive("payments")
        firing = here.await_firing("completed")
        (run,) = runs_of(tool, here)
        assert firing["key"] == here.day
        assert run["status"] == "SUCCESS"
        assert run["config"]["ops"]["write"]["config"]["rows"] == sum(INPUTS.values())
        assert run["tags"]["tidegate/firing"] == firing["id"]
        (action,) = firing["actions"]
        assert action["handle"]["run_id"] == run["runId"]
        assert action["url"].endswith(f"/runs/{run['runId']}")
        assert action["run"]["job"]["name"] == JOB


def test_a_run_that_fails_is_heard_of(
    tool: Dagster, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    with stand(database_url, port, tmp_path, targets(between), start(rows=0)) as here:
        here.arrive()
        here.await_firing("failed")
        (run,) = runs_of(tool, here)
        assert run["status"] == "FAILURE"


def test_killed_before_it_hears_the_answer_it_starts_no_second_run(
    tool: Dagster, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    with stand(database_url, port, tmp_path, targets(between), start()) as here:
        between.strike(lambda request: b"launchRun" in request.body, here.server.kill)
        here.arrive()
        assert between.struck.wait(60), here.server.output
        (run,) = runs_of(tool, here)
        here.start_again()
        firing = here.await_firing("completed")
        handle = here.await_handle(firing)
        assert (handle["run_id"], handle["duplicate"]) == (run["runId"], True)
        assert [each["runId"] for each in runs_of(tool, here)] == [run["runId"]]
