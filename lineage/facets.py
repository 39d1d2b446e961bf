"""Typed readers of the facets that the graph, the runs and the freshness facts are made of.

An event is hostile input: any value may stand anywhere. A reader gives None, or nothing, for what has not the shape
that the OpenLineage spec gives it; it never raises. Where real emitters use a second key or place for a facet, both
are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage.model import (
    AliasSeen,
    AssertionSeen,
    DatasetRef,
    Direction,
    JobPoint,
    JobRef,
    Point,
    Reason,
    RunRef,
    Source,
)

Json = Mapping[str, Any]

NOTHING: Json = {}

MAX_COUNT = 2**63 - 1
"""What a BIGINT holds; a larger count is a mistake of the emitter's."""

MAX_ERROR = 10_000
"""Characters of an error message kept on the run; the event keeps all of it."""

MAX_EXTERNAL = 1_000
"""Characters of what an orchestrator calls a run; Airflow allows 250 each of DAG and run."""

RUN_BOUND = frozenset({"inputStatistics", "outputStatistics", "dataQualityAssertions"})
"""Facets about one run that some emitters put among the dataset's own (sqlmesh, dbt): not kept as the dataset's."""


OF_DATASET = frozenset({"columnLineage", "lifecycleStateChange", "symlinks", "version"})
"""Facets of a dataset that say more than what is kept of every facet."""


class Facet(dict[str, Any]):
    """A facet's body that the events carrying it share; not to be changed. ``hash`` stands for its content."""

    __slots__ = ("_sources", "hash")

    def __init__(self, body: Json, hash_: bytes) -> None:
        super().__init__(body)
        self.hash = hash_
        self._sources: tuple[Source, ...] | None = None

    def sources(self) -> tuple[Source, ...]:
        """Give what ``columnLineage`` names; read once, as it is the dearest part of most events."""
        if self._sources is None:
            self._sources = _column_sources(self)
        return self._sources


def mapping(value: object) -> Json:
    return value if isinstance(value, dict) else NOTHING


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Give a non-empty text, or None."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Give a count (rows, bytes, files) that a BIGINT holds, or None. ``12.0`` counts as 12."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT:
        return value
    return None


def scalar(value: object) -> str | None:
    """Give any JSON value as text; None for null."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True)


def dataset_ref(value: object) -> DatasetRef | None:
    """Read ``{"namespace", "name"}``; a namespace may be empty, a name may not."""
    body = mapping(value)
    namespace, name = body.get("namespace"), body.get("name")
    if isinstance(namespace, str) and isinstance(name, str) and name:
        return DatasetRef(namespace, name)
    return None


def job_ref(value: object) -> JobRef | None:
    ref = dataset_ref(value)
    return JobRef(*ref) if ref else None


def parents(run_facets: Json) -> tuple[RunRef | None, RunRef | None]:
    """Give (parent, root). Prefect's integration writes the key ``parentRun``."""
    for key in ("parent", "parentRun"):
        facet = mapping(run_facets.get(key))
        if parent := _run_ref(facet):
            return parent, _run_ref(mapping(facet.get("root")))
    return None, None


def _run_ref(body: Json) -> RunRef | None:
    run_id = text(mapping(body.get("run")).get("runId"))
    return RunRef(run_id, job_ref(body.get("job"))) if run_id else None


def error_message(run_facets: Json) -> str | None:
    message = text(mapping(run_facets.get("errorMessage")).get("message"))
    return message[:MAX_ERROR] if message else None


def processing_type(job_facets: Json) -> str | None:
    """Give BATCH, STREAMING, SERVICE or what else the ``jobType`` facet says, in capitals."""
    value = text(mapping(job_facets.get("jobType")).get("processingType"))
    return value.upper()[:32] if value else None


STEPS = frozenset({"SQL", "QUERY", "SQL_JOB", "RDD_JOB"})
"""Types of jobs (``jobType``) that are steps of their parent: dbt's and Airflow's statements, Spark's actions."""


def is_step(job_facets: Json) -> bool:
    return (text(mapping(job_facets.get("jobType")).get("jobType")) or "").upper() in STEPS


def knows_outputs(run_facets: Json) -> bool:
    """Tell whether the outputs of a run are what it wrote.

    dlt's integration (0.1) tells of a run that loaded nothing, or of a single step of one, as if it had written every
    table of the schema, under names that no destination has; its facet then names no destination.
    """
    facet = run_facets.get("dlt_execution")
    return not isinstance(facet, dict) or bool(facet.get("destination_name"))


def external_id(run_facets: Json) -> str | None:
    """Give what its orchestrator calls a run, where the run id is another: ``airflow:DAG:DAG_RUN`` of a DAG run.

    Of a DAG run only, not of its tasks: these have it for their parent (facets of Airflow's provider for OpenLineage).
    """
    own = mapping(mapping(run_facets.get("airflowDagRun")).get("dagRun"))
    dag, name = text(own.get("dag_id")), text(own.get("run_id"))
    return f"airflow:{dag}:{name}"[:MAX_EXTERNAL] if dag and name else None


def dependencies(run_facets: Json) -> Iterator[tuple[JobPoint, Direction]]:
    """Read control flow, the ``jobDependencies`` facet: which jobs run before and after this one."""
    facet = mapping(run_facets.get("jobDependencies"))
    for key, point, direction in (
        ("upstream", Point.AFTER, Direction.AFTER),
        ("downstream", Point.BEFORE, Direction.BEFORE),
    ):
        for entry in items(facet.get(key)):
            if job := job_ref(mapping(entry).get("job")):
                yield JobPoint(*job, point), direction


def statistics(facets: Json, own: Json, key: str) -> Json:
    """Read ``inputStatistics`` or ``outputStatistics`` at its place (``own``) or among the dataset's facets."""
    return mapping(own.get(key)) or mapping(facets.get(key))


def is_artificial(dataset: DatasetRef, facets: Json) -> bool:
    """Tell a dataset that only stands for data passed between jobs (spec: ``datasetType``; ``inmemory://``)."""
    kind = text(mapping(facets.get("datasetType")).get("datasetType"))
    return (kind is not None and kind.upper() in ("JOB_OUTPUT", "TEMPORARY")) or dataset.namespace.startswith(
        "inmemory://"
    )


def lifecycle(facets: Json) -> str | None:
    value = text(mapping(facets.get("lifecycleStateChange")).get("lifecycleStateChange"))
    return value.upper() if value else None


def aliases(dataset: DatasetRef, facets: Json) -> Iterator[AliasSeen]:
    """Read the other names of a dataset: symlinks, and what it was called before a RENAME."""
    for identifier in items(mapping(facets.get("symlinks")).get("identifiers")):
        other = dataset_ref(identifier)
        if other and other != dataset:
            yield AliasSeen(dataset, other, Reason.SYMLINK)
    if lifecycle(facets) == "RENAME":
        before = dataset_ref(mapping(facets.get("lifecycleStateChange")).get("previousIdentifier"))
        if before and before != dataset:
            yield AliasSeen(dataset, before, Reason.RENAME)


def assertions(dataset: DatasetRef, *places: Json) -> Iterator[AssertionSeen]:
    """Read ``dataQualityAssertions`` from every place where emitters put it: ``facets`` and ``inputFacets``."""
    for place in places:
        for body in items(mapping(place.get("dataQualityAssertions")).get("assertions")):
            entry = mapping(body)
            assertion, success = text(entry.get("assertion")), entry.get("success")
            if assertion and isinstance(success, bool):
                yield AssertionSeen(
                    dataset,
                    assertion,
                    text(entry.get("column")),
                    text(entry.get("name")),
                    success,
                    text(entry.get("severity")),
                    scalar(entry.get("expected")),
                    scalar(entry.get("actual")),
                )


def partition(own: Json, direction: str) -> str | None:
    """Read which slice was touched: the ``subset`` facet's partitions or locations, as one text.

    ``dt=2026-11-22/hr=02`` for a partition (dimensions by name), several joined by commas in order. Conditions of
    other types (compare, binary) name no partition.
    """
    condition = mapping(mapping(own.get("subset")).get(f"{direction}Condition"))
    slices = []
    for part in items(condition.get("partitions")):
        dimensions = mapping(mapping(part).get("dimensions"))
        slices.append("/".join(f"{name}={scalar(dimensions[name])}" for name in sorted(dimensions)))
    slices += [location for location in items(condition.get("locations")) if isinstance(location, str)]
    return ",".join(sorted({part for part in slices if part})) or None


def column_sources(facets: Json) -> tuple[Source, ...] | None:
    """Read ``columnLineage`` of an output; None where it says nothing."""
    facet = mapping(facets.get("columnLineage"))
    return (facet.sources() if isinstance(facet, Facet) else _column_sources(facet)) or None


def _column_sources(facet: Json) -> tuple[Source, ...]:
    found = list(_fields(mapping(facet.get("fields")), "inputFields"))
    found += _inputs(items(facet.get("dataset")), None, NOTHING)
    return _ordered(found)


def lineage_entries(facet: Json) -> Iterator[tuple[DatasetRef | JobRef | None, tuple[Source, ...]]]:
    """Read the entries of a job's ``lineage`` facet that tell of sources: each target with its own.

    A target is a dataset or a job; None: the event's own job.
    """
    for body in items(facet.get("entries")):
        entry = mapping(body)
        sources = lineage_sources(entry)
        if sources is None:
            continue
        if entry.get("type") == "JOB":
            yield job_ref(entry), sources
        elif target := dataset_ref(entry):
            yield target, sources


def lineage_sources(entry: Json) -> tuple[Source, ...] | None:
    """Read the sources of one target of the ``lineage`` facet (or of a dataset's own): ``inputs`` and ``fields``.

    () is for an explicit ``"inputs": []``, there are none; None where the entry tells of neither.
    """
    inputs, fields = entry.get("inputs"), mapping(entry.get("fields"))
    if not isinstance(inputs, list) and not fields:
        return None
    return _ordered([*_inputs(items(inputs), None, NOTHING), *_fields(fields, "inputs")])


def _fields(fields: Json, key: str) -> Iterator[Source]:
    for target, body in fields.items():
        entry = mapping(body)
        yield from _inputs(items(entry.get(key)), target, entry)


def _inputs(inputs: Iterable[object], target: str | None, entry: Json) -> Iterator[Source]:
    # Before columnLineage 1-1-0 the transformation stood on the target field, for all its inputs.
    inherited = (
        text(entry.get("transformationType")),
        None,
        text(entry.get("transformationDescription")),
        False,
    )
    for body in inputs:
        source = mapping(body)
        dataset = _point(source) if source.get("type") == "JOB" else dataset_ref(source)
        if dataset is None:
            continue
        transformations = tuple(
            (
                text(t.get("type")),
                text(t.get("subtype")),
                text(t.get("description")),
                t.get("masking") is True,
            )
            for t in map(mapping, items(source.get("transformations")))
        )
        if not transformations and any(inherited):
            transformations = (inherited,)
        yield Source(dataset, text(source.get("field")), target, transformations)


def _point(source: Json) -> JobPoint | None:
    """Read a job as a source; without a name it is the event's own, which its outputs come from anyway."""
    job = job_ref(source)
    return JobPoint(*job, Point.AFTER) if job else None


def _ordered(sources: list[Source]) -> tuple[Source, ...]:
    """Order by content, so that the same lineage listed in another order is the same."""
    return tuple(sorted(set(sources), key=repr))
