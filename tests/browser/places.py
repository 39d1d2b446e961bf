"""The pages there are, each with the way to an example of it on a server that has the demo's history."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen


class Api:
    """The native API of a running server; ``key`` where it has keys."""

    def __init__(self, base: str, key: str | None = None) -> None:
        self.base = base
        self._headers = {"X-API-Key": key} if key else {}

    def get(self, path: str, **parameters: Any) -> Any:
        """Give the document at a path of ``/api/v2``."""
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        with urlopen(Request(f"{self.base}/api/v2{path}{query}", headers=self._headers)) as answer:
            return json.load(answer)


def named(path: str, item: Mapping[str, Any], **more: str) -> str:
    """Give the address of the page of something with a namespace and a name."""
    return f"{path}?{urlencode({'namespace': item['namespace'], 'name': item['name'], **more})}"


def late(api: Api) -> Mapping[str, Any]:
    """Find a dataset that is late because of something upstream, or else the one that stands worst."""
    standings = api.get("/freshness", violated="true", limit=100)["items"]
    explained = [each for each in standings if each["cause"]]
    found: Mapping[str, Any] = (explained or standings)[-1]["dataset"]
    return found


def failed_run(api: Api) -> Mapping[str, Any]:
    """Find the last run that failed."""
    found: Mapping[str, Any] = api.get("/runs", state="FAIL", limit=1)["items"][0]
    return found


def _run(api: Api) -> str:
    run = failed_run(api)
    job = run["job"]
    return f"/run?{urlencode({'run_id': run['run_id'], 'job_namespace': job['namespace'], 'job_name': job['name']})}"


def _lineage(api: Api, **more: str) -> str:
    dataset = late(api)
    node = f"dataset:{dataset['namespace']}:{dataset['name']}"
    return f"/lineage?{urlencode({'node': node, **more})}"


def _first(api: Api, path: str, name: str = "id") -> Any:
    return api.get(path, limit=1)["items"][0][name]


PLACES: Final[Mapping[str, Callable[[Api], str]]] = {
    "overview": lambda api: "/",
    "freshness": lambda api: "/freshness",
    "swimlane": lambda api: "/freshness?view=swimlane",
    "expectations": lambda api: "/expectations",
    "expectation": lambda api: f"/expectations/{_first(api, '/expectations')}",
    "why": lambda api: f"/why?{urlencode({'node': 'dataset:{namespace}:{name}'.format(**late(api))})}",
    "lineage-start": lambda api: "/lineage",
    "lineage": lambda api: _lineage(api),
    "lineage-deep": lambda api: _lineage(api, depth="6"),
    "lineage-datasets": lambda api: _lineage(api, level="dataset", depth="4"),
    "lineage-list": lambda api: _lineage(api, view="list", depth="4"),
    "datasets": lambda api: "/datasets",
    "dataset": lambda api: named("/dataset", late(api)),
    "jobs": lambda api: "/jobs",
    "job": lambda api: named("/job", failed_run(api)["job"]),
    "runs": lambda api: "/runs",
    "run": _run,
    "triggers": lambda api: "/triggers",
    "trigger": lambda api: f"/triggers/{_first(api, '/triggers')}",
    "firings": lambda api: "/firings",
    "firing": lambda api: f"/firings/{_first(api, '/firings')}",
    "deliveries": lambda api: "/deliveries",
    "alerts": lambda api: "/alerts",
    "alert": lambda api: f"/alerts/{_first(api, '/alerts')}",
    "silences": lambda api: "/silences",
    "events": lambda api: "/events",
    "event": lambda api: f"/event?id={_first(api, '/events')}",
    "rejected": lambda api: "/rejected",
    "rejection": lambda api: f"/rejection?id={_first(api, '/rejected')}",
    "parked": lambda api: "/parked",
    "stitching": lambda api: "/stitch",
    "search": lambda api: "/search?q=orders",
    "settings": lambda api: "/settings",
    "api": lambda api: "/api/docs",
}
"""Every kind of page by a name, with what gives its address."""
