"""A real Airflow: its server, its scheduler, and what reads the DAGs of a shop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.acceptance.hook import await_that
from tests.targets.environments import SHOP, environment, variables
from tests.targets.programs import Api, Program, free_port

USER, PASSWORD = "anna", "made-up"
SECRET = "0123456789abcdef" * 4
"""With which Airflow signs its tokens; made up."""

DAGS = ("publish", "on_orders")
ASSET = "x-shop://warehouse/orders"
NAMESPACE = "airflow"


class Airflow:
    """What a test asks the server."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def port(self) -> int:
        return self._api.port

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """Give all runs of a DAG."""
        found: list[dict[str, Any]] = self._api.ask("GET", f"/api/v2/dags/{dag}/dagRuns?limit=100")[
            "dag_runs"
        ]
        return found

    def asset_events(self) -> list[dict[str, Any]]:
        """Give all events of assets. Airflow knows only errors (500) while a run that one led to is queued."""
        found = await_that(partial(self._api.look, "/api/v2/assets/events?limit=100"))
        events: list[dict[str, Any]] = found["asset_events"]
        return events


@contextmanager
def airflow(folder: Path, lineage_url: str) -> Iterator[Airflow]:
    """Run Airflow, whose OpenLineage provider sends its events to ``lineage_url``; all state is in ``folder``."""
    installed = environment("airflow")
    port = free_port()
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({USER: PASSWORD}))
    settings = variables(
        installed,
        folder,
        AIRFLOW_HOME=folder / "home",
        AIRFLOW__CORE__DAGS_FOLDER=SHOP / "dags",
        AIRFLOW__CORE__LOAD_EXAMPLES=False,
        AIRFLOW__CORE__PARALLELISM=2,
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{port}/execution/",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=f"{USER}:admin",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=passwords,
        AIRFLOW__API__HOST="127.0.0.1",
        AIRFLOW__API__PORT=port,
        AIRFLOW__API__BASE_URL=f"http://127.0.0.1:{port}",
        AIRFLOW__API__WORKERS=1,
        AIRFLOW__API_AUTH__JWT_SECRET=SECRET,
        AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT=free_port(),
        AIRFLOW__OPENLINEAGE__NAMESPACE=NAMESPACE,
        AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps({"type": "http", "url": lineage_url}),
        PYTHONDONTWRITEBYTECODE=1,  # the DAGs lie among the tests
    )
    command = installed / "bin" / "airflow"
    with ExitStack() as running:

        def run(*arguments: str) -> Program:
            program = Program("-".join(arguments), command, *arguments, environment=settings, folder=folder)
            return running.enter_context(program)

        run("db", "migrate").await_end()
        server = run("api-server")
        run("scheduler")
        run("dag-processor")
        api = running.enter_context(Api(port))
        server.await_that(lambda: api.look("/api/v2/monitor/health"))
        token = api.ask("POST", "/auth/token", {"username": USER, "password": PASSWORD})["access_token"]
        api.authorize(token)
        for dag in DAGS:
            server.await_that(partial(api.look, f"/api/v2/dags/{dag}"))
        yield Airflow(api)
