"""What the deprecated write requests of Marquez say, as the OpenLineage events that say the same.

The log is the truth here, so what a client declares becomes events and is projected like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from collector.times import iso

Json = dict[str, Any]
Pair = tuple[str, str]
"""(namespace, name)."""

PRODUCER: Final = "urn:tidegate:marquez"
CORE: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
FACETS: Final = "https://openlineage.io/spec/facets"

OWN_FACET: Final = "marquez_dataset"
"""What the dataset requests have beyond OpenLineage: ``physicalName``, ``schemaLocation``."""

PROCESSING: Final = {"STREAM": "STREAMING", "SERVICE": "SERVICE"}
"""Marquez's type of a job, and what the ``jobType`` facet calls it."""


def dataset_facets(
    *,
    kind: str,
    physical_name: str,
    schema_location: str | None,
    fields: Sequence[Mapping[str, Any]],
    source: Pair,
    description: str | None,
) -> Json:
    """Make the facets of a dataset; ``source`` is (name, connection URL), ``kind`` is DB_TABLE or STREAM."""
    own = {"physicalName": physical_name, "schemaLocation": schema_location}
    facets: Json = {
        "dataSource": _facet("1-0-1", "DatasourceDatasetFacet", name=source[0], uri=source[1]),
        "datasetType": _facet(
            "1-0-1", "DatasetTypeDatasetFacet", datasetType="STREAM" if kind == "STREAM" else "TABLE"
        ),
        OWN_FACET: {"_producer": PRODUCER, "_schemaURL": f"{CORE}/DatasetFacet", **own},
    }
    if fields:
        facets["schema"] = _facet("1-2-0", "SchemaDatasetFacet", fields=[_field(each) for each in fields])
    if description is not None:
        facets["documentation"] = _facet("1-1-0", "DocumentationDatasetFacet", description=description)
    return facets


def job_facets(*, kind: str, location: str | None, description: str | None) -> Json:
    """Make the facets of a job; ``kind`` is BATCH, STREAM or SERVICE."""
    # A job is BATCH if nothing is said, and has no label of the tool that it runs in.
    type_: Json = (
        {"_deleted": True}
        if kind == "BATCH"
        else {"processingType": PROCESSING[kind], "integration": "MARQUEZ"}
    )
    facets: Json = {"jobType": _facet("2-0-3", "JobTypeJobFacet", **type_)}
    if location is not None:
        facets["sourceCodeLocation"] = _facet("1-0-1", "SourceCodeLocationJobFacet", type="url", url=location)
    if description is not None:
        facets["documentation"] = _facet("1-1-0", "DocumentationJobFacet", description=description)
    return facets


def dataset_event(at: int, dataset: Pair, facets: Json) -> Json:
    """Declare a dataset. ``at`` is in µs UTC, here and below."""
    return {**_envelope(at, "DatasetEvent"), "dataset": {**_name(dataset), "facets": facets}}


def job_event(at: int, job: Pair, facets: Json, inputs: Iterable[Pair], outputs: Iterable[Pair]) -> Json:
    """Declare a job with what it reads and writes."""
    return {
        **_envelope(at, "JobEvent"),
        "job": {**_name(job), "facets": facets},
        "inputs": [_name(each) for each in inputs],
        "outputs": [_name(each) for each in outputs],
    }


def run_event(
    at: int,
    job: Pair,
    run_id: str,
    event_type: str,
    *,
    nominal: tuple[int | None, int | None] = (None, None),
    inputs: Iterable[Pair] = (),
    outputs: Iterable[tuple[Pair, Json]] = (),
) -> Json:
    """Say something about a run; ``OTHER`` leaves its state as it is. ``outputs`` come with their facets."""
    facets: Json = {}
    start, end = nominal
    if start is not None:
        times = {"nominalStartTime": iso(start)} | ({} if end is None else {"nominalEndTime": iso(end)})
        facets["nominalTime"] = _facet("1-0-1", "NominalTimeRunFacet", **times)
    return {
        **_envelope(at, "RunEvent"),
        "eventType": event_type,
        "run": {"runId": run_id, "facets": facets},
        "job": _name(job),
        "inputs": [_name(each) for each in inputs],
        "outputs": [{**_name(dataset), "facets": own} for dataset, own in outputs],
    }


def _envelope(at: int, kind: str) -> Json:
    return {"eventTime": iso(at), "producer": PRODUCER, "schemaURL": f"{CORE}/{kind}"}


def _name(pair: Pair) -> Json:
    return {"namespace": pair[0], "name": pair[1]}


def _field(field: Mapping[str, Any]) -> Json:
    return {key: field[key] for key in ("name", "type", "description") if field.get(key) is not None}


def _facet(edition: str, kind: str, /, **values: Any) -> Json:
    url = f"{FACETS}/{edition}/{kind}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": url, **values}
