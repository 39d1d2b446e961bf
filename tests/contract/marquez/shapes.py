"""The keys of Marquez's entities: all of them are in every answer, and no others."""

from __future__ import annotations

from typing import Any

ID = {"namespace", "name"}
VERSION_ID = ID | {"version"}
NAMESPACE = {"name", "createdAt", "updatedAt", "ownerName", "description", "isHidden"}
FIELD = {"name", "type", "tags", "description"}
RUN = {
    "id", "createdAt", "updatedAt", "nominalStartTime", "nominalEndTime", "state", "startedAt", "endedAt",
    "durationMs", "args", "jobVersion", "inputDatasetVersions", "outputDatasetVersions", "facets",
}  # fmt: skip
JOB = {
    "id", "type", "name", "simpleName", "parentJobName", "parentJobUuid", "createdAt", "updatedAt", "namespace",
    "inputs", "outputs", "location", "description", "latestRun", "latestRuns", "facets", "currentVersion",
    "labels", "tags",
}  # fmt: skip
JOB_VERSION = {
    "id", "name", "createdAt", "version", "namespace", "location", "inputs", "outputs", "latestRun",
}  # fmt: skip
DATASET = {
    "id", "type", "name", "physicalName", "createdAt", "updatedAt", "namespace", "sourceName", "fields", "tags",
    "lastModifiedAt", "lastLifecycleState", "description", "currentVersion", "columnLineage", "facets", "deleted",
}  # fmt: skip
DATASET_VERSION = {
    "id", "type", "name", "physicalName", "createdAt", "version", "namespace", "sourceName", "fields", "tags",
    "lifecycleState", "description", "currentSchemaVersion", "createdByRun", "facets",
}  # fmt: skip
COLUMN = {"name", "inputFields", "transformationDescription", "transformationType"}
INPUT_FIELD = {"namespace", "dataset", "field", "transformationDescription", "transformationType"}


def check_run(run: dict[str, Any]) -> None:
    """Hold a run, with all in it, against its shape."""
    assert set(run) == RUN
    assert run["state"] in {"NEW", "RUNNING", "COMPLETED", "ABORTED", "FAILED"}
    assert run["jobVersion"] is None or set(run["jobVersion"]) == VERSION_ID
    for used in (*run["inputDatasetVersions"], *run["outputDatasetVersions"]):
        assert set(used) == {"datasetVersionId", "facets"}
        assert set(used["datasetVersionId"]) == VERSION_ID


def check_job(job: dict[str, Any]) -> None:
    """Hold a job against its shape."""
    assert set(job) == JOB
    assert set(job["id"]) == ID
    assert job["type"] in {"BATCH", "STREAM", "SERVICE"}
    for ref in (*job["inputs"], *job["outputs"]):
        assert set(ref) == ID
    for run in (*([job["latestRun"]] if job["latestRun"] else []), *(job["latestRuns"] or [])):
        check_run(run)


def check_job_version(version: dict[str, Any]) -> None:
    """Hold a version of a job against its shape."""
    assert set(version) == JOB_VERSION
    assert set(version["id"]) == VERSION_ID
    assert version["id"]["version"] == version["version"]
    if version["latestRun"] is not None:
        check_run(version["latestRun"])


def check_dataset(dataset: dict[str, Any]) -> None:
    """Hold a dataset against its shape."""
    assert set(dataset) == DATASET
    _check_described(dataset)
    for column in dataset["columnLineage"] or ():
        assert set(column) == COLUMN
        for source in column["inputFields"]:
            assert set(source) == INPUT_FIELD


def check_dataset_version(version: dict[str, Any]) -> None:
    """Hold a version of a dataset against its shape."""
    assert set(version) == DATASET_VERSION
    _check_described(version)
    if version["createdByRun"] is not None:
        check_run(version["createdByRun"])


def _check_described(dataset: dict[str, Any]) -> None:
    assert set(dataset["id"]) == ID
    assert dataset["type"] in {"DB_TABLE", "STREAM"}
    for field in dataset["fields"]:
        assert set(field) == FIELD
