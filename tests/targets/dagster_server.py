"""A real Dagster: its webserver, its daemon, and the jobs of a shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.targets.environments import SHOP, environment, variables
from tests.targets.programs import Api, Program, free_port

JOB = "publish"
REPOSITORY = {"repositoryLocationName": "jobs.py", "repositoryName": "__repository__"}
SENSOR = {**REPOSITORY, "sensorName": "openlineage_sensor"}
"""It sends the events. Sensors are stopped until somebody starts them."""

START_SENSOR = """
mutation ($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) {
    __typename
    ... on Sensor { sensorState { status } }
    ... on PythonError { message }
  }
}
"""
RUNS = "{ runsOrError { ... on Runs { results { runId status jobName runConfigYaml tags { key value } } } } }"


class Dagster:
    """What a test asks the server."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def port(self) -> int:
        return self._api.port

    def ask(self, question: str, **given: object) -> Any:
        """Give what GraphQL answers."""
        reply = self._api.ask("POST", "/graphql", {"query": question, "variables": given})
        assert "errors" not in reply, reply
        return reply["data"]

    def runs(self) -> list[dict[str, Any]]:
        """Give all runs, with tags and configuration as mappings."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        return [
            {
                **run,
                "tags": {tag["key"]: tag["value"] for tag in run["tags"]},
                "config": yaml.safe_load(run["runConfigYaml"]),
            }
            for run in found
        ]


@contextmanager
def dagster(folder: Path, lineage_url: str) -> Iterator[Dagster]:
    """Run Dagster, whose OpenLineage sensor sends its events to ``lineage_url``; all state is in ``folder``."""
    installed = environment("dagster")
    port = free_port()
    home = folder / "home"
    home.mkdir()
    # The sensor reads the log across runs, which the default, a file for each run, does not allow.
    log = {
        "module": "dagster._core.storage.event_log",
        "class": "ConsolidatedSqliteEventLogStorage",
        "config": {"base_dir": str(home / "events")},
    }
    (home / "dagster.yaml").write_text(
        yaml.safe_dump({"telemetry": {"enabled": False}, "event_log_storage": log})
    )
    settings = variables(
        installed,
        folder,
        DAGSTER_HOME=home,
        OPENLINEAGE_URL=lineage_url,
        OPENLINEAGE_NAMESPACE="dagster",
        PYTHONDONTWRITEBYTECODE=1,  # the jobs lie among the tests
    )
    command = ("dagster", "dev", "--host", "127.0.0.1", "--port", port, "--python-file", SHOP / "jobs.py")
    with (
        Program(
            "dev", installed / "bin" / command[0], *command[1:], environment=settings, folder=folder
        ) as server,
        Api(port) as api,
    ):
        server.await_that(lambda: api.look("/server_info"))
        tool = Dagster(api)
        started = tool.ask(START_SENSOR, sensor=SENSOR)["startSensor"]
        assert started["sensorState"]["status"] == "RUNNING", started
        yield tool
