"""Triggers that start runs of deployments on a real Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.receivers import HttpReceiver
from tests.targets.between import Between
from tests.targets.prefect_server import (
    DEPLOYMENTS,
    FLOW,
    LISTENED,
    LISTENED_NAMESPACE,
    QUIET,
    Prefect,
    prefect,
)
from tests.targets.programs import free_port
from tests.targets.stand import INPUTS, TRIGGER, Stand, stand

pytestmark = [pytest.mark.targets, pytest.mark.slow]

PARAMETERS = {"day": "{{ key }}", "rows": "{{ inputs.orders.rows + inputs.payments.rows }}"}


@pytest.fixture(scope="module")
def port() -> int:
    """Give the port of Tidegate in all tests: flows know no other."""
    return free_port()


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Prefect]:
    """Give a Prefect server."""
    with prefect(tmp_path_factory.mktemp("prefect"), f"http://127.0.0.1:{port}") as tool:
        yield tool


@pytest.fixture
def between(tool: Prefect) -> Iterator[Between]:
    """Give what stands before it."""
    with Between(tool.port) as between:
        yield between


def start(deployment: str, **options: Any) -> dict[str, Any]:
    return {"id": "run", "start": "prefect", "deployment": f"{FLOW}/{deployment}", **options}


def targets(between: Between, hook: HttpReceiver | None = None) -> dict[str, Any]:
    known: dict[str, Any] = {"prefect": {"kind": "prefect", "url": between.root}}
    return known | ({"hook": {"kind": "webhook", "url": hook.url}} if hook else {})


def runs_of(tool: Prefect, deployment: str, here: Stand) -> list[dict[str, Any]]:
    return [run for run in tool.runs(deployment) if run["parameters"]["day"] == here.day]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_firing_starts_one_run_and_is_over_with_it(
    tool: Prefect, between: Between, port: int, database_url: str, tmp_path: Path, deployment: str
) -> None:
    told = {"notify": "hook", "after": "run.completed"}
    with (
        HttpReceiver() as hook,
        stand(
            database_url,
            port,
            tmp_path,
            targets(between, hook),
            start(deployment, parameters=PARAMETERS),
            told,
        ) as here,
    ):
        here.arrive("orders")
        assert here.firings() == []
        here.arrive("payments")
        firing = here.await_firing("completed")
        (run,) = runs_of(tool, deployment, here)
        assert firing["key"] == here.day
        assert run["parameters"] == {"day": here.day, "rows": sum(INPUTS.values())}
        assert run["labels"]["tidegate.firing"] == firing["id"]
        assert f"tidegate:{TRIGGER}" in run["tags"]
        (action,) = [each for each in firing["actions"] if each["id"] == "run"]
        assert action["handle"]["run_id"] == run["id"]
        assert action["url"].endswith(f"/runs/flow-run/{run['id']}")
        assert action["run"]["job"] == {"namespace": "prefect", "name": FLOW}
        assert len(between.asked("create_flow_run")) == 1
        assert len(hook.received) == 1


def test_a_run_that_fails_is_heard_of(
    tool: Prefect, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    nothing = start("by-id", parameters={**PARAMETERS, "rows": 0})
    done, failed = (
        {"notify": "hook", "id": stage, "after": f"run.{stage}"} for stage in ("completed", "failed")
    )
    with (
        HttpReceiver() as hook,
        stand(database_url, port, tmp_path, targets(between, hook), nothing, done, failed) as here,
    ):
        here.arrive()
        firing = here.await_firing("failed")
        assert len(runs_of(tool, "by-id", here)) == 1
        states = {each["id"]: each["state"] for each in firing["actions"]}
        assert states["run"] == "failed"
        assert states["completed"] == "left_out"
        assert len(hook.received) == 1


def test_a_run_of_which_only_the_integration_tells_is_known_by_its_job(
    tool: Prefect, between: Between, port: int, database_url: str, tmp_path: Path
) -> None:
    # openlineage-prefect makes up run ids of its own and knows no parent of flows.
    action = {
        **start("", parameters=PARAMETERS),
        "deployment": f"{QUIET}/{LISTENED}",
        "job": {"namespace": LISTENED_NAMESPACE, "name": QUIET},
    }
    with stand(database_url, port, tmp_path, targets(between), action) as here, tool.listening():
        here.arrive()
        firing = here.await_firing("completed")
        (run,) = runs_of(tool, LISTENED, here)
        (action,) = firing["actions"]
        assert action["handle"]["run_id"] == run["id"]
        assert action["run"]["job"] == {"namespace": LISTENED_NAMESPACE, "name": QUIET}
        lineage = here.shows("lineage", f"job:tidegate:{TRIGGER}", "--direction", "downstream")
        assert "shop.public.published" in lineage


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_killed_before_it_hears_the_answer_it_starts_no_second_run(
    tool: Prefect, between: Between, port: int, database_url: str, tmp_path: Path, deployment: str
) -> None:
    with stand(
        database_url, port, tmp_path, targets(between), start(deployment, parameters=PARAMETERS)
    ) as here:
        between.strike(lambda request: "create_flow_run" in request.path, here.server.kill)
        here.arrive()
        assert between.struck.wait(60), here.server.output
        (run,) = runs_of(tool, deployment, here)
        here.start_again()
        firing = here.await_firing("completed")
        handle = here.await_handle(firing)
        assert (handle["run_id"], handle["duplicate"]) == (run["id"], True)
        assert [each["id"] for each in runs_of(tool, deployment, here)] == [run["id"]]
        assert len(between.asked("create_flow_run")) == 2
