"""Tools by the events that they send."""

from __future__ import annotations

import pytest

from collector.questions.emitters import tool_of, version_in

OPENLINEAGE = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0"


@pytest.mark.parametrize(
    ("producer", "integration", "tool", "version"),
    [
        (f"{OPENLINEAGE}/integration/dbt", None, "dbt", "1.54.0"),
        (f"{OPENLINEAGE}/integration/spark", "SPARK", "spark", "1.54.0"),
        (f"{OPENLINEAGE}/client/python", None, "python client", "1.54.0"),
        (
            "https://github.com/apache/airflow/tree/providers-openlineage/2.20.0",
            "AIRFLOW",
            "airflow",
            "2.20.0",
        ),
        ("https://github.com/dlt-hub/dlt", None, "dlt", None),
        ("https://example.org/our/loader", None, "example.org", None),
        ("urn:tidegate:test", None, "urn:tidegate:test", None),
        ("https://[broken", None, "https://[broken", None),
        (None, None, "unknown", None),
        (None, 7, "unknown", None),
    ],
)
def test_a_tool_is_named_by_its_job_type_or_its_producer(
    producer: str | None, integration: object, tool: str, version: str | None
) -> None:
    assert tool_of(producer, integration) == tool
    assert version_in(producer) == version
