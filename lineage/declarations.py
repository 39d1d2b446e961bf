"""OpenLineage events that declare a graph: whoever reads them, another backend or an empty Tidegate, has it again.

One JobEvent for each job, with what it reads and writes. Where it is known from what an output is made, the output
says so: by the ``columnLineage`` facet if each source is a column, which most backends read, else by an entry of the
job's ``lineage`` facet. One DatasetEvent for each dataset with other names, or whose sources somebody has declared
without naming a job. Control flow has no place in these events: ``jobDependencies`` is a facet of runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lineage.model import DatasetRef, JobPoint, JobRef, Source

PRODUCER: Final = "urn:tidegate:export"
CORE: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
FACETS: Final = "https://openlineage.io/spec/facets/"

Event = dict[str, Any]


@dataclass(slots=True)
class Made:
    """An output, or a dataset whose sources are declared without a job."""

    dataset: DatasetRef | JobPoint
    sources: tuple[Source, ...] | None = None
    """None: not said; all that the job reads."""
    artificial: bool = False


@dataclass(slots=True)
class Declaration:
    """What a job reads and writes. ``inputs`` may be artificial, and leaves out those known as sources alone."""

    job: JobRef
    inputs: dict[DatasetRef | JobPoint, bool] = field(default_factory=dict)
    """Each with whether it is artificial."""
    outputs: list[Made] = field(default_factory=list)


def job_event(declared: Declaration, time: str) -> Event:
    """Write the JobEvent of a job; ``time`` is its ``eventTime``, ISO 8601."""
    entries = [_entry(made) for made in declared.outputs if made.sources is not None and not _by_column(made)]
    jobs_before = [each for each in declared.inputs if isinstance(each, JobPoint)]
    if jobs_before:
        entries.append({"type": "JOB", "inputs": [_end(each) for each in jobs_before]})
    lineage = {"facets": {"lineage": _facet("1-0-0", "LineageFacet", "LineageJobFacet", entries=entries)}}
    return {
        **_envelope("JobEvent", time),
        "job": {**_name(declared.job), **(lineage if entries else {})},
        "inputs": [
            _dataset(each, _type(artificial))
            for each, artificial in declared.inputs.items()
            if isinstance(each, DatasetRef)
        ],
        "outputs": [
            _dataset(made.dataset, {**_type(made.artificial), **_column_lineage(made)})
            for made in declared.outputs
            if isinstance(made.dataset, DatasetRef)
        ],
    }


def dataset_event(
    dataset: DatasetRef, names: Iterable[DatasetRef], sources: tuple[Source, ...] | None, time: str
) -> Event:
    """Write the DatasetEvent of a dataset with other names, or with declared sources (None: there are none)."""
    facets: Event = {}
    # Which of TABLE and LOCATION a name is nobody has to say to make it one.
    if identifiers := [{**_name(each), "type": "TABLE"} for each in names]:
        facets["symlinks"] = _facet("1-0-1", "SymlinksDatasetFacet", identifiers=identifiers)
    if sources is not None:
        entry = _entry(Made(dataset, sources))
        body = {key: entry[key] for key in ("inputs", "fields") if key in entry}
        facets["lineage"] = _facet("1-0-0", "LineageFacet", "LineageDatasetFacet", **body)
    return {**_envelope("DatasetEvent", time), "dataset": _dataset(dataset, facets)}


def _by_column(made: Made) -> bool:
    """Whether the ``columnLineage`` facet can say all of it; () it cannot."""
    return (
        bool(made.sources)
        and isinstance(made.dataset, DatasetRef)
        and all(isinstance(each.dataset, DatasetRef) and each.field for each in made.sources or ())
    )


def _column_lineage(made: Made) -> Event:
    if not _by_column(made):
        return {}
    fields: dict[str, list[Event]] = {}
    whole: list[Event] = []
    for source in made.sources or ():
        entry = {**_name(source.dataset), "field": source.field, **_transformations(source)}
        (whole if source.target_field is None else fields.setdefault(source.target_field, [])).append(entry)
    body: Event = {"fields": {name: {"inputFields": inputs} for name, inputs in fields.items()}}
    if whole:
        body["dataset"] = whole
    return {"columnLineage": _facet("1-2-0", "ColumnLineageDatasetFacet", **body)}


def _entry(made: Made) -> Event:
    """Write what the ``lineage`` facet says of one target."""
    fields: dict[str, list[Event]] = {}
    whole: list[Event] = []
    for source in made.sources or ():
        entry = {**_end(source.dataset), **_transformations(source)}
        if source.field is not None:
            entry["field"] = source.field
        (whole if source.target_field is None else fields.setdefault(source.target_field, [])).append(entry)
    body = _end(made.dataset)
    if whole or not fields:
        # Of a job that follows with no dataset named, this job itself is the source.
        body["inputs"] = whole or ([{"type": "JOB"}] if isinstance(made.dataset, JobPoint) else [])
    if fields:
        body["fields"] = {name: {"inputs": inputs} for name, inputs in fields.items()}
    return body


def _end(ref: DatasetRef | JobPoint) -> Event:
    return {**_name(ref), "type": "JOB" if isinstance(ref, JobPoint) else "DATASET"}


def _transformations(source: Source) -> Event:
    if not source.transformations:
        return {}
    listed = []
    for type_, subtype, description, masking in source.transformations:
        said = {"type": type_, "subtype": subtype, "description": description, "masking": masking or None}
        listed.append({key: value for key, value in said.items() if value is not None})
    return {"transformations": listed}


def _type(artificial: bool) -> Event:
    if not artificial:
        return {}
    return {"datasetType": _facet("1-0-1", "DatasetTypeDatasetFacet", datasetType="TEMPORARY")}


def _dataset(ref: DatasetRef | JobPoint, facets: Mapping[str, Any]) -> Event:
    return {**_name(ref), **({"facets": dict(facets)} if facets else {})}


def _name(ref: DatasetRef | JobPoint | JobRef) -> Event:
    return {"namespace": ref.namespace, "name": ref.name}


def _facet(edition: str, file: str, kind: str | None = None, /, **values: Any) -> Event:
    url = f"{FACETS}{edition}/{file}.json#/$defs/{kind or file}"
    return {"_producer": PRODUCER, "_schemaURL": url, **values}


def _envelope(kind: str, time: str) -> Event:
    return {"eventTime": time, "producer": PRODUCER, "schemaURL": CORE + kind}
