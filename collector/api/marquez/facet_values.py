"""What Marquez shows of jobs and datasets that facets tell; each reader takes the facet's body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.facets import Json, items, mapping, text

STREAMS = frozenset({"STREAM", "TOPIC"})
"""The words of the ``datasetType`` facet for what Marquez calls STREAM; all else is a DB_TABLE, as its web UI wants."""


def description(facet: Json) -> str | None:
    """Read ``documentation``."""
    return text(facet.get("description"))


def url(facet: Json) -> str | None:
    """Read ``sourceCodeLocation``."""
    return text(facet.get("url"))


def source_name(facet: Json) -> str | None:
    """Read ``dataSource``."""
    return text(facet.get("name"))


def lifecycle(facet: Json) -> str | None:
    """Read ``lifecycleStateChange``."""
    return text(facet.get("lifecycleStateChange"))


def job_type(facet: Json) -> str:
    """Read the type of a job from ``jobType``."""
    kind = (text(facet.get("processingType")) or "").upper()
    return {"STREAMING": "STREAM", "SERVICE": "SERVICE"}.get(kind, "BATCH")


def labels(facet: Json) -> list[str]:
    """Read what ``jobType`` says besides: which kind of job, and in which tool."""
    return [word for key in ("jobType", "integration") if (word := text(facet.get(key))) is not None]


def dataset_type(facet: Json) -> str:
    """Read ``datasetType``."""
    return "STREAM" if (text(facet.get("datasetType")) or "").upper() in STREAMS else "DB_TABLE"


def fields(facet: Json) -> list[dict[str, Any]]:
    """Read the fields of ``schema``, without their tags."""
    return [
        {
            "name": name,
            "type": text(field.get("type")),
            "tags": [],
            "description": text(field.get("description")),
        }
        for field in map(mapping, items(facet.get("fields")))
        if (name := text(field.get("name"))) is not None
    ]


def column_lineage(facet: Json) -> list[dict[str, Any]] | None:
    """Read ``columnLineage``; None if it names no column."""
    found = [
        {
            "name": name,
            "inputFields": list(_input_fields(mapping(entry))),
            "transformationDescription": text(mapping(entry).get("transformationDescription")),
            "transformationType": text(mapping(entry).get("transformationType")),
        }
        for name, entry in mapping(facet.get("fields")).items()
    ]
    return found or None


def _input_fields(entry: Json) -> Iterator[dict[str, Any]]:
    for source in map(mapping, items(entry.get("inputFields"))):
        # Since 1.17 each input has a list of its own; Marquez shows one.
        first: Mapping[str, Any] = next(map(mapping, items(source.get("transformations"))), {})
        kind, detail = text(first.get("type")), text(first.get("description"))
        yield {
            "namespace": text(source.get("namespace")),
            "dataset": text(source.get("name")),
            "field": text(source.get("field")),
            "transformationDescription": detail or text(entry.get("transformationDescription")),
            "transformationType": kind or text(entry.get("transformationType")),
        }
