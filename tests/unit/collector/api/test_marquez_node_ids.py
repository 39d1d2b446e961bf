"""Node ids: what each may mean, and what Marquez would take first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api.marquez.node_ids import NodeId, dataset_id, field_id, job_id, read

VERSION = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("job:airflow:dag.task", NodeId("airflow", "dag.task")),
        ("job:postgres://h:5432:db.t", NodeId("postgres://h:5432", "db.t")),
        ("dataset:s3://bucket:path/to/x", NodeId("s3://bucket", "path/to/x")),
        ("dataset:urn:li:x", NodeId("urn", "li:x")),
        ("datasetField:postgres://h:5432:db.t:f", NodeId("postgres://h:5432", "db.t", "f")),
    ],
)
def test_marquez_cuts_come_first(text: str, first: NodeId) -> None:
    written = read(text)
    assert written is not None
    assert written.readings()[0] == first


@pytest.mark.parametrize(
    "text", ["", "job", "job:", "job:alone", "job::", "table:a:b", "datasetField:a:b", "a:b:c", "run:"]
)
def test_what_is_no_node_id(text: str) -> None:
    assert read(text) is None


def test_versions() -> None:
    written = read(f"dataset:s3://b:x#y#{VERSION}")
    assert written is not None
    assert (written.text, written.version) == ("s3://b:x#y", VERSION)
    plain = read("dataset:s3://b:x#y")
    assert plain is not None
    assert plain.version is None


@given(*(st.text("a:/5.#", min_size=1, max_size=8) for _ in range(3)))
def test_every_id_that_is_written_can_be_read(namespace: str, name: str, field: str) -> None:
    for text, meant in (
        (job_id(namespace, name), NodeId(namespace, name)),
        (dataset_id(namespace, name), NodeId(namespace, name)),
        (field_id(namespace, name, field), NodeId(namespace, name, field)),
    ):
        written = read(text)
        assert written is not None
        assert meant in written.readings()
