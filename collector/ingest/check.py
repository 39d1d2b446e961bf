"""What an event must have to be recorded at all, and what is odd about it but does no harm.

Refused is only what nothing can be done with: an emitter that gets a 4xx loses the event for good. Everything
else is recorded with a warning that says how it was understood.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from collector.errors import FieldError, Unprocessable
from lineage.instants import parse_instant
from lineage.model import Kind

EVENT_TYPES = frozenset({"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"})
LONGEST_EVENT_TYPE = 64
FUTURE = 5 * 60 * 1_000_000
"""Microseconds by which a clock may be ahead of ours without a word."""

MOST_WARNINGS = 20
"""Warnings kept of one event; a thousand datasets with the same defect need not be told one by one."""

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Inspected(NamedTuple):
    """An event that can be recorded: what it is about, and what was odd.

    ``event_time`` is in microseconds since 1970-01-01 UTC. Of the job and the dataset only the one that the
    event is recorded under is named: a DatasetEvent has no job.
    """

    kind: Kind
    event_type: str | None
    event_time: int
    run_id: str | None
    job_namespace: str | None
    job_name: str | None
    dataset_namespace: str | None
    dataset_name: str | None
    warnings: list[str]

    @property
    def namespace(self) -> str:
        """The namespace whose key may write this event."""
        return (self.dataset_namespace if self.kind is Kind.DATASET else self.job_namespace) or ""


def inspect(value: object, received_at: int) -> Inspected:
    """Tell what a decoded event is about; raises ``Unprocessable`` with everything that stands in the way.

    The kind is told by the shape, as emitters get ``schemaURL`` wrong: with run and job it is a RunEvent,
    else with dataset a DatasetEvent, else with job a JobEvent. Null counts as absent.
    """
    if not isinstance(value, dict):
        raise _refused([FieldError("$", f"must be an object, not {_name(value)}")])
    errors: list[FieldError] = []
    warnings: list[str] = []
    event_time = _event_time(value, received_at, errors, warnings)
    run, job, dataset = value.get("run"), value.get("job"), value.get("dataset")
    run_id = namespace = name = None
    if run is not None and (job is not None or dataset is None):
        kind = Kind.RUN
        run_id = _run_id(run, errors, warnings)
        namespace, name = _names(job, "$.job", errors)
        _check_facets(run, "$.run", warnings)
    elif dataset is not None:
        kind = Kind.DATASET
        namespace, name = _names(dataset, "$.dataset", errors)
        _check_facets(dataset, "$.dataset", warnings)
        also = [key for key in ("run", "job") if value.get(key) is not None]
        warnings.extend(f"$.{key}: ignored, the event is about a dataset" for key in also)
    elif job is not None:
        kind = Kind.JOB
        namespace, name = _names(job, "$.job", errors)
    else:
        reason = "has no job, run or dataset: there is nothing to record it under"
        raise _refused([*errors, FieldError("$", reason)])
    if errors:
        raise _refused(errors)
    if kind is not Kind.DATASET:
        _check_facets(job, "$.job", warnings)
        _check_datasets(value, "inputs", warnings)
        _check_datasets(value, "outputs", warnings)
    event_type = _event_type(value, kind, warnings)
    _check_origin(value, warnings)
    if len(warnings) > MOST_WARNINGS:
        warnings[MOST_WARNINGS:] = [f"and {len(warnings) - MOST_WARNINGS} more"]
    if kind is Kind.DATASET:
        return Inspected(kind, event_type, event_time, None, None, None, namespace, name, warnings)
    return Inspected(kind, event_type, event_time, run_id, namespace, name, None, None, warnings)


def _refused(errors: list[FieldError]) -> Unprocessable:
    return Unprocessable("The event cannot be recorded.", errors=tuple(errors))


def _event_time(
    value: dict[str, object], received_at: int, errors: list[FieldError], warnings: list[str]
) -> int:
    text = value.get("eventTime")
    if not isinstance(text, str):
        errors.append(FieldError("$.eventTime", _must_be("a date-time string", text)))
        return 0
    try:
        instant, naive = parse_instant(text)
    except ValueError:
        errors.append(FieldError("$.eventTime", f"must be an ISO 8601 date-time, not {text[:64]!r}"))
        return 0
    if naive:
        warnings.append("$.eventTime: has no UTC offset, taken as UTC")
    if instant > received_at + FUTURE:
        seconds = (instant - received_at) // 1_000_000
        warnings.append(f"$.eventTime: {seconds} seconds in the future when it was received")
    return instant


def _run_id(run: object, errors: list[FieldError], warnings: list[str]) -> str | None:
    if not isinstance(run, dict):
        errors.append(FieldError("$.run", _must_be("an object", run)))
        return None
    run_id = run.get("runId")
    if not isinstance(run_id, str) or not run_id:
        errors.append(FieldError("$.run.runId", _must_be("a non-empty string", run_id)))
        return None
    if not _UUID.fullmatch(run_id):
        warnings.append("$.run.runId: not a UUID")
    return run_id


def _names(entity: object, path: str, errors: list[FieldError]) -> tuple[str | None, str | None]:
    if not isinstance(entity, dict):
        errors.append(FieldError(path, _must_be("an object", entity)))
        return None, None
    namespace, name = entity.get("namespace"), entity.get("name")
    if not isinstance(namespace, str):
        errors.append(FieldError(f"{path}.namespace", _must_be("a string", namespace)))
        namespace = None
    if not isinstance(name, str) or not name:
        errors.append(FieldError(f"{path}.name", _must_be("a non-empty string", name)))
        name = None
    return namespace, name


def _event_type(value: dict[str, object], kind: Kind, warnings: list[str]) -> str | None:
    event_type = value.get("eventType")
    if isinstance(event_type, str):
        if event_type not in EVENT_TYPES:
            warnings.append(f"$.eventType: {event_type[:LONGEST_EVENT_TYPE]!r} is not in the specification")
        return event_type[:LONGEST_EVENT_TYPE]
    if event_type is not None:
        warnings.append(f"$.eventType: ignored, {_must_be('a string', event_type)}")
    elif kind is Kind.RUN:
        warnings.append("$.eventType: missing, taken as OTHER")
    return None


def _check_origin(value: dict[str, object], warnings: list[str]) -> None:
    producer = value.get("producer")
    if producer is None:
        warnings.append("$.producer: missing")
    elif not isinstance(producer, str) or not _URI.match(producer):
        warnings.append("$.producer: not a URI")
    schema = value.get("schemaURL")
    if schema is None:
        warnings.append("$.schemaURL: missing")
    elif not isinstance(schema, str) or "OpenLineage.json" not in schema:
        warnings.append("$.schemaURL: not an OpenLineage schema")


def _check_facets(owner: object, path: str, warnings: list[str], key: str = "facets") -> None:
    if not isinstance(owner, dict) or _sound(owner, key):
        return
    facets = owner[key]
    if facets is None:
        warnings.append(f"{path}.{key}: null, taken as absent")
    elif not isinstance(facets, dict):
        warnings.append(f"{path}.{key}: ignored, {_must_be('an object', facets)}")
    else:
        for name, facet in facets.items():
            if not isinstance(facet, dict):
                warnings.append(f"{path}.{key}.{name[:64]}: ignored, must be an object, not {_name(facet)}")


def _sound(owner: dict[str, object], key: str) -> bool:
    """Tell whether the facets under ``key`` are all right; nearly always they are, and this is all it
    costs.
    """
    if key not in owner:
        return True
    facets = owner[key]
    if not isinstance(facets, dict):
        return False
    for facet in facets.values():  # noqa: SIM110  # twice as fast as all()
        if not isinstance(facet, dict):
            return False
    return True


def _check_datasets(value: dict[str, object], key: str, warnings: list[str]) -> None:
    if key not in value:
        return
    datasets = value[key]
    if datasets is None:
        warnings.append(f"$.{key}: null, taken as absent")
        return
    if not isinstance(datasets, list):
        warnings.append(f"$.{key}: ignored, {_must_be('an array', datasets)}")
        return
    own = "inputFacets" if key == "inputs" else "outputFacets"
    for index, dataset in enumerate(datasets):
        if (
            isinstance(dataset, dict)
            and isinstance(dataset.get("namespace"), str)
            and isinstance(name := dataset.get("name"), str)
            and name
            and _sound(dataset, "facets")
            and _sound(dataset, own)
        ):
            continue
        _check_dataset(dataset, f"$.{key}[{index}]", own, warnings)


def _check_dataset(dataset: object, path: str, own: str, warnings: list[str]) -> None:
    errors: list[FieldError] = []
    _names(dataset, path, errors)
    warnings.extend(f"{error.path}: {error.reason}; the dataset is left out" for error in errors)
    if not errors and isinstance(dataset, dict):
        _check_facets(dataset, path, warnings)
        _check_facets(dataset, path, warnings, own)


def _must_be(wanted: str, found: object) -> str:
    return "is missing" if found is None else f"must be {wanted}, not {_name(found)}"


def _name(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string" if value else "an empty string"
    return "an array" if isinstance(value, list) else "an object"
