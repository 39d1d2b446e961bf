"""The fast reader of logged events: it reads what the plain one reads, whatever the event holds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import TidegateError
from collector.ingest.decode import parse_json
from collector.ingest.envelope import EventReader
from lineage.facets import Facet
from lineage.model import Observation
from lineage.translate import translate
from tests.captured import captured
from tests.events import NOON, column_lineage, dataset, dataset_event, job_event, run_event

HASH = "00" * 16


def plainly(raw: bytes) -> Observation:
    value, _ = parse_json(raw)
    assert isinstance(value, dict)
    return translate(value, NOON, HASH)


def test_captured_events_are_read_alike() -> None:
    reader = EventReader()
    for event, _ in captured():
        raw = json.dumps(event).encode()
        for _ in range(2):
            assert translate(reader.read(raw), NOON, HASH) == plainly(raw)


FACETS = column_lineage({"a": [("raw", "a")]}) | {"schema": {"fields": [{"name": "a"}]}}


def test_the_same_facet_is_read_once_and_shared() -> None:
    reader = EventReader()
    bodies = []
    for run in ("one", "two"):
        raw = msgspec.json.encode(run_event("COMPLETE", run=run, outputs=[dataset("mart", facets=FACETS)]))
        seen = translate(reader.read(raw), NOON, HASH)
        assert seen == plainly(raw)
        bodies.append([facet.body for facet in seen.facets])
    assert [id(body) for body in bodies[0]] == [id(body) for body in bodies[1]]
    assert all(isinstance(body, Facet) for body in bodies[0])


@pytest.mark.parametrize(
    "raw",
    [
        b'{"inputs": [{"name": "a", "namespace": "n", "facets": {"x": {"v": "\\ud800"}}}]}',
        b'{"inputs": [{"name": "a\\u0000", "namespace": "n", "facets": {"x": {"v": "\\u0000"}}}]}',
        b'{"inputs": [{"name": "a", "namespace": "n", "facets": {"x": {"v": NaN}}}]}',
        b'{"inputs": [{"name": "a", "namespace": "n", "facets": {"x": {"v": 1e999}}}]}',
        b'{"inputs": [{"name": "a", "namespace": "n", "facets": {"x": null, "y": 5, "z": []}}, null]}',
        b'{"inputs": {"name": "a"}, "outputs": null, "extra": [1e999]}',
        b'{"inputs": [{"name": "a", "namespace": "n", "facets": []}]}',
        b'{"eventType": {"x": 1}, "inputs": [{"name": 5, "namespace": "n"}]}',
        b'{"inputs": [{"name": "a", "namespace": "n", "facets": {"x": {"v": 1}, "x": {"v": 2}}}]}',
    ],
)
def test_odd_events_are_read_alike(raw: bytes) -> None:
    event = json.dumps(run_event("START")).encode()[:-1] + b"," + raw[1:]
    assert translate(EventReader().read(event), NOON, HASH) == plainly(event)


@pytest.mark.parametrize("raw", [b"", b"x", b"[]", b"5", b"null", b'"x"', b"{", b"[" * 100_000])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises((ValueError, TidegateError)):
        EventReader().read(raw)


SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3)
KEYS = st.sampled_from(
    [
        "facets",
        "name",
        "namespace",
        "inputFacets",
        "outputFacets",
        "runId",
        "columnLineage",
        "fields",
        "schema",
    ]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
PLACES = st.sampled_from(["run", "job", "dataset", "inputs", "outputs", "eventType", "producer"])
EVENTS = st.sampled_from(
    [run_event("START", inputs=["a"]), job_event(outputs=["b"]), dataset_event(schema={})]
)


@given(st.lists(st.tuples(EVENTS, st.dictionaries(PLACES, JSON | st.lists(JSON), max_size=3)), max_size=4))
def test_any_events_are_read_alike(parts: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    reader = EventReader()
    for event, changed in parts:
        raw = json.dumps({**event, **changed}).encode("utf-8", "surrogatepass")
        try:
            expected = plainly(raw)
        except ValueError:
            with pytest.raises(ValueError, match="neither"):
                translate(reader.read(raw), NOON, HASH)
        else:
            assert translate(reader.read(raw), NOON, HASH) == expected
