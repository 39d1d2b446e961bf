"""Requests made up from the document: no 5xx, and every answer is as documented."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import func, insert, select

from collector.app import create_app
from collector.storage import outbox, tables, trigger_requests
from collector.storage.compression import pack
from collector.storage.firings import Progress
from collector.times import now_us
from collector.wiring import Services
from lineage.model import Direction, run_key
from tests.accounts import history
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.parcels import message
from tests.triggered import TODAY, Triggered, came, does, waits_for
from tests.watched import Watched
from triggers.firings import fire_key, id_of

EXAMPLES = 4
"""For each operation; enough to meet what a parameter's type lets in, little enough to run each time."""


@pytest.fixture
def schema(services: Services, writing: Writing) -> Any:
    """Give the document as the attacker reads it; there is one of everything, called 0."""
    with writing() as catalog:
        dataset, job = catalog.dataset("0", "0"), catalog.job("0", "0")
        catalog.edge(job, dataset, Direction.OUTPUT)
        run = catalog.run(job, "0", NOON, parent_key=run_key("1"), parent_run_id="1")
        catalog.uses(run, dataset, Direction.OUTPUT)
        catalog.update(dataset, run)
        for number in range(5):
            catalog.update(dataset, run, now_us() - number * HOUR)
        catalog.facet(dataset, "schema", {"fields": [{"name": "a"}]})
        catalog.assertion(dataset, run, "unique")
        catalog.alias(dataset, catalog.dataset("1", "0"), "symlink")
        event_id = catalog.event(
            {"run": {"runId": "0", "facets": {"a": {}}}}, NOON, job, run_key=run_key("0")
        )
        if catalog.conn.dialect.name == "postgresql":
            # The next event is to come after it.
            catalog.conn.execute(select(func.setval("event_id_seq", event_id)))
        catalog.conn.execute(
            insert(tables.parked), [{"event_id": event_id, "error": "no", "parked_at": NOON}]
        )
        refused = {"hash": bytes(16), "received_at": NOON, "last_received_at": NOON, "count": 1, "size": 1}
        refused |= {"errors": '[{"path": "$", "reason": "no"}]', "body": pack(b"{")}
        catalog.conn.execute(insert(tables.rejected), [refused])
        # Written under one name and read under another.
        for name, way in (("0.0", Direction.OUTPUT), ("0.0.0", Direction.INPUT)):
            alike = catalog.dataset(name, f"{way}")
            catalog.facet(alike, "schema", {"fields": [{"name": name} for name in "abc"]})
            catalog.edge(job if way else catalog.job("1", "0"), alike, way)
        rule = {"prefix": {"namespace": "0", "to_namespace": "1"}, "reason": "0"}
        catalog.conn.execute(insert(tables.alias_rule), [{"position": 0, "body": json.dumps(rule)}])
        watched = Watched(catalog.conn)
        watched.expect("0", "0", "0")
        # By the name that stands for the dataset.
        watched.stands("0", "1", namespace="0")
        watched.decided("0", "1", "late", namespace="0")
        watched.alert("0", "0", namespace="0")
        history(catalog.conn, "0", "0", now_us() - HOUR, "+-", namespace="0")
        until = {
            "starts_at": NOON,
            "ends_at": now_us() + HOUR,
            "updated_at": NOON,
            "author": "0",
            "reason": "0",
        }
        matchers = json.dumps([{"label": "name", "value": "0", "regex": False, "negative": False}])
        catalog.conn.execute(insert(tables.silence), [{"id": "0", "matchers": matchers, **until}])
        outbox.put(catalog.conn, "0", "notification", "0", message().data(), NOON)
        body = waits_for("0", "1")
        for each in body["when"]["all"]:
            each["dataset"]["namespace"] = "0"
        triggered = Triggered(catalog.conn)
        triggered.trigger("0", body)
        triggered.joined("0", body, [came("0", namespace="0")])
        started = does(run_id="0", job_namespace="0", job_name="0", handle='{"url": "0"}')
        triggered.fired("0", [came("0", namespace="0")], TODAY, NOON, Progress.COMPLETED, started)
        trigger_requests.put(catalog.conn, "0", trigger_requests.Kind.PAUSE, None, "0", "0", "0", NOON)
    return schemathesis.openapi.from_wsgi("/api/openapi.json", create_app(services))


KNOWN: dict[str, dict[str, Any]] = {
    "/api/v2/job": {"namespace": "0", "name": "0"},
    "/api/v2/dataset": {"namespace": "0", "name": "0"},
    "/api/v2/dataset/schemas": {"namespace": "0", "name": "0"},
    "/api/v2/dataset/updates": {"namespace": "0", "name": "0"},
    "/api/v2/dataset/assertions": {"namespace": "0", "name": "0"},
    "/api/v2/run": {"run_id": "0"},
    "/api/v2/run/events": {"run_id": "0"},
    "/api/v2/event": {"id": 1},
    "/api/v2/rejection": {"id": 1},
    "/api/v2/search": {"q": "0"},
    "/api/v2/lineage": {"node": "dataset:0:0"},
    "/api/v2/lineage/extent": {"node": "dataset:0:0"},
    "/api/v2/lineage/moments": {"node": "dataset:0:0"},
    "/api/v2/lineage/diff": {"from": "2026-11-22T11:00:00Z", "to": "2026-11-22T13:00:00Z"},
    "/api/v2/lineage/impact": {"node": "job:0:0"},
    "/api/v2/lineage/root-cause": {"node": "dataset:0:0"},
    "/api/v2/lineage/paths": {"from": "job:0:0", "to": "dataset:0:0"},
    "/api/v2/lineage/spof": {"node": "dataset:0:0"},
    "/api/v2/lineage/orphans": {"lack": "never_read"},
    "/api/v2/lineage/changes": {"node": "dataset:0:0", "since": "2026-11-22T11:00:00Z"},
    "/api/v2/lineage/export": {"node": "dataset:0:0", "format": "node-link"},
    "/api/v2/expectations/{expectation_id}/history": {"namespace": "0", "name": "0"},
    "/api/v2/why": {"node": "dataset:0:0"},
    "/api/v2/rules/suggestions": {"min_runs": 3},
}
"""Parameters with which something is found."""

IDS: dict[str, Any] = {
    "expectation_id": "0",
    "alert_id": 1,
    "silence_id": "0",
    "delivery_id": 1,
    "trigger_id": "0",
    "firing_id": id_of(fire_key("0", TODAY, NOON)),
}
"""Variables of paths, likewise."""


def test_what_is_found_is_as_documented(schema: Any) -> None:
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.method.upper() == "GET":
            ids = {name: id_ for name, id_ in IDS.items() if f"{{{name}}}" in operation.path}
            case = operation.Case(query=KNOWN.get(operation.path, {}), path_parameters=ids)
            response = case.call_and_validate()
            assert response.status_code == 200, operation.path
            body = response.json()
            if operation.path == "/api/v2/keys":
                continue  # with one, nobody could ask anything here without it
            assert all(body[name] for name in ("items", "nodes", "last_updates") if name in body), (
                operation.path,
                body,
            )


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_made_up_requests_get_documented_answers(schema: Any, mode: GenerationMode) -> None:
    for found in schema.get_all_operations():
        operation = found.ok()
        if not (operation.query or operation.body):
            continue

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def attack(case: Any) -> None:
            if mode is GenerationMode.POSITIVE:
                # No cursor is ever guessed, and a wrong one hides what else the request would meet.
                case.query.pop("cursor", None)
            # The document cannot say that two parameters come together.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        attack()
