"""Real events of several tools, through the projector and out of the API: every answer there is, as documented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

from collector.ingest.files import events_in, ingest
from collector.storage.engine import Database
from collector.wiring import Services, projector
from tests.integration.api.conftest import Get

EVENTS = Path(__file__).parents[3] / "fixtures" / "events"
FILES = (
    "dbt/pg_02_run_first.jsonl",
    "dbt/pg_04_test_fails.jsonl",
    "dagster/mechA_storage.jsonl",
    "prefect/flaky_flow.jsonl",
)
FCT_ORDERS = {"namespace": "postgres://127.0.0.1:15432", "name": "shop.analytics_marts.fct_orders"}


@pytest.fixture
def filled(database: Database, services: Services) -> None:
    for name in FILES:
        with (EVENTS / name).open("rb") as stream:
            ingest(database, events_in(stream, name, services.settings.max_body_bytes))
    projector(database, services.settings).drain()


class Documented:
    """Asks, and holds every answer against the document."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        document = client.get("/api/openapi.json").get_json()
        components = {"components": document["components"]}
        self._validators = {
            path: jsonschema_rs.validator_for(
                item["get"]["responses"]["200"]["content"]["application/json"]["schema"] | components
            )
            for path, item in document["paths"].items()
            if "get" in item
        }

    def __call__(self, path: str, **parameters: Any) -> Any:
        answer = self._client.get(f"/api/v2{path}", query_string=parameters)
        assert answer.status_code == 200, (path, parameters, answer.text)
        body = answer.get_json()
        self._validators[f"/api/v2{path}"].validate(body)
        return body

    def every(self, path: str, **parameters: Any) -> Iterator[Any]:
        """Give the items of all pages."""
        more: dict[str, str] = {}
        while True:
            page = self(path, limit=30, **parameters, **more)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            more = {"cursor": page["next_cursor"]}


@pytest.mark.usefixtures("filled")
def test_everything_that_is_listed_can_be_asked_for(client: FlaskClient) -> None:
    ask = Documented(client)
    for kind in ("job", "dataset"):
        items = list(ask.every(f"/{kind}s"))
        assert len(items) > 10
        for item in items:
            name = {"namespace": item["namespace"], "name": item["name"]}
            ask(f"/{kind}", **name)
            node = ask("/lineage", node=f"{kind}:{item['namespace']}:{item['name']}")["nodes"][0]
            assert (node["namespace"], node["name"], node["depth"]) == (*name.values(), 0)
            if kind == "dataset":
                for part in ("schemas", "updates", "assertions"):
                    list(ask.every(f"/dataset/{part}", **name))
    runs = list(ask.every("/runs"))
    assert len(runs) > 20
    events = 0
    for run in runs:
        job = {"job_namespace": run["job"]["namespace"], "job_name": run["job"]["name"]}
        assert ask("/run", run_id=run["run_id"], **job)["job"] == run["job"]
        events += len(list(ask.every("/run/events", run_id=run["run_id"], **job)))
    assert events == len(list(ask.every("/events", kind="run")))
    assert ask("/parked")["items"] == ask("/rejected")["items"] == []


@pytest.mark.usefixtures("filled")
def test_a_dbt_model_is_there_with_all_that_dbt_said(get: Get) -> None:
    model = get("/dataset", **FCT_ORDERS)
    assert [field["name"] for field in model["fields"]][:2] == ["order_id", "customer_id"]
    assert "columnLineage" in model["facets"]
    assert model["last_updates"][0]["kind"] == "run"
    assert model["producers"]
    upstream = get("/lineage", node="dataset:{namespace}:{name}".format(**FCT_ORDERS), direction="upstream")
    names = {node["name"] for node in upstream["nodes"]}
    assert {"shop.analytics_staging.stg_orders", "shop.raw.orders"} <= names
    checks = [
        check
        for item in get("/datasets")["items"]
        for check in get("/dataset", namespace=item["namespace"], name=item["name"])["last_assertions"]
    ]
    assert {check["success"] for check in checks} == {True, False}
    assert all(check["run"]["run_id"] for check in checks)
