"""Addresses in facets."""

from __future__ import annotations

import pytest

from lineage.links import LOOKED_AT, MOST, Link, links


def test_known_addresses_have_names_that_people_use() -> None:
    facets = {
        "airflow": {"taskInstance": {"log_url": "https://airflow.example.com/log/1"}},
        "sourceCodeLocation": {
            "url": "https://git.example.com/a.py",
            "repoUrl": "https://git.example.com/a.git",
        },
        "prefect": {"flow_run": {"ui_url": "https://prefect.example.com/runs/1"}},
    }
    assert links(facets) == [
        Link("Airflow log", "https://airflow.example.com/log/1"),
        Link("Source code", "https://git.example.com/a.py"),
        Link("Repository", "https://git.example.com/a.git"),
        Link("prefect ui_url", "https://prefect.example.com/runs/1"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "s3://bucket/key",
        "https://",
        "//example.com",
        "https://exa\nmple.com",
        "http://[::1",
        "https://example.com/" + "x" * 3000,
        "",
        7,
        None,
    ],
)
def test_what_a_browser_may_not_open_is_no_address(url: object) -> None:
    assert links({"a": {"url": url}}) == []


def test_where_a_facet_comes_from_is_no_address() -> None:
    told = {
        "_producer": "https://example.com/1",
        "_schemaURL": "https://example.com/2",
        "schemaURL": "https://e.com",
    }
    assert links({"a": told}) == []


def test_each_address_comes_once_and_there_is_an_end_to_them() -> None:
    same = {"one_url": "https://example.com/x", "other_url": "https://example.com/x"}
    assert len(links({"a": same})) == 1
    assert len(links({"a": {"links": [{"url": f"https://example.com/{n}"} for n in range(500)]}})) == MOST


def test_facets_of_any_shape_and_size_are_looked_at() -> None:
    deep: dict[str, object] = {}
    for _ in range(3000):
        deep = {"inner": deep}
    assert links({"a": deep, "b": [[["https://example.com"]]], "c": None, "d": "https://example.com"}) == []
    wide = {f"k{number}": "x" for number in range(LOOKED_AT)} | {"url": "https://example.com"}
    assert links({"a": wide}) == []
