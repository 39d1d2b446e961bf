"""Marquez's own Python client, through all of its methods, against the running server."""

from __future__ import annotations

import inspect
import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from marquez_client import MarquezClient
from marquez_client.errors import APIError
from marquez_client.models import DatasetId, DatasetType, JobType

from tests.acceptance.connection import Connection
from tests.acceptance.server import Server
from tests.events import column_lineage, run_event
from tests.events import dataset as entry

STARTED = "2026-11-22T12:00:00+00:00"
ENDED = "2026-11-22T12:00:30.500000Z"

FIELDS = [
    {"name": "id", "type": "INTEGER", "description": "of the order", "tags": ["KEY"]},
    {"name": "at", "type": "TIMESTAMP"},
]


@pytest.fixture
def client(shared_server: Server) -> Iterator[MarquezClient]:
    """Give a client; most of what it can write is deprecated, and it says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield MarquezClient(shared_server.url)


@pytest.fixture(params=["plain", "s3://bucket:9000/raw", "postgres://db.example.org:5432", "a/b c+d%2F/ü"])
def namespace(request: pytest.FixtureRequest, client: MarquezClient) -> str:
    """Name a namespace that no other test uses, with slashes and all in it."""
    name = f"{request.param}-{uuid.uuid4().hex[:8]}"
    made = client.create_namespace(name, "data team", "Orders and what comes of them")
    assert made["name"] == name
    return name


@pytest.fixture
def source(client: MarquezClient, namespace: str) -> str:
    name = f"source/{uuid.uuid4().hex[:8]}"
    client.create_source(name, "postgresql", f"jdbc:postgresql://{name}", "The shop")
    return name


def make_dataset(client: MarquezClient, namespace: str, source: str, name: str, **values: Any) -> Any:
    return client.create_dataset(
        namespace_name=namespace,
        dataset_name=name,
        dataset_type=DatasetType.DB_TABLE,
        dataset_physical_name=f"public.{name}",
        source_name=source,
        **values,
    )


def test_namespaces(client: MarquezClient, namespace: str) -> None:
    found = client.get_namespace(namespace)
    assert (found["ownerName"], found["description"]) == ("data team", "Orders and what comes of them")
    assert found["isHidden"] is False
    assert namespace in {each["name"] for each in client.list_namespaces(limit=1000)["namespaces"]}
    assert client.create_namespace(namespace, "others")["ownerName"] == "others"


def test_sources(client: MarquezClient, source: str) -> None:
    found = client.get_source(source)
    assert found["type"] == "POSTGRESQL"
    assert found["connectionUrl"] == f"jdbc:postgresql://{source}"
    assert found["description"] == "The shop"
    assert found in client.list_sources(limit=1000)["sources"]
    with pytest.raises(APIError):
        client.get_source("nobody's")


def test_datasets(client: MarquezClient, namespace: str, source: str) -> None:
    made = make_dataset(
        client, namespace, source, "raw/orders", fields=FIELDS, tags=["pii"], description="All orders"
    )
    assert made["id"] == {"namespace": namespace, "name": "raw/orders"}
    assert made["type"] == "DB_TABLE"
    assert made["physicalName"] == "public.raw/orders"
    assert made["sourceName"] == source
    assert made["description"] == "All orders"
    assert made["tags"] == ["pii"]
    assert [(each["name"], each["type"], each["tags"]) for each in made["fields"]] == [
        ("id", "INTEGER", ["KEY"]),
        ("at", "TIMESTAMP", []),
    ]
    assert made["deleted"] is False
    assert client.get_dataset(namespace, "raw/orders") == made
    listed = client.list_datasets(namespace)
    assert ([each["name"] for each in listed["datasets"]], listed["totalCount"]) == (["raw/orders"], 1)
    versions = client.list_dataset_versions(namespace, "raw/orders")
    assert versions["totalCount"] == len(versions["versions"]) == 1
    version = versions["versions"][0]["version"]
    assert client.get_dataset_version(namespace, "raw/orders", version)["version"] == version
    assert made["currentVersion"] == version


def test_streams(client: MarquezClient, namespace: str, source: str) -> None:
    made = client.create_dataset(
        namespace, "clicks", DatasetType.STREAM, "clicks-v1", source, schema_location="http://registry/clicks"
    )
    assert (made["type"], made["physicalName"]) == ("STREAM", "clicks-v1")
    assert made["schemaLocation"] == "http://registry/clicks"


def test_tags(client: MarquezClient, namespace: str, source: str) -> None:
    make_dataset(client, namespace, source, "orders", fields=FIELDS)
    name = f"Sensitive/{uuid.uuid4().hex[:6]}"
    assert client.create_tag(name, "Handle with care") == {"name": name, "description": "Handle with care"}
    assert {"name": name, "description": "Handle with care"} in client.list_tags(limit=1000)["tags"]
    assert client.tag_dataset(namespace, "orders", name)["tags"] == [name]
    tagged = client.tag_dataset_field(namespace, "orders", "at", "raw")
    assert [each["tags"] for each in tagged["fields"]] == [["KEY"], ["RAW"]]
    with pytest.raises(APIError):
        client.tag_dataset_field(namespace, "orders", "no such field", "raw")


def test_jobs(client: MarquezClient, namespace: str, source: str) -> None:
    for name in ("raw/orders", "mart/orders"):
        make_dataset(client, namespace, source, name)
    made = client.create_job(
        namespace,
        "dir/load orders",
        JobType.BATCH,
        location="https://example.org/load.sql",
        inputs=[DatasetId(namespace, "raw/orders")],
        outputs=[DatasetId(namespace, "mart/orders")],
        description="Loads orders",
        context={"sql": "insert"},
    )
    assert made["id"] == {"namespace": namespace, "name": "dir/load orders"}
    assert (made["type"], made["location"], made["description"]) == (
        "BATCH",
        "https://example.org/load.sql",
        "Loads orders",
    )
    assert made["inputs"] == [{"namespace": namespace, "name": "raw/orders"}]
    assert made["outputs"] == [{"namespace": namespace, "name": "mart/orders"}]
    assert client.get_job(namespace, "dir/load orders") == made
    assert [each["name"] for each in client.list_jobs(namespace)["jobs"]] == ["dir/load orders"]
    with pytest.raises(APIError):
        client.create_job(namespace, "bad", JobType.BATCH, inputs=[DatasetId(namespace, "nothing")])


def test_runs(client: MarquezClient, namespace: str, source: str) -> None:
    make_dataset(client, namespace, source, "orders")
    client.create_job(namespace, "load", JobType.BATCH, outputs=[DatasetId(namespace, "orders")])
    run_id = str(uuid.uuid4())
    made = client.create_job_run(
        namespace,
        "load",
        run_id=run_id,
        nominal_start_time="2026-11-22T00:00:00Z",
        nominal_end_time="2026-11-23T00:00:00Z",
        run_args={"date": "2026-11-22"},
    )
    assert (made["id"], made["state"], made["startedAt"]) == (run_id, "NEW", None)
    assert made["args"]["date"] == "2026-11-22"
    assert made["nominalStartTime"] == "2026-11-22T00:00:00.000000Z"
    assert made["nominalEndTime"] == "2026-11-23T00:00:00.000000Z"
    with pytest.raises(APIError):
        client.create_job_run(namespace, "load", run_id=run_id)
    started = client.mark_job_run_as_started(run_id, STARTED)
    assert (started["state"], started["startedAt"]) == ("RUNNING", "2026-11-22T12:00:00.000000Z")
    done = client.mark_job_run_as_completed(run_id, ENDED)
    assert (done["state"], done["endedAt"], done["durationMs"]) == ("COMPLETED", ENDED, 30_500)
    assert client.get_job_run(run_id)["state"] == "COMPLETED"
    for mark, state in (
        (client.mark_job_run_as_failed, "FAILED"),
        (client.mark_job_run_as_aborted, "ABORTED"),
    ):
        other = client.create_job_run(namespace, "load", mark_as_running=True)
        assert other["state"] == "RUNNING"
        assert mark(other["id"])["state"] == state
    listed = client.list_job_runs(namespace, "load")
    assert (len(listed["runs"]), listed["totalCount"]) == (3, 3)
    job = client.get_job(namespace, "load")
    assert job["outputs"] == [{"namespace": namespace, "name": "orders"}]
    assert job["latestRun"]["state"] == "ABORTED"


def test_a_run_writes_a_dataset(client: MarquezClient, namespace: str, source: str) -> None:
    make_dataset(client, namespace, source, "orders")
    client.create_job(namespace, "load", JobType.STREAM)
    run = client.create_job_run(namespace, "load", mark_as_running=True)
    make_dataset(client, namespace, source, "mart", run_id=run["id"], fields=FIELDS)
    client.create_job(
        namespace,
        "load",
        JobType.STREAM,
        inputs=[DatasetId(namespace, "orders")],
        outputs=[DatasetId(namespace, "mart")],
        run_id=run["id"],
    )
    done = client.mark_job_run_as_completed(run["id"])
    for side, name in (("inputDatasetVersions", "orders"), ("outputDatasetVersions", "mart")):
        assert [each["datasetVersionId"]["name"] for each in done[side]] == [name]
    assert client.get_job(namespace, "load")["type"] == "STREAM"
    made = client.list_dataset_versions(namespace, "mart")["versions"][0]
    assert made["createdByRun"]["id"] == run["id"]


def test_column_lineage(client: MarquezClient, connection: Connection, namespace: str) -> None:
    facets = column_lineage({"total": [("unused", "unused")]})
    sources = [{"namespace": namespace, "name": "raw/orders", "field": "amount"}]
    facets["columnLineage"]["fields"]["total"]["inputFields"] = sources
    facets["schema"] = {"fields": [{"name": "total", "type": "INT"}]}
    raw = {"schema": {"fields": [{"name": "amount", "type": "INT"}]}}
    event = run_event(
        "COMPLETE",
        job="sum",
        run=str(uuid.uuid4()),
        namespace=namespace,
        inputs=[entry("raw/orders", namespace, facets=raw)],
        outputs=[entry("mart", namespace, facets=facets)],
    )
    assert connection.post(event, headers={"Prefer": "wait=10"}).status == 201
    mart, amount = (
        f"datasetField:{namespace}:mart:total",
        f"datasetField:{namespace}:raw/orders:amount",
    )
    for found in (
        client.get_column_lineage_by_dataset(namespace, "mart"),
        client.get_column_lineage_by_dataset_field(namespace, "mart", "total"),
        client.get_column_lineage_by_job(namespace, "sum"),
    ):
        nodes = {node["id"]: node for node in found["graph"]}
        assert sorted(nodes) == sorted([mart, amount])
        assert nodes[mart]["inEdges"] == [{"origin": mart, "destination": amount}]
        assert nodes[amount]["outEdges"] == [{"origin": amount, "destination": mart}]
    version = client.get_dataset(namespace, "mart")["currentVersion"]
    found = client.get_column_lineage_by_dataset(namespace, "mart", version=version)
    assert f"{mart}#{version}" in {node["id"] for node in found["graph"]}
    down = client.get_column_lineage_by_dataset(namespace, "raw/orders", with_downstream=True)
    assert mart in {node["id"] for node in down["graph"]}


def test_a_list_of_events_that_marquez_itself_does_not_have(client: MarquezClient, namespace: str) -> None:
    with pytest.raises(APIError):
        client.list_events()
    with pytest.raises(APIError):
        client.list_events(namespace)


def test_every_method_is_called_here() -> None:
    called = inspect.getsource(inspect.getmodule(test_every_method_is_called_here))  # type: ignore[arg-type]  # it is one
    public = {name for name, _ in inspect.getmembers(MarquezClient, inspect.isfunction) if name[0] != "_"}
    assert {name for name in public if f"client.{name}" not in called} == set()
