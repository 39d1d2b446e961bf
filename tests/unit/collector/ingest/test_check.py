"""What is refused and why, what is recorded with which warning."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import Unprocessable
from collector.ingest.check import FUTURE, MOST_WARNINGS, Inspected, inspect
from lineage.instants import parse_instant
from lineage.model import Kind

NOW = parse_instant("2026-11-22T06:00:00Z")[0]
RUN_ID = "01a201ba-6e08-744d-ae84-5750be093100"
RUN: dict[str, Any] = {
    "eventType": "COMPLETE",
    "eventTime": "2026-11-22T05:00:02Z",
    "producer": "https://example.com/producer",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": RUN_ID, "facets": {"tags": {}}},
    "job": {"namespace": "shop", "name": "orders", "facets": {}},
    "inputs": [{"namespace": "pg", "name": "a", "facets": {}, "inputFacets": {}}],
    "outputs": [],
}
DATASET = {key: RUN[key] for key in ("eventTime", "producer", "schemaURL")} | {
    "dataset": {"namespace": "pg", "name": "a"}
}
JOB = {key: RUN[key] for key in ("eventTime", "producer", "schemaURL", "job", "inputs", "outputs")}


def changed(event: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Copy an event with the value at ``path`` (``run.runId``) replaced, or removed if it is ``...``."""
    copy = deepcopy(event)
    *parents, last = path.split(".")
    place: Any = copy
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copy


def test_tells_a_run_event() -> None:
    time = parse_instant(RUN["eventTime"])[0]
    assert inspect(RUN, NOW) == Inspected(
        Kind.RUN, "COMPLETE", time, RUN_ID, "shop", "orders", None, None, []
    )
    assert inspect(RUN, NOW).namespace == "shop"


def test_tells_a_dataset_event() -> None:
    time = parse_instant(RUN["eventTime"])[0]
    assert inspect(DATASET, NOW) == Inspected(Kind.DATASET, None, time, None, None, None, "pg", "a", [])
    assert inspect(DATASET, NOW).namespace == "pg"


def test_tells_a_job_event() -> None:
    found = inspect(JOB, NOW)
    assert (found.kind, found.job_namespace, found.job_name, found.warnings) == (
        Kind.JOB,
        "shop",
        "orders",
        [],
    )


def test_run_and_job_come_before_dataset() -> None:
    assert inspect(RUN | {"dataset": DATASET["dataset"]}, NOW).kind is Kind.RUN


@pytest.mark.parametrize("other", [{"job": RUN["job"]}, {"run": RUN["run"]}])
def test_dataset_comes_before_job_or_run_alone(other: dict[str, Any]) -> None:
    found = inspect(DATASET | other, NOW)
    assert found.kind is Kind.DATASET
    assert found.warnings == [f"$.{next(iter(other))}: ignored, the event is about a dataset"]


def test_null_counts_as_absent() -> None:
    assert inspect(JOB | {"run": None, "dataset": None}, NOW).kind is Kind.JOB


@pytest.mark.parametrize(
    ("event", "errors"),
    [
        (None, [("$", "must be an object, not null")]),
        ([RUN], [("$", "must be an object, not an array")]),
        ("text", [("$", "must be an object, not a string")]),
        (1.5, [("$", "must be an object, not a number")]),
        (True, [("$", "must be an object, not a boolean")]),
        (changed(RUN, "eventTime", ...), [("$.eventTime", "is missing")]),
        (changed(RUN, "eventTime", None), [("$.eventTime", "is missing")]),
        (
            changed(RUN, "eventTime", 1732251602),
            [("$.eventTime", "must be a date-time string, not a number")],
        ),
        (changed(RUN, "eventTime", "now"), [("$.eventTime", "must be an ISO 8601 date-time, not 'now'")]),
        (changed(RUN, "run.runId", ...), [("$.run.runId", "is missing")]),
        (changed(RUN, "run.runId", ""), [("$.run.runId", "must be a non-empty string, not an empty string")]),
        (changed(RUN, "run.runId", 17), [("$.run.runId", "must be a non-empty string, not a number")]),
        (changed(RUN, "run", RUN_ID), [("$.run", "must be an object, not a string")]),
        (changed(RUN, "job", ...), [("$.job", "is missing")]),
        (changed(RUN, "job", []), [("$.job", "must be an object, not an array")]),
        (changed(RUN, "job.name", ...), [("$.job.name", "is missing")]),
        (changed(RUN, "job.name", ""), [("$.job.name", "must be a non-empty string, not an empty string")]),
        (changed(JOB, "job.namespace", {}), [("$.job.namespace", "must be a string, not an object")]),
        (
            changed(DATASET, "dataset.name", 1),
            [("$.dataset.name", "must be a non-empty string, not a number")],
        ),
        (
            {"eventTime": RUN["eventTime"]},
            [("$", "has no job, run or dataset: there is nothing to record it under")],
        ),
        (
            {"run": {}, "job": {}},
            [
                ("$.eventTime", "is missing"),
                ("$.run.runId", "is missing"),
                ("$.job.namespace", "is missing"),
                ("$.job.name", "is missing"),
            ],
        ),
    ],
)
def test_refuses(event: object, errors: list[tuple[str, str]]) -> None:
    with pytest.raises(Unprocessable) as refused:
        inspect(event, NOW)
    assert [(error.path, error.reason) for error in refused.value.errors] == errors


@pytest.mark.parametrize(
    ("event", "warning"),
    [
        (changed(RUN, "eventTime", "2026-11-22T05:00:02"), "$.eventTime: has no UTC offset, taken as UTC"),
        (
            changed(RUN, "eventTime", "2026-11-22T07:00:00Z"),
            "$.eventTime: 3600 seconds in the future when it was received",
        ),
        (changed(RUN, "run.runId", "run_id"), "$.run.runId: not a UUID"),
        (changed(RUN, "eventType", ...), "$.eventType: missing, taken as OTHER"),
        (changed(RUN, "eventType", None), "$.eventType: missing, taken as OTHER"),
        (changed(RUN, "eventType", "start"), "$.eventType: 'start' is not in the specification"),
        (changed(RUN, "eventType", "PAUSED"), "$.eventType: 'PAUSED' is not in the specification"),
        (changed(RUN, "eventType", 1), "$.eventType: ignored, must be a string, not a number"),
        (changed(RUN, "producer", ...), "$.producer: missing"),
        (changed(RUN, "producer", "sqlmesh-openlineage"), "$.producer: not a URI"),
        (changed(RUN, "schemaURL", ...), "$.schemaURL: missing"),
        (changed(RUN, "schemaURL", "http://test.schema.url"), "$.schemaURL: not an OpenLineage schema"),
        (changed(RUN, "inputs", None), "$.inputs: null, taken as absent"),
        (changed(RUN, "outputs", {}), "$.outputs: ignored, must be an array, not an object"),
        (changed(RUN, "run.facets", None), "$.run.facets: null, taken as absent"),
        (changed(RUN, "job.facets", []), "$.job.facets: ignored, must be an object, not an array"),
        (changed(RUN, "run.facets.tags", None), "$.run.facets.tags: ignored, must be an object, not null"),
        (changed(RUN, "inputs.0.facets", None), "$.inputs[0].facets: null, taken as absent"),
        (changed(RUN, "inputs.0.inputFacets", None), "$.inputs[0].inputFacets: null, taken as absent"),
        (changed(RUN, "inputs.0.name", ...), "$.inputs[0].name: is missing; the dataset is left out"),
        (
            changed(RUN, "inputs", [3]),
            "$.inputs[0]: must be an object, not a number; the dataset is left out",
        ),
        (changed(DATASET, "dataset.facets", None), "$.dataset.facets: null, taken as absent"),
    ],
)
def test_records_with_a_warning(event: dict[str, Any], warning: str) -> None:
    assert inspect(event, NOW).warnings == [warning]


def test_a_namespace_may_be_empty() -> None:
    assert inspect(changed(RUN, "job.namespace", ""), NOW).warnings == []


def test_a_clock_may_be_a_little_ahead() -> None:
    time = parse_instant(RUN["eventTime"])[0]
    assert inspect(RUN, time - FUTURE).warnings == []
    assert inspect(RUN, time - FUTURE - 1).warnings


def test_a_long_event_type_is_cut() -> None:
    assert inspect(changed(RUN, "eventType", "X" * 1000), NOW).event_type == "X" * 64


def test_many_warnings_are_counted_instead() -> None:
    warnings = inspect(changed(RUN, "inputs", [{}] * 1000), NOW).warnings
    assert len(warnings) == MOST_WARNINGS + 1
    assert warnings[-1] == f"and {2000 - MOST_WARNINGS} more"


KEYS = [
    *(
        "eventTime",
        "eventType",
        "producer",
        "schemaURL",
        "run",
        "runId",
        "job",
        "dataset",
        "namespace",
        "name",
    ),
    *("inputs", "outputs", "facets", "inputFacets", "outputFacets"),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2026-11-22T05:00:02Z"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=6)
    ),
    max_leaves=30,
)


@given(json_values)
def test_any_value_is_recorded_or_refused(value: object) -> None:
    with suppress(Unprocessable):
        inspect(value, NOW)


@given(st.sampled_from([RUN, DATASET, JOB]), st.data())
def test_any_change_of_an_event_is_recorded_or_refused(event: dict[str, Any], data: st.DataObject) -> None:
    paths = list(event) + [
        f"{key}.{inner}" for key in event for inner in event[key] if isinstance(event[key], dict)
    ]
    value = changed(event, data.draw(st.sampled_from(paths)), data.draw(json_values | st.just(...)))
    with suppress(Unprocessable):
        assert isinstance(inspect(value, NOW).namespace, str)
