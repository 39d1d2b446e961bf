"""Every entity in its shape: all keys, nulls written, and each identifier that an answer names can be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from collector.times import iso
from tests.contract.marquez import shapes
from tests.contract.marquez.conftest import Ask, Send
from tests.events import HOUR, NAMESPACE, NOON, column_lineage, dataset, dataset_event, job_event, run_event

RUN = "01980000-0000-7000-8000-000000000001"
SCHEMA = {
    "schema": {"fields": [{"name": "id", "type": "BIGINT"}, {"name": "total", "description": "in cents"}]}
}

MOST: dict[str, Any] = {
    "run_facets": {
        "nominalTime": {"nominalStartTime": iso(NOON - HOUR), "nominalEndTime": iso(NOON)},
        "parent": {"run": {"runId": "p1"}, "job": {"namespace": "shop", "name": "dag"}},
    },
    "job_facets": {
        "jobType": {"processingType": "BATCH", "integration": "AIRFLOW", "jobType": "TASK"},
        "documentation": {"description": "loads orders"},
        "sourceCodeLocation": {"type": "git", "url": "https://example.org/load.py"},
    },
}


@pytest.fixture
def filled(send: Send) -> None:
    described = {
        **SCHEMA,
        **column_lineage({"total": [("raw", "price")]}),
        "documentation": {"description": "all orders"},
        "dataSource": {"name": "warehouse", "uri": "postgres://db"},
        "lifecycleStateChange": {"lifecycleStateChange": "OVERWRITE"},
    }
    outputs = [dataset("orders", facets=described, outputFacets={"outputStatistics": {"rowCount": 7}})]
    inputs = [dataset("raw", inputFacets={"inputStatistics": {"rowCount": 9}})]
    send(
        run_event("START", NOON, "dag.load", RUN, namespace="shop", **MOST),
        run_event("COMPLETE", NOON + 1500, "dag.load", RUN, inputs, outputs, namespace="shop", **MOST),
    )


@pytest.mark.usefixtures("filled")
def test_a_namespace(ask: Ask) -> None:
    listed = ask("/namespaces")
    assert list(listed) == ["namespaces"]
    assert [each["name"] for each in listed["namespaces"]] == [NAMESPACE, "shop"]
    for each in listed["namespaces"]:
        assert set(each) == shapes.NAMESPACE
        assert (each["ownerName"], each["description"], each["isHidden"]) == ("anonymous", None, False)
        assert ask("/namespaces/{}", each["name"]) == each


@pytest.mark.usefixtures("filled")
def test_a_job(ask: Ask) -> None:
    job = ask("/namespaces/{}/jobs/{}", "shop", "dag.load")

    shapes.check_job(job)
    parent = ask("/namespaces/{}/jobs/{}", "shop", "dag")
    assert job["name"] == job["id"]["name"] == "dag.load"
    assert (job["simpleName"], job["parentJobName"]) == ("load", "dag")
    assert job["parentJobUuid"] is not None
    assert (job["type"], job["labels"], job["tags"]) == ("BATCH", ["TASK", "AIRFLOW"], [])
    assert (job["location"], job["description"]) == ("https://example.org/load.py", "loads orders")
    assert job["inputs"] == [{"namespace": NAMESPACE, "name": "raw"}]
    assert job["outputs"] == [{"namespace": NAMESPACE, "name": "orders"}]
    assert job["latestRuns"] == [job["latestRun"]]
    assert job["latestRun"]["state"] == "COMPLETED"
    assert set(job["facets"]) == {"jobType", "documentation", "sourceCodeLocation"}
    listed = ask("/namespaces/{}/jobs", "shop")
    assert listed == ask("/jobs")
    assert listed == {"jobs": [job, parent], "totalCount": 2}


@pytest.mark.usefixtures("filled")
def test_a_job_that_only_others_name(ask: Ask) -> None:
    parent = ask("/namespaces/{}/jobs/{}", "shop", "dag")

    shapes.check_job(parent)
    nulls = ("parentJobName", "parentJobUuid", "location", "description", "latestRun", "latestRuns")
    assert {key: parent[key] for key in nulls} == dict.fromkeys(nulls)
    assert (parent["inputs"], parent["outputs"], parent["facets"]) == ([], [], {})
    assert parent["createdAt"] is not None
    assert ask("/namespaces/{}/jobs/{}/runs", "shop", "dag") == {"runs": [], "totalCount": 0}
    stub = ask("/jobs/runs/{}", "p1")
    shapes.check_run(stub)
    assert (stub["state"], stub["createdAt"]) == ("NEW", iso(NOON))


@pytest.mark.usefixtures("filled")
def test_a_run(ask: Ask) -> None:
    run = ask("/jobs/runs/{}", RUN)

    shapes.check_run(run)
    assert run["id"] == RUN
    assert (run["createdAt"], run["updatedAt"]) == (iso(NOON), iso(NOON + 1500))
    assert (run["startedAt"], run["endedAt"], run["durationMs"]) == (iso(NOON), iso(NOON + 1500), 2)
    assert (run["nominalStartTime"], run["nominalEndTime"]) == (iso(NOON - HOUR), iso(NOON))
    assert run["args"] == {
        "nominal_start_time": iso(NOON - HOUR),
        "nominal_end_time": iso(NOON),
        "run_id": "p1",
        "name": "dag",
        "namespace": "shop",
    }
    assert set(run["facets"]) == {"nominalTime", "parent"}
    (read,), (written,) = run["inputDatasetVersions"], run["outputDatasetVersions"]
    assert read["facets"] == {"inputStatistics": {"rowCount": 9}}
    assert written["facets"] == {"outputStatistics": {"rowCount": 7}}
    assert ask("/namespaces/{}/jobs/{}/runs", "shop", "dag.load") == {"runs": [run], "totalCount": 1}
    assert ask("/jobs/runs/{}/facets", RUN, type="run") == {"runId": RUN, "facets": run["facets"]}
    of_job = ask("/jobs/runs/{}/facets", RUN, type="Job")
    assert set(of_job["facets"]) == {"jobType", "documentation", "sourceCodeLocation"}
    assert ask("/jobs/runs/{}/facets", RUN, type="dataset") == {"runId": RUN, "facets": {}}


@pytest.mark.usefixtures("filled")
def test_a_dataset(ask: Ask) -> None:
    orders = ask("/namespaces/{}/datasets/{}", NAMESPACE, "orders")

    shapes.check_dataset(orders)
    assert (orders["type"], orders["physicalName"], orders["sourceName"]) == (
        "DB_TABLE",
        "orders",
        "warehouse",
    )
    assert orders["fields"] == [
        {"name": "id", "type": "BIGINT", "tags": [], "description": None},
        {"name": "total", "type": None, "tags": [], "description": "in cents"},
    ]
    assert (orders["description"], orders["lastLifecycleState"]) == ("all orders", "OVERWRITE")
    assert (orders["lastModifiedAt"], orders["deleted"], orders["tags"]) == (iso(NOON + 1500), False, [])
    source = {"namespace": NAMESPACE, "dataset": "raw", "field": "price"}
    nothing = {"transformationDescription": None, "transformationType": None}
    assert orders["columnLineage"] == [{"name": "total", "inputFields": [source | nothing], **nothing}]
    assert "outputStatistics" not in orders["facets"]
    raw = ask("/namespaces/{}/datasets/{}", NAMESPACE, "raw")
    shapes.check_dataset(raw)
    nulls = ("lastModifiedAt", "lastLifecycleState", "description", "columnLineage")
    assert {key: raw[key] for key in nulls} == dict.fromkeys(nulls)
    assert (raw["fields"], raw["facets"], raw["sourceName"]) == ([], {}, "default")
    listed = ask("/namespaces/{}/datasets", NAMESPACE)
    assert listed == {"datasets": [orders, raw], "totalCount": 2}


@pytest.mark.usefixtures("filled")
def test_versions_of_a_dataset(ask: Ask) -> None:
    run = ask("/jobs/runs/{}", RUN)
    for name, made_by in (("orders", run), ("raw", None)):
        path = ("/namespaces/{}/datasets/{}", NAMESPACE, name)
        listed = ask(path[0] + "/versions", *path[1:])
        assert listed["totalCount"] == len(listed["versions"]) == 1
        (version,) = listed["versions"]
        shapes.check_dataset_version(version)
        assert version["createdByRun"] == made_by
        assert version["version"] == ask(*path)["currentVersion"]
        assert ask(path[0] + "/versions/{}", *path[1:], version["version"]) == version
    ends = (run["inputDatasetVersions"], run["outputDatasetVersions"])
    for (used,), name in zip(ends, ("raw", "orders"), strict=True):
        named = used["datasetVersionId"]["version"]
        assert ask("/namespaces/{}/datasets/{}/versions/{}", NAMESPACE, name, named)["version"] == named


def test_versions_of_a_dataset_have_the_schema_and_the_run_of_their_time(send: Send, ask: Ask) -> None:
    for number, columns in enumerate((["a"], ["a", "b"], ["a", "b"], ["a"])):
        facets = {"schema": {"fields": [{"name": name, "type": "INT"} for name in columns]}}
        run = RUN[:-1] + str(number)
        send(run_event("COMPLETE", NOON + number * HOUR, run=run, outputs=[dataset("d", facets=facets)]))
    send(run_event("FAIL", NOON + 9 * HOUR, run=RUN[:-1] + "9", outputs=["d"]))

    versions = ask("/namespaces/{}/datasets/{}/versions", NAMESPACE, "d")["versions"]

    assert [len(version["fields"]) for version in versions] == [1, 2, 2, 1]
    assert [version["createdByRun"]["id"][-1] for version in versions] == ["3", "2", "1", "0"]
    schemas = [version["currentSchemaVersion"] for version in versions]
    assert schemas == [schemas[0], schemas[1], schemas[1], schemas[0]]
    assert ask("/namespaces/{}/datasets/{}", NAMESPACE, "d")["currentVersion"] == versions[0]["version"]
    page = ask("/namespaces/{}/datasets/{}/versions", NAMESPACE, "d", limit=2, offset=1)
    assert page == {"versions": versions[1:3], "totalCount": 4}
    # What the failed run was to write is a version that can be asked for, and is not the dataset's.
    failed = ask("/jobs/runs/{}", RUN[:-1] + "9")["outputDatasetVersions"][0]["datasetVersionId"]["version"]
    unfinished = ask("/namespaces/{}/datasets/{}/versions/{}", NAMESPACE, "d", failed)
    assert unfinished["createdByRun"]["state"] == "FAILED"


def test_versions_of_a_job(send: Send, ask: Ask) -> None:
    for number, inputs in enumerate((["a"], ["a", "b"], ["a"])):
        run = RUN[:-1] + str(number)
        send(run_event("COMPLETE", NOON + number * HOUR, run=run, inputs=inputs, outputs=["d"]))

    job = ask("/namespaces/{}/jobs/{}", "shop", "load")
    versions = ask("/namespaces/{}/jobs/{}/versions", "shop", "load")

    assert list(versions) == ["versions"]
    newer, older = versions["versions"]
    for version in (newer, older):
        shapes.check_job_version(version)
        assert ask("/namespaces/{}/jobs/{}/versions/{}", "shop", "load", version["version"]) == version
    # The same inputs, outputs and location again are the same version.
    assert [len(version["inputs"]) for version in (newer, older)] == [2, 1]
    assert job["currentVersion"] == older["version"]
    assert [version["latestRun"]["id"][-1] for version in (newer, older)] == ["1", "2"]
    runs = ask("/namespaces/{}/jobs/{}/runs", "shop", "load")["runs"]
    wanted = [older, newer, older]
    assert [run["jobVersion"]["version"] for run in runs] == [version["version"] for version in wanted]


def test_another_location_is_another_version(send: Send, ask: Ask) -> None:
    def location(commit: str) -> dict[str, Any]:
        return {"sourceCodeLocation": {"type": "git", "url": f"https://example.org/{commit}"}}

    send(run_event("COMPLETE", NOON, run="a", inputs=["d"], job_facets=location("a1")))
    send(run_event("COMPLETE", NOON + HOUR, run="b", inputs=["d"], job_facets=location("b2")))

    versions = ask("/namespaces/{}/jobs/{}/versions", "shop", "load")["versions"]
    assert [version["location"][-2:] for version in versions] == ["b2", "a1"]
    assert [version["latestRun"]["id"] for version in versions] == [
        ask("/jobs/runs/{}", run)["id"] for run in ("b", "a")
    ]


def test_what_was_declared_without_a_run(send: Send, ask: Ask) -> None:
    send(
        job_event(NOON, "static", ["a"], ["b"], facets={"documentation": {"description": "by hand"}}),
        dataset_event(NOON, "b", schema=SCHEMA["schema"]),
    )

    job = ask("/namespaces/{}/jobs/{}", "shop", "static")
    shapes.check_job(job)
    assert (job["latestRun"], job["latestRuns"], job["description"]) == (None, None, "by hand")
    assert [ref["name"] for ref in (*job["inputs"], *job["outputs"])] == ["a", "b"]
    (version,) = ask("/namespaces/{}/jobs/{}/versions", "shop", "static")["versions"]
    assert (version["version"], version["latestRun"]) == (job["currentVersion"], None)
    declared = ask("/namespaces/{}/datasets/{}", NAMESPACE, "b")
    assert [field["name"] for field in declared["fields"]] == ["id", "total"]
    assert ask("/jobs")["totalCount"] == 1


def test_lists_hide_what_stands_in_for_something_else(send: Send, ask: Ask) -> None:
    # A DatasetEvent that tells its sources makes a hidden job; a dependency between jobs, a hidden dataset.
    lineage: dict[str, Any] = {"lineage": {"inputs": [{"namespace": NAMESPACE, "name": "a"}]}}
    upstream = {"jobDependencies": {"upstream": [{"job": {"namespace": "shop", "name": "first"}}]}}
    send(
        dataset_event(NOON, "b", **lineage),
        run_event("COMPLETE", NOON, "first", "r1", namespace="shop"),
        run_event("COMPLETE", NOON, "second", "r2", namespace="shop", run_facets=upstream),
    )

    assert sorted(job["name"] for job in ask("/jobs")["jobs"]) == ["first", "second"]
    assert ask("/jobs")["totalCount"] == ask("/namespaces/{}/jobs", "shop")["totalCount"] == 2
    assert ask("/namespaces/{}/datasets", "shop") == {"datasets": [], "totalCount": 0}
    assert ask("/namespaces/{}/datasets", NAMESPACE)["totalCount"] == 2
    for name in ("first", "second"):
        ask("/namespaces/{}/datasets/{}", "shop", name, status=404)
