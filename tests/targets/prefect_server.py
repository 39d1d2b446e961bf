"""A real Prefect server, and the process that runs the flows of a shop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.targets.environments import SHOP, environment, variables
from tests.targets.programs import Api, Program, free_port

FLOW = "publish"
DEPLOYMENTS = ("by-id", "by-parent")
"""How their runs say who started them; see ``flows``."""

QUIET = "quiet"
LISTENED = "by-listener"
"""The flow and its deployment of which only openlineage-prefect tells."""

LISTENED_NAMESPACE = "listened"


class Prefect:
    """What a test asks the server."""

    def __init__(self, api: Api, folder: Path, settings: Mapping[str, str]) -> None:
        self._api = api
        self._folder = folder
        self._settings = settings

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Have openlineage-prefect tell of all runs."""
        settings = {**self._settings, "OPENLINEAGE_NAMESPACE": LISTENED_NAMESPACE}
        listen = (environment("prefect") / "bin" / "python", SHOP / "listener.py")
        with Program("listener", *listen, environment=settings, folder=self._folder) as listener:
            listener.await_that(lambda: "listening" in listener.output)
            yield

    @property
    def port(self) -> int:
        return self._api.port

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """Give all runs of a deployment, whatever they are called and whoever started them."""
        wanted = {"deployments": {"name": {"any_": [deployment]}}}
        found: list[dict[str, Any]] = self._api.ask("POST", "/api/flow_runs/filter", wanted)
        return found


@contextmanager
def served(folder: Path, **ours: object) -> Iterator[tuple[Api, dict[str, str]]]:
    """Run a server alone, whose runs nobody picks up, with variables of ours; all state is in ``folder``.

    Gives its API, and the environment of programs that ask it.
    """
    installed = environment("prefect")
    port = free_port()
    settings = variables(
        installed,
        folder,
        PREFECT_HOME=folder / "home",
        PREFECT_API_URL=f"http://127.0.0.1:{port}/api",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        **ours,
    )
    serve = (installed / "bin" / "prefect", "server", "start", "--host", "127.0.0.1", "--port", port)
    with Program("server", *serve, environment=settings, folder=folder) as server, Api(port) as api:
        server.await_that(lambda: api.look("/api/health"))
        yield api, settings


@contextmanager
def prefect(folder: Path, lineage_url: str) -> Iterator[Prefect]:
    """Run a server whose flows send their events to ``lineage_url``; all state is in ``folder``."""
    with served(folder, PREFECT_RUNNER_POLL_FREQUENCY=1, OPENLINEAGE_URL=lineage_url) as (api, settings):
        flows = (environment("prefect") / "bin" / "python", SHOP / "flows.py")
        with Program("flows", *flows, environment=settings, folder=folder) as runner:
            for name in (*(f"{FLOW}/{each}" for each in DEPLOYMENTS), f"{QUIET}/{LISTENED}"):
                runner.await_that(partial(api.look, f"/api/deployments/name/{name}"))
            yield Prefect(api, folder, settings)
