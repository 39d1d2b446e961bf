"""API keys: what is refused, and what a key of some namespaces sees."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import keys
from lineage.model import DatasetRef, Direction, JobRef, run_key
from tests.catalog import NOON
from tests.integration.api.conftest import Writing


@pytest.fixture
def make_key(writing: Writing) -> Any:
    def make(*scopes: str, namespaces: tuple[str, ...] = ()) -> dict[str, str]:
        with writing() as catalog:
            created, _ = keys.create(catalog.conn, "test", scopes, namespaces, NOON)
        return {"Authorization": f"Bearer {created}"}

    return make


def test_without_a_key_or_with_too_small_a_one_nothing_is_told(client: FlaskClient, make_key: Any) -> None:
    ingest, read, operate = make_key("ingest"), make_key("read"), make_key("operate")

    refused = client.get("/api/v2/jobs")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get("/api/v2/jobs", headers={"X-API-Key": "wrong"}).status_code == 401
    assert client.get("/api/v2/jobs", headers=ingest).status_code == 403
    assert client.get("/api/v2/jobs", headers=read).status_code == 200
    assert client.get("/api/v2/jobs", headers=operate).status_code == 200
    for path in ("/api/v2/parked/reprocess", "/api/v2/rejected/reprocess"):
        assert client.post(path, json={"all": True}).status_code == 401
        assert client.post(path, json={"all": True}, headers=read).status_code == 403
        assert client.post(path, json={"all": True}, headers=operate).status_code == 200
    for path in ("/livez", "/readyz", "/metrics", "/login", "/api/docs", "/api/openapi.json"):
        assert client.get(path).status_code == 200, path
    assert client.get("/").location == "/login?next=/"
    assert client.get("/", headers=read).status_code == 200


def test_a_key_of_some_namespaces_sees_these_only(
    client: FlaskClient, make_key: Any, writing: Writing
) -> None:
    with writing() as catalog:
        mine, theirs = catalog.dataset("d", "mine://1"), catalog.dataset("d", "theirs://1")
        job, other = catalog.job("j", "mine://1"), catalog.job("j", "theirs://1")
        for one in (job, other):
            catalog.edge(one, mine, Direction.INPUT)
            catalog.edge(one, theirs, Direction.OUTPUT)
        run = catalog.run(
            job,
            "r1",
            parent_key=run_key("r2"),
            parent_run_id="r2",
            parent_job_id=JobRef("theirs://1", "j").id,
        )
        foreign = catalog.run(other, "r2")
        catalog.uses(run, mine, Direction.INPUT)
        catalog.uses(run, theirs, Direction.OUTPUT)
        catalog.update(mine, foreign)
        catalog.alias(mine, theirs, "symlink")
        catalog.event({}, entity=job)
        catalog.event({}, entity=other)
        catalog.event({}, entity=DatasetRef("theirs://1", "d").id, kind="dataset")
    key = make_key("operate", namespaces=("mine://*",))

    def get(path: str, status: int = 200, **parameters: Any) -> Any:
        response = client.get(f"/api/v2{path}", query_string=parameters or None, headers=key)
        assert response.status_code == status, response.text
        return response.json

    assert get("/namespaces")["items"] == ["mine://1"]
    for path in ("/jobs", "/datasets", "/search?q=j"):
        assert [item["namespace"] for item in get(path)["items"]] == ["mine://1"], path
    assert [item["run_id"] for item in get("/runs")["items"]] == ["r1"]
    assert [item["id"] for item in get("/events")["items"]] == [1]
    get("/event", 404, id=2)
    get("/run", 404, run_id="r2")
    get("/job", 404, namespace="theirs://1", name="j")
    get("/dataset", 404, namespace="theirs://1", name="d")
    get("/dataset/updates", 404, namespace="theirs://1", name="d")
    get("/lineage", 404, node="dataset:theirs://1:d")

    dataset = get("/dataset", namespace="mine://1", name="d")
    assert [edge["job"]["namespace"] for edge in dataset["consumers"]] == ["mine://1"]
    assert dataset["aliases"] == []
    assert [update["run"] for update in dataset["last_updates"]] == [None]
    assert get("/job", namespace="mine://1", name="j")["outputs"] == []
    detail = get("/run", run_id="r1")
    assert (len(detail["inputs"]), detail["outputs"]) == (1, [])
    assert detail["parent"] == {"run_id": "r2", "job": None}
    nodes = get("/lineage", node="dataset:mine://1:d")["nodes"]
    assert {node["namespace"] for node in nodes} == {"mine://1"}
    # Nobody knows of which namespace something is that could not be read.
    for path in ("/rejected", "/parked"):
        get(path, 403)
        assert client.post(f"/api/v2{path}/reprocess", json={"all": True}, headers=key).status_code == 403


def test_a_key_that_sees_no_namespace_yet_gets_empty_lists(
    client: FlaskClient, make_key: Any, writing: Writing
) -> None:
    with writing() as catalog:
        catalog.run(catalog.job("j"), "r1", NOON)
        catalog.event({}, entity=JobRef("shop", "j").id)
    key = make_key("read", namespaces=("none",))

    for path in ("namespaces", "jobs", "datasets", "runs", "events", "search?q=j"):
        answer = client.get(f"/api/v2/{path}", headers=key).json
        assert answer is not None
        assert answer["items"] == [], path


@pytest.mark.parametrize("path", ["/", "/api/v2/jobs", "/api/v1/namespaces", "/login", "/events"])
def test_without_keys_the_server_is_for_this_machine_alone(
    client: FlaskClient, limited: Any, make_key: Any, path: str
) -> None:
    def status(host: str, client: FlaskClient = client, **headers: str) -> int:
        return client.get(path, headers={"Host": host, **headers}).status_code

    # By a name of his own that means this machine for a moment, the page of a stranger would be one of ours.
    for foreign in (
        "evil.example",
        "evil.example:5000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
    ):
        assert status(foreign) == 403, foreign
    for own in (
        "localhost",
        "localhost:5000",
        "127.0.0.1:5000",
        "[::1]:5000",
        "[::1]",
        "10.0.0.1",
        "a.localhost:5000",
    ):
        assert status(own) in (200, 303), own
    assert status("tide.example", limited(insecure=True)) in (200, 303)
    assert status("tidegate.lan", limited(host="tidegate.lan")) in (200, 303)
    assert status("tide.example", **make_key("read")) in (200, 303)


def test_without_keys_no_page_of_a_stranger_changes_anything(client: FlaskClient, make_key: Any) -> None:
    body = {"all": True}
    for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://localhost:81"):
        answer = client.post("/api/v2/parked/reprocess", json=body, headers={"Origin": origin})
        assert answer.status_code == 403, origin
    ours = {"Origin": "http://localhost"}
    assert client.post("/api/v2/parked/reprocess", json=body, headers=ours).status_code == 200
    # Whoever has a key shows it on purpose.
    keyed = {"Origin": "https://tools.example"} | make_key("operate")
    assert client.post("/api/v2/parked/reprocess", json=body, headers=keyed).status_code == 200


@pytest.mark.parametrize("path", ["triggers", "firings", "expectations", "silences"])
def test_nothing_is_called_what_no_database_keeps(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/api/v2/{path}/%00")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
