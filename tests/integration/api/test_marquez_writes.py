"""What the writing requests of Marquez's clients do to the catalog, and what they are refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from collector.ingest.projector import Projector
from collector.storage import keys, notes
from collector.storage.engine import Database
from lineage.model import Direction
from tests.catalog import NOON
from tests.integration.api.conftest import Writing

DATA = "s3://lake/raw"
PLACE = quote(DATA, safe="")
RUN = "01980000-0000-7000-8000-000000000001"

DATASET = {"type": "DB_TABLE", "physicalName": "orders", "sourceName": "default"}


@pytest.fixture
def projecting(database: Database) -> Iterator[None]:
    """Run a projector during the test."""
    stop = threading.Event()
    thread = threading.Thread(target=Projector(database, holder="test").run, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def catalog_made(writing: Writing) -> None:
    with writing() as catalog:
        job, dataset = catalog.job("load"), catalog.dataset("orders", DATA)
        catalog.edge(job, dataset, Direction.OUTPUT)
        catalog.facet(dataset, "schema", {"fields": [{"name": "id"}]})


def test_tags_on_what_is_there(client: Any, catalog_made: None) -> None:
    orders, load = f"/api/v1/namespaces/{PLACE}/datasets/orders", "/api/v1/namespaces/shop/jobs/load"

    def tags(response: Any) -> Any:
        assert response.status_code == 200, response.text
        return response.json["tags"], [field["tags"] for field in response.json.get("fields", ())]

    assert tags(client.post(f"{orders}/tags/Pii%2Fraw")) == (["Pii/raw"], [[]])
    assert tags(client.post(f"{orders}/fields/id/tags/key")) == (["Pii/raw"], [["KEY"]])
    assert tags(client.delete(f"{orders}/tags/Pii%2Fraw")) == ([], [["KEY"]])
    assert tags(client.delete(f"{orders}/fields/id/tags/Key")) == ([], [[]])
    assert tags(client.post(f"{load}/tags/daily")) == (["daily"], [])
    assert tags(client.delete(f"{load}/tags/daily")) == ([], [])
    made = client.get("/api/v1/tags").json
    assert made == {"tags": [{"name": name, "description": None} for name in ("KEY", "Pii/raw", "daily")]}
    missing = client.post(f"{orders}/fields/no/tags/key")
    assert (missing.status_code, missing.json) == (
        404,
        {"code": 404, "message": "Field 'no' not found for dataset 'orders'."},
    )


def test_what_was_hidden_comes_back_with_an_event(client: Any, projecting: None) -> None:
    body = {"type": "BATCH", "outputs": [{"namespace": "shop", "name": "orders"}]}
    assert client.put("/api/v1/namespaces/shop", json={"ownerName": "me"}).status_code == 200
    assert client.put("/api/v1/namespaces/shop/datasets/orders", json=DATASET).status_code == 200
    assert client.put("/api/v1/namespaces/shop/jobs/load", json=body).status_code == 200
    for path in ("/namespaces/shop/datasets/orders", "/namespaces/shop/jobs/load"):
        before = client.get(f"/api/v1{path}").json
        assert client.delete(f"/api/v1{path}").json == before
        assert client.get(f"/api/v1{path}").status_code == 404
    assert client.put("/api/v1/namespaces/shop/datasets/orders", json=DATASET).status_code == 200
    assert client.get("/api/v1/namespaces/shop/datasets/orders").status_code == 200
    assert client.put("/api/v1/namespaces/shop/jobs/load", json=body).status_code == 200
    hidden = client.delete("/api/v1/namespaces/shop")
    assert hidden.json["isHidden"] is False
    assert client.get("/api/v1/namespaces/shop").json["isHidden"] is True
    assert client.get("/api/v1/namespaces/shop/datasets").json["totalCount"] == 0
    assert client.get("/api/v1/namespaces/shop/jobs").json == {"jobs": [], "totalCount": 0}
    assert client.put("/api/v1/namespaces/shop", json={"ownerName": "me"}).json["isHidden"] is False


def test_a_run_that_ends_keeps_what_the_job_declared(client: Any, projecting: None) -> None:
    client.put("/api/v1/namespaces/shop", json={"ownerName": "me"})
    client.put("/api/v1/namespaces/shop/datasets/orders", json=DATASET)
    body = {"type": "SERVICE", "inputs": [], "outputs": [{"namespace": "shop", "name": "orders"}]}
    assert client.put("/api/v1/namespaces/shop/jobs/load", json=body).json["type"] == "SERVICE"
    made = client.post("/api/v1/namespaces/shop/jobs/load/runs", json={"id": RUN})
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1/jobs/runs/{RUN}")
    for state, word in (("start", "RUNNING"), ("complete", "COMPLETED")):
        assert client.post(f"/api/v1/jobs/runs/{RUN}/{state}").json["state"] == word
    job = client.get("/api/v1/namespaces/shop/jobs/load").json
    assert job["outputs"] == [{"namespace": "shop", "name": "orders"}]
    assert [run["id"] for run in job["latestRuns"]] == [RUN]
    orders = client.get("/api/v1/namespaces/shop/datasets/orders").json
    assert orders["lastModifiedAt"] is not None
    again = client.post("/api/v1/namespaces/shop/jobs/load/runs", json={"id": RUN})
    words = f"Run '{RUN}' already exists for 'load' under namespace 'shop'."
    assert (again.status_code, again.json) == (400, {"code": 400, "message": words})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "answer"),
    [
        ("PUT", "/namespaces/n", {}, 422, {"errors": ["ownerName must not be null"]}),
        ("PUT", "/namespaces/n", {"ownerName": 7}, 422, {"errors": ["ownerName must be a string"]}),
        (
            "PUT",
            "/sources/s",
            None,
            422,
            {"errors": ["type must not be null", "connectionUrl must not be null"]},
        ),
        (
            "PUT",
            f"/namespaces/{PLACE}/datasets/d",
            {"type": "TABLE", "fields": [{}]},
            422,
            {
                "errors": [
                    "type must be one of [DB_TABLE, STREAM]",
                    "physicalName must not be null",
                    "sourceName must not be null",
                    "fields[0].name must not be null",
                ]
            },
        ),
        (
            "PUT",
            f"/namespaces/{PLACE}/datasets/d",
            DATASET | {"sourceName": "sea"},
            404,
            {"code": 404, "message": "Source 'sea' not found."},
        ),
        (
            "PUT",
            "/namespaces/none/datasets/d",
            DATASET,
            404,
            {"code": 404, "message": "Namespace 'none' not found."},
        ),
        (
            "PUT",
            f"/namespaces/{PLACE}/datasets/d",
            DATASET | {"runId": RUN},
            404,
            {"code": 404, "message": f"Run '{RUN}' not found."},
        ),
        (
            "PUT",
            "/namespaces/shop/jobs/j",
            {"type": "BATCH", "inputs": [{"namespace": DATA, "name": "gone"}]},
            404,
            {"code": 404, "message": "Dataset 'gone' not found."},
        ),
        (
            "POST",
            "/namespaces/shop/jobs/none/runs",
            {},
            404,
            {"code": 404, "message": "Job 'none' not found."},
        ),
        ("POST", f"/jobs/runs/{RUN}/start", None, 404, {"code": 404, "message": f"Run '{RUN}' not found."}),
        ("POST", "/jobs/runs/no-uuid/start", None, 404, {"code": 404, "message": "HTTP 404 Not Found"}),
        ("DELETE", "/namespaces/none", None, 404, {"code": 404, "message": "Namespace 'none' not found."}),
        (
            "DELETE",
            f"/namespaces/{PLACE}/datasets/gone",
            None,
            404,
            {"code": 404, "message": "Dataset 'gone' not found."},
        ),
        (
            "DELETE",
            "/namespaces/shop/jobs/gone",
            None,
            404,
            {"code": 404, "message": "Job 'gone' not found."},
        ),
    ],
)
def test_what_is_refused(
    client: FlaskClient, catalog_made: None, method: str, path: str, body: Any, status: int, answer: Any
) -> None:
    response = client.open(f"/api/v1{path}", method=method, json=body)
    assert (response.status_code, response.json) == (status, answer)


def test_bodies_that_are_no_json_objects(client: Any) -> None:
    for data in (b"{", b"[1]", b"7", b"\xff"):
        refused = client.put("/api/v1/tags/t", data=data)
        assert (refused.status_code, refused.json["code"]) == (400, 400), data
    assert client.put("/api/v1/tags/t").json == {"name": "t", "description": None}


def test_without_a_projector_writes_are_told_to_be_pending(
    limited: Callable[..., FlaskClient], catalog_made: None
) -> None:
    client = limited(ack_timeout=0.05)
    refused = client.put(f"/api/v1/namespaces/{PLACE}/datasets/d", json=DATASET)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")


def test_scopes(client: FlaskClient, writing: Writing, catalog_made: None) -> None:
    with writing() as catalog:
        made = {
            scope: keys.create(catalog.conn, scope, (scope,), (), NOON)[0]
            for scope in ("ingest", "read", "operate")
        }
    statuses = {}
    for scope, key in made.items():
        headers = {"Authorization": f"Bearer {key}"}
        statuses[scope] = [
            client.open(f"/api/v1{path}", method=method, json={}, headers=headers).status_code
            for method, path in (
                ("PUT", "/namespaces/n"),
                ("POST", f"/namespaces/{PLACE}/datasets/orders/tags/t"),
                ("PUT", f"/namespaces/{PLACE}/datasets/orders"),
            )
        ]
    assert statuses == {"ingest": [403, 403, 422], "read": [403, 403, 403], "operate": [422, 200, 403]}


def test_a_key_of_some_namespaces_declares_nothing_elsewhere(
    client: FlaskClient, writing: Writing, catalog_made: None
) -> None:
    with writing() as catalog:
        notes.note_namespace(catalog.conn, "mine", "me", None, NOON)
        key, _ = keys.create(catalog.conn, "test", ("ingest", "operate"), ("mine",), NOON)
    headers = {"Authorization": f"Bearer {key}"}
    for path, body in (
        ("/namespaces/shop", {"ownerName": "me"}),
        (f"/namespaces/{PLACE}/datasets/d", DATASET),
        ("/namespaces/shop/jobs/j", {"type": "BATCH"}),
    ):
        assert client.put(f"/api/v1{path}", json=body, headers=headers).status_code == 403
