"""OpenLineage events made by hand, as short as the spec allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from collector.times import iso
from lineage.model import DatasetRef, JobRef

Json = dict[str, Any]

NOON = 1_795_348_800_000_000
"""2026-11-22T12:00:00Z."""

MINUTE = 60_000_000
HOUR = 60 * MINUTE

PRODUCER = "https://example.org/tidegate/tests"
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"

NAMESPACE = "postgres://db.example.org:5432"


def ref(name: str, namespace: str = NAMESPACE) -> DatasetRef:
    """Name a dataset as ``dataset`` does."""
    return DatasetRef(namespace, name)


def job_ref(name: str, namespace: str = "shop") -> JobRef:
    """Name a job as ``run_event`` does."""
    return JobRef(namespace, name)


def dataset(name: str, namespace: str = NAMESPACE, **parts: Any) -> Json:
    """Give an entry of inputs or outputs; ``parts`` are facets, inputFacets and outputFacets."""
    return {"namespace": namespace, "name": name, **parts}


def run_event(
    kind: str | None,
    at: int = NOON,
    job: str = "load",
    run: str = "01980000-0000-7000-8000-000000000001",
    inputs: Iterable[object] = (),
    outputs: Iterable[object] = (),
    *,
    namespace: str = "shop",
    run_facets: object = None,
    job_facets: object = None,
    **parts: Any,
) -> Json:
    """Give a RunEvent; a text among inputs and outputs is the name of a dataset."""
    event: Json = {
        "eventTime": iso(at),
        "producer": PRODUCER,
        "schemaURL": f"{CORE}/RunEvent",
        "run": {"runId": run},
        "job": {"namespace": namespace, "name": job},
        "inputs": _entries(inputs),
        "outputs": _entries(outputs),
        **parts,
    }
    if kind is not None:
        event["eventType"] = kind
    if run_facets is not None:
        event["run"]["facets"] = run_facets
    if job_facets is not None:
        event["job"]["facets"] = job_facets
    return event


def job_event(
    at: int = NOON,
    job: str = "load",
    inputs: Iterable[object] = (),
    outputs: Iterable[object] = (),
    *,
    namespace: str = "shop",
    facets: object = None,
) -> Json:
    """Give a JobEvent."""
    event = run_event(None, at, job, inputs=inputs, outputs=outputs, namespace=namespace, job_facets=facets)
    del event["run"]
    return event | {"schemaURL": f"{CORE}/JobEvent"}


def dataset_event(at: int = NOON, name: str = "orders", namespace: str = NAMESPACE, **facets: Any) -> Json:
    """Give a DatasetEvent."""
    return {
        "eventTime": iso(at),
        "producer": PRODUCER,
        "schemaURL": f"{CORE}/DatasetEvent",
        "dataset": dataset(name, namespace, facets=facets),
    }


def column_lineage(fields: dict[str, list[tuple[str, str]]], whole: Iterable[tuple[str, str]] = ()) -> Json:
    """Give a columnLineage facet: for each field its sources (dataset, field), and those of the whole dataset."""

    def sources(pairs: Iterable[tuple[str, str]]) -> list[Json]:
        return [{"namespace": NAMESPACE, "name": name, "field": field} for name, field in pairs]

    facet: Json = {"fields": {name: {"inputFields": sources(pairs)} for name, pairs in fields.items()}}
    if whole:
        facet["dataset"] = sources(whole)
    return {"columnLineage": facet}


def _entries(given: Iterable[object]) -> list[object]:
    return [dataset(entry) if isinstance(entry, str) else entry for entry in given]
