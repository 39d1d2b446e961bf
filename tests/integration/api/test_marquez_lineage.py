"""Lineage in the shapes of Marquez: of jobs and datasets, of columns, and of runs."""

from __future__ import annotations

import uuid
from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from collector.storage import keys, notes, tables
from collector.storage.engine import Database
from lineage.model import Direction
from tests.catalog import HOUR, NOON, Catalog
from tests.integration.api.conftest import Ask, Writing
from tests.statements import counted

IN, OUT = Direction.INPUT, Direction.OUTPUT
DATA = "postgres://db.example.org:5432"
RUN = "01980000-0000-7000-8000-00000000000{}"


def chain(catalog: Catalog, length: int = 4) -> tuple[list[int], list[int]]:
    """Write jobs of which each reads what the one before has written."""
    datasets = [catalog.dataset(f"shop.t{number}", DATA) for number in range(length + 1)]
    jobs = [catalog.job(f"j{number}", first_seen_at=NOON, last_seen_at=NOON) for number in range(length)]
    for number, job in enumerate(jobs):
        catalog.edge(job, datasets[number], IN)
        catalog.edge(job, datasets[number + 1], OUT)
    return jobs, datasets


def ids(answer: Any) -> list[str]:
    return [node["id"] for node in answer["graph"]]


def names(answer: Any, kind: str) -> set[str]:
    return {node["data"]["name"] for node in answer["graph"] if node["type"] == kind}


def test_the_nodes_have_marquez_shapes(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        (job, *_), (_, made, *_) = chain(catalog, 1)
        run = catalog.run(job, RUN.format(1), ended_at=NOON + 1_500_000, last_event_at=NOON + 1_500_000)
        catalog.update(made, run, NOON + 1_500_000)
        catalog.facet(job, "documentation", {"description": "Loads"})
        catalog.facet(job, "sourceCodeLocation", {"type": "git", "url": "https://example.org/j0"})
        fields = [{"name": "id", "type": "INT", "description": "key"}, {"name": "at"}]
        catalog.facet(made, "schema", {"fields": fields})
        catalog.facet(made, "dataSource", {"name": "shop db", "uri": DATA})
        notes.attach_tag(catalog.conn, made, "id", "KEY", NOON)
    answer = ask("/lineage", nodeId="job:shop:j0", depth=2)
    source, target, writer = f"dataset:{DATA}:shop.t0", f"dataset:{DATA}:shop.t1", "job:shop:j0"
    assert ids(answer) == [source, target, writer]
    assert answer["graph"][2] == {
        "id": writer,
        "type": "JOB",
        "data": {
            "id": {"namespace": "shop", "name": "j0"},
            "type": "BATCH",
            "name": "j0",
            "simpleName": "j0",
            "parentJobName": None,
            "parentJobUuid": None,
            "currentRunUuid": RUN.format(1),
            "createdAt": "2026-11-22T12:00:00Z",
            "updatedAt": "2026-11-22T12:00:00Z",
            "namespace": "shop",
            "inputs": [{"namespace": DATA, "name": "shop.t0"}],
            "outputs": [{"namespace": DATA, "name": "shop.t1"}],
            "location": "https://example.org/j0",
            "description": "Loads",
            "latestRun": {
                "id": RUN.format(1),
                "createdAt": "2026-11-22T12:00:00Z",
                "updatedAt": "2026-11-22T12:00:01.500000Z",
                "nominalStartTime": None,
                "nominalEndTime": None,
                "state": "COMPLETED",
                "startedAt": "2026-11-22T12:00:00Z",
                "endedAt": "2026-11-22T12:00:01.500000Z",
                "durationMs": 1500,
                "args": {},
                "jobVersion": None,
                "inputDatasetVersions": [],
                "outputDatasetVersions": [],
                "facets": {},
            },
        },
        "inEdges": [{"origin": source, "destination": writer}],
        "outEdges": [{"origin": writer, "destination": target}],
    }
    assert answer["graph"][1] == {
        "id": target,
        "type": "DATASET",
        "data": {
            "id": {"namespace": DATA, "name": "shop.t1"},
            "type": "DB_TABLE",
            "name": "shop.t1",
            "physicalName": "shop.t1",
            "createdAt": "2026-11-22T12:00:00Z",
            "updatedAt": "2026-11-22T12:00:01.500000Z",
            "namespace": DATA,
            "sourceName": "shop db",
            "fields": [
                {"name": "id", "type": "INT", "tags": ["KEY"], "description": "key"},
                {"name": "at", "type": None, "tags": [], "description": None},
            ],
            "tags": [],
            "lastModifiedAt": "2026-11-22T12:00:01.500000Z",
            "description": None,
            "lastLifecycleState": None,
        },
        "inEdges": [{"origin": writer, "destination": target}],
        "outEdges": [],
    }


def test_a_step_goes_to_all_jobs_that_share_a_dataset(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        _, datasets = chain(catalog, 4)
        sibling = catalog.job("sibling")
        catalog.edge(sibling, datasets[1], IN)
    asked = {"nodeId": "job:shop:j0"}
    assert names(ask("/lineage", **asked, depth=0), "JOB") == {"j0"}
    assert names(ask("/lineage", **asked, depth=1), "JOB") == {"j0", "j1", "sibling"}
    assert names(ask("/lineage/", **asked, depth=2), "JOB") == {"j0", "j1", "j2", "sibling"}
    # Against the flow too: from the last to all, and from one reader to the other.
    assert names(ask("/lineage", nodeId="job:shop:sibling"), "JOB") == {"j0", "j1", "j2", "j3", "sibling"}
    assert names(ask("/lineage", nodeId=f"dataset:{DATA}:shop.t4", depth=0), "JOB") == {"j3"}


def test_a_dataset_without_jobs_stands_alone(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("2024/x", "s3://b")
    (node,) = ask("/lineage", nodeId="dataset:s3://b:2024/x")["graph"]
    assert (node["id"], node["inEdges"], node["outEdges"]) == ("dataset:s3://b:2024/x", [], [])


def test_what_is_hidden_joins_nothing(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        jobs, datasets = chain(catalog, 3)
        notes.hide(catalog.conn, [datasets[2]], NOON + HOUR)
    assert names(ask("/lineage", nodeId="job:shop:j0"), "JOB") == {"j0", "j1"}
    assert names(ask("/lineage", nodeId="job:shop:j2"), "JOB") == {"j2"}
    assert ask("/lineage", 404, nodeId=f"dataset:{DATA}:shop.t2")["message"] == "Dataset 'shop.t2' not found."
    with writing() as catalog:
        notes.show(catalog.conn, [datasets[2]], NOON + HOUR)
        notes.hide(catalog.conn, [jobs[1]], NOON + HOUR)
    answer = ask("/lineage", nodeId="job:shop:j0")
    assert (names(answer, "JOB"), names(answer, "DATASET")) == ({"j0"}, {"shop.t0", "shop.t1"})


def test_names_of_one_dataset_are_one_node_and_artificial_ones_none(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        canonical = catalog.dataset("shop.orders", DATA)
        other = catalog.dataset("orders", "s3://lake", canonical_id=canonical)
        passed = catalog.dataset("tmp", "inmemory://", artificial=True)
        first, second, third = (catalog.job(name) for name in ("first", "second", "third"))
        catalog.edge(first, canonical, OUT)
        catalog.edge(second, other, IN)
        catalog.edge(second, passed, OUT)
        catalog.edge(third, passed, IN)
        catalog.facet(other, "schema", {"fields": [{"name": "id"}]})
    for asked in ("dataset:s3://lake:orders", f"dataset:{DATA}:shop.orders", "job:shop:third"):
        answer = ask("/lineage", nodeId=asked)
        assert ids(answer) == [
            f"dataset:{DATA}:shop.orders",
            "job:shop:first",
            "job:shop:second",
            "job:shop:third",
        ]
    orders, _, reader, last = answer["graph"]
    assert [field["name"] for field in orders["data"]["fields"]] == ["id"]
    assert reader["outEdges"] == [{"origin": "job:shop:second", "destination": "job:shop:third"}]
    assert last["inEdges"] == reader["outEdges"]
    assert reader["data"]["outputs"] == last["data"]["inputs"] == []


def test_a_job_is_called_after_its_parents(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        dag = catalog.job("dag")
        task = catalog.job("dag.task", parent_id=dag)
        app = catalog.job("app", parent_id=task, last_seen_at=NOON, first_seen_at=NOON)
        catalog.edge(app, catalog.dataset("d"), OUT)
    for asked in ("job:shop:app", "job:shop:dag.task.app"):
        node = ask("/lineage", nodeId=asked)["graph"][1]
        assert node["id"] == "job:shop:dag.task.app"
        assert (node["data"]["simpleName"], node["data"]["parentJobName"]) == ("app", "dag.task")
        uuid.UUID(node["data"]["parentJobUuid"])


@pytest.mark.parametrize(
    ("parameters", "status", "answer"),
    [
        ({}, 400, {"errors": ["query param nodeId must not be null"]}),
        ({"nodeId": "table:a:b"}, 404, {"code": 404, "message": "HTTP 404 Not Found"}),
        ({"nodeId": "job:alone"}, 404, {"code": 404, "message": "HTTP 404 Not Found"}),
        ({"nodeId": "job:a:b", "depth": "x"}, 404, {"code": 404, "message": "HTTP 404 Not Found"}),
        ({"nodeId": "job:a:b"}, 404, {"code": 404, "message": "Job 'b' not found."}),
        ({"nodeId": "dataset:s3://b:2024/x"}, 404, {"code": 404, "message": "Dataset '2024/x' not found."}),
        (
            {"nodeId": f"run:{RUN.format(1)}"},
            404,
            {"code": 404, "message": f"Node 'run:{RUN.format(1)}' must be of type dataset or job!"},
        ),
    ],
)
def test_what_cannot_be_asked(ask: Ask, parameters: Any, status: int, answer: Any) -> None:
    assert ask("/lineage", status, **parameters) == answer


def test_a_key_of_some_namespaces_sees_these_only(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        mine, theirs = catalog.job("j", "mine"), catalog.job("j", "theirs")
        data = catalog.dataset("d", "mine")
        secret = catalog.dataset("s", "theirs")
        for job in (mine, theirs):
            catalog.edge(job, data, IN)
            catalog.edge(job, secret, OUT)
        key, _ = keys.create(catalog.conn, "test", ("read",), ("mine",), NOON)
    headers = {"Authorization": f"Bearer {key}"}
    found: Any = client.get("/api/v1/lineage?nodeId=job:mine:j", headers=headers).json
    assert ids(found) == ["dataset:mine:d", "job:mine:j"]
    assert found["graph"][1]["outEdges"] == []
    assert client.get("/api/v1/lineage?nodeId=job:theirs:j", headers=headers).status_code == 404


def test_a_parent_that_a_key_may_not_see_is_not_told(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        secret = catalog.job("secret", "theirs")
        job = catalog.job("j", "mine", parent_id=secret, first_seen_at=NOON, last_seen_at=NOON)
        catalog.edge(job, catalog.dataset("d", "mine"), OUT)
        catalog.run(job, RUN.format(1), ended_at=NOON, last_event_at=NOON)
        key, _ = keys.create(catalog.conn, "test", ("read",), ("mine",), NOON)

    def text(path: str) -> str:
        return client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {key}"}).text

    for path in (
        "/lineage?nodeId=dataset:mine:d",
        "/search?q=j",
        "/jobs",
        "/namespaces/mine/jobs/j/versions",
        f"/jobs/runs/{RUN.format(1)}",
        f"/runlineage/upstream?runId={RUN.format(1)}",
    ):
        assert '"j"' in text(path), path
        assert "secret" not in text(path), path
    assert "not found" in text("/namespaces/mine/jobs/secret.j")


def test_a_name_that_a_key_may_not_see_tells_nothing_of_its_data(
    client: FlaskClient, writing: Writing
) -> None:
    """Whoever may send events could join any dataset with one of his own."""
    with writing() as catalog:
        secret = catalog.dataset("d", "theirs")
        catalog.facet(secret, "schema", {"fields": [{"name": "salary", "type": "INT"}]})
        catalog.alias(catalog.dataset("d", "mine"), secret, "symlink")
        key, _ = keys.create(catalog.conn, "test", ("read",), ("mine",), NOON)
    headers = {"Authorization": f"Bearer {key}"}

    for path in (
        "/v1/namespaces/mine/datasets/d",
        "/v1/namespaces/mine/datasets",
        "/v2/lineage?node=dataset:mine:d&level=column",
    ):
        text = client.get(f"/api{path}", headers=headers).text
        assert '"d"' in text or "dataset:mine:d" in text, path
        assert "salary" not in text, path


def test_a_graph_costs_two_statements_a_step(ask: Ask, writing: Writing, database: Database) -> None:
    with writing() as catalog:
        chain(catalog, 12)
    costs = []
    for depth in (4, 9):
        with counted(database) as statements:
            ask("/lineage", nodeId="job:shop:j0", depth=depth)
        costs.append(len(statements))
    assert costs[1] - costs[0] == 10
    assert costs[0] < 40


# --- columns ----------------------------------------------------------------------------------------------------


@pytest.fixture
def columns(writing: Writing) -> None:
    """Write raw.amount -> mart.total -> report.sum."""
    with writing() as catalog:
        datasets = [catalog.dataset(name, DATA) for name in ("raw", "mart", "report")]
        fields = ("amount", "total", "sum")
        for dataset, field in zip(datasets, fields, strict=True):
            catalog.facet(dataset, "schema", {"fields": [{"name": field, "type": "INT"}]})
        for number, (source, target) in enumerate(pairwise(datasets)):
            job = catalog.job(f"j{number}")
            catalog.edge(job, source, IN)
            catalog.edge(job, target, OUT, derivation_id=number)
            row = {"id": number, "position": 0, "dataset_id": source, "field": fields[number]}
            row |= {
                "target_field": fields[number + 1],
                "transformations": '[["DIRECT","IDENTITY","as it is",false]]',
            }
            catalog.conn.execute(insert(tables.derivation), [row])
        run = catalog.run(job, RUN.format(1))
        catalog.uses(run, datasets[2], OUT)
        catalog.update(datasets[2], run)


def test_columns_have_reversed_in_edges(ask: Ask, columns: None) -> None:
    answer = ask("/column-lineage", nodeId=f"datasetField:{DATA}:mart:total")
    raw, mart = f"datasetField:{DATA}:raw:amount", f"datasetField:{DATA}:mart:total"
    assert ids(answer) == [mart, raw]
    node = answer["graph"][0]
    (source,) = node["data"].pop("inputFields")
    uuid.UUID(source.pop("datasetVersion"))
    uuid.UUID(node["data"].pop("datasetVersion"))
    assert source == {
        "namespace": DATA,
        "dataset": "raw",
        "field": "amount",
        "transformationDescription": "as it is",
        "transformationType": "DIRECT",
    }
    assert node == {
        "id": mart,
        "type": "DATASET_FIELD",
        "data": {
            "namespace": DATA,
            "dataset": "mart",
            "field": "total",
            "fieldType": "INT",
            "transformationDescription": "as it is",
            "transformationType": "DIRECT",
        },
        "inEdges": [{"origin": mart, "destination": raw}],
        "outEdges": [],
    }
    source_node = answer["graph"][1]
    assert (source_node["data"]["fieldType"], source_node["data"]["inputFields"]) == ("", [])
    assert source_node["outEdges"] == [{"origin": raw, "destination": mart}]


def test_columns_up_and_down(ask: Ask, columns: None) -> None:
    def fields(**parameters: object) -> set[str]:
        return {node["data"]["field"] for node in ask("/column-lineage", **parameters)["graph"]}

    mart = f"dataset:{DATA}:mart"
    assert fields(nodeId=mart) == {"total", "amount"}
    assert fields(nodeId=mart, withDownstream="true") == {"total", "amount", "sum"}
    assert fields(nodeId=f"dataset:{DATA}:report", depth=1) == {"sum", "total"}
    assert fields(nodeId="job:shop:j0") == {"total", "amount"}


def test_columns_of_a_version(ask: Ask, client: FlaskClient, columns: None) -> None:
    node = f"dataset:{DATA}:report"
    plain = ask("/column-lineage", nodeId=node)
    version = next(each for each in plain["graph"] if each["data"]["field"] == "sum")["data"][
        "datasetVersion"
    ]
    found = ask("/column-lineage", nodeId=f"{node}#{version}")
    assert f"datasetField:{DATA}:report:sum#{version}" in ids(found)
    both = {"nodeId": f"{node}#{version}", "withDownstream": "true"}
    refused = client.get("/api/v1/column-lineage", query_string=both)
    assert (refused.status_code, refused.data) == (400, b"")


def test_what_has_no_columns(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("blank", DATA)
    nothing = {"code": 404, "message": "Could not find node"}
    assert ask("/column-lineage", 404, nodeId=f"dataset:{DATA}:blank") == nothing
    assert ask("/column-lineage", 404, nodeId=f"datasetField:{DATA}:blank:x") == nothing
    assert ask("/column-lineage", 400) == {"errors": ["query param nodeId must not be null"]}


# --- runs -------------------------------------------------------------------------------------------------------


def test_runs_go_back_to_who_had_written_last(ask: Ask, writing: Writing) -> None:
    with writing() as catalog:
        jobs, datasets = chain(catalog, 2)
        outside, between, _ = datasets
        early, late, reader = (
            catalog.run(job, RUN.format(number), NOON + number * HOUR, ended_at=NOON + number * HOUR + 1)
            for number, job in ((1, jobs[0]), (3, jobs[0]), (2, jobs[1]))
        )
        for run in (early, late):
            catalog.uses(run, outside, IN)
            catalog.uses(run, between, OUT)
        catalog.update(between, early, NOON + HOUR + 1)
        catalog.update(between, late, NOON + 3 * HOUR + 1)
        catalog.uses(reader, between, IN)
    answer = ask("/runlineage/upstream", runId=RUN.format(2))
    first, second = answer["runs"]
    assert first["run"] == {
        "id": RUN.format(2),
        "start": "2026-11-22T14:00:00.000000Z",
        "end": "2026-11-22T14:00:00.000001Z",
        "status": "COMPLETED",
    }
    assert (first["job"]["namespace"], first["job"]["name"]) == ("shop", "j1")
    (read,) = first["inputs"]
    assert (read["namespace"], read["name"], read["producedByRunId"]) == (DATA, "shop.t1", RUN.format(1))
    uuid.UUID(read["version"])
    # Nobody is known to have written what the first one read.
    assert second["run"]["id"] == RUN.format(1)
    assert [(each["name"], each["producedByRunId"]) for each in second["inputs"]] == [("shop.t0", None)]
    assert [
        each["run"]["id"] for each in ask("/runlineage/upstream", runId=RUN.format(2), depth=0)["runs"]
    ] == [RUN.format(2)]
    assert (
        ask("/runlineage/upstream", 404, runId=RUN.format(9))["message"]
        == f"Run '{RUN.format(9)}' not found."
    )
    assert ask("/runlineage/upstream", 400)["errors"] == ["query param runId must not be null"]


def test_runs_tell_a_key_of_some_namespaces_of_no_other_data(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        writer = catalog.run(catalog.job("w", "theirs"), RUN.format(1), ended_at=NOON + 1)
        reader = catalog.run(catalog.job("r", "mine"), RUN.format(2), NOON + HOUR)
        for place in ("mine", "theirs"):
            data = catalog.dataset("d", place)
            catalog.uses(writer, data, OUT)
            catalog.update(data, writer, NOON + 1)
            catalog.uses(reader, data, IN)
        key, _ = keys.create(catalog.conn, "test", ("read",), ("mine",), NOON)
    headers = {"Authorization": f"Bearer {key}"}

    found: Any = client.get(f"/api/v1/runlineage/upstream?runId={RUN.format(2)}", headers=headers).json

    (run,) = found["runs"]
    assert [(each["namespace"], each["producedByRunId"]) for each in run["inputs"]] == [("mine", None)]
