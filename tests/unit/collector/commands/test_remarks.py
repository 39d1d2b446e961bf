"""What a tree says of columns and runs besides their names."""

from __future__ import annotations

from typing import Any

import pytest

from collector.commands import remarks


def transformation(
    type_: str | None = "DIRECT",
    subtype: str | None = None,
    description: str | None = None,
    masking: bool = False,
) -> dict[str, Any]:
    return {"type": type_, "subtype": subtype, "description": description, "masking": masking}


@pytest.mark.parametrize(
    ("edge", "words"),
    [
        ({"transformations": []}, ""),
        ({"transformations": [transformation()]}, ""),
        ({"transformations": [transformation(subtype="IDENTITY")]}, "identity"),
        ({"transformations": [transformation(None, None, "upper(x)")]}, "upper(x)"),
        (
            {
                "transformations": [transformation(subtype="AGGREGATION", description="sum(x)")],
                "masking": True,
            },
            "aggregation: sum(x), masked",
        ),
        ({"transformations": [transformation("MASKED")], "masking": True}, "masked"),
        ({"transformations": [transformation("INDIRECT", "JOIN")], "indirect": True}, "indirect join"),
        ({"transformations": [], "indirect": True}, "indirect"),
        ({"datasets": ["dataset:db:a.b", "dataset:db:c"]}, "a.b, c"),
        ({}, ""),
        ({"kind": "control"}, "runs before, no data"),
    ],
)
def test_what_an_edge_does(edge: dict[str, Any], words: str) -> None:
    assert remarks.of_edge({"kind": "data", **edge}) == words


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"type": "column", "field": "id", "data_type": "bigint"}, "bigint"),
        ({"type": "column", "field": "id", "data_type": None}, ""),
        ({"type": "dataset", "field": None, "data_type": None}, "all columns"),
        ({"type": "dataset"}, ""),
        (
            {
                "type": "run",
                "namespace": "shop",
                "name": "load",
                "state": "FAIL",
                "started_at": "2026-11-22T12:00:00.1Z",
            },
            "shop:load FAIL 2026-11-22T12:00:00Z",
        ),
        (
            {"type": "run", "namespace": "shop", "name": "load", "state": None, "started_at": None},
            "shop:load",
        ),
    ],
)
def test_what_a_node_is(node: dict[str, Any], words: str) -> None:
    assert remarks.of_node(node) == words
