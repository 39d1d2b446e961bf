"""How events and facets are written: addresses of schemas and producers as the tools send them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from lineage.instants import EPOCH

Json = dict[str, Any]

SPEC: Final = "https://openlineage.io/spec"

CLIENT: Final = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/client/python"
"""The Python client: what facets name that were made with it, whoever sends them."""

SCHEMAS: Final = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "dataQualityAssertions": "1-1-0/DataQualityAssertionsDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "documentation": "1-1-0/DocumentationDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "nominalTime": "1-0-1/NominalTimeRunFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "ownership": "1-0-1/OwnershipDatasetFacet",
    "parent": "1-2-0/ParentRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "sourceCodeLocation": "1-1-0/SourceCodeLocationJobFacet",
    "sql": "1-1-0/SQLJobFacet",
    "symlinks": "1-0-1/SymlinksDatasetFacet",
    "tags": "1-0-0/TagsRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
}
"""Versions and names of the facets of the specification, by their keys."""

OF_JOBS: Final = {
    "documentation": "1-1-0/DocumentationJobFacet",
    "ownership": "1-0-1/OwnershipJobFacet",
    "tags": "1-0-0/TagsJobFacet",
}
"""Those that have another schema on jobs."""

CLIENT_TAGS: Final = [
    {"key": "openlineage_client_version", "source": "OPENLINEAGE_CLIENT", "value": "1.54.0"}
]


def facet(producer: str, key: str, /, *, of_job: bool = False, **values: object) -> Json:
    """Write one facet of the specification."""
    schema = OF_JOBS[key] if of_job else SCHEMAS[key]
    name = schema.partition("/")[2]
    url = f"{SPEC}/facets/{schema}.json#/$defs/{name}"
    return {key: {"_producer": producer, "_schemaURL": url, **values}}


def custom(producer: str, key: str, schema: str, /, **values: object) -> Json:
    """Write a facet of a tool's own; ``schema`` is the address that the tool gives for it."""
    return {key: {"_producer": producer, "_schemaURL": schema, **values}}


def run_event(
    producer: str,
    kind: str,
    at: str,
    run_id: str,
    job: tuple[str, str],
    *,
    run: Json,
    about: Json,
    inputs: list[Json],
    outputs: list[Json],
    schema: str = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
) -> Json:
    """Write a run event: ``run`` and ``about`` are the facets of the run and of the job."""
    return {
        "eventTime": at,
        "eventType": kind,
        "inputs": inputs,
        "job": {"facets": about, "name": job[1], "namespace": job[0]},
        "outputs": outputs,
        "producer": producer,
        "run": {"facets": run, "runId": run_id},
        "schemaURL": schema,
    }


def offset_time(at: int) -> str:
    """Write µs UTC as Python's tools do: ``2026-11-22T05:25:10.541111+00:00``."""
    return (EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds")


def zulu_time(at: int) -> str:
    """Write µs UTC with milliseconds and Z, as tools on the Java virtual machine do."""
    return (EPOCH + timedelta(microseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
