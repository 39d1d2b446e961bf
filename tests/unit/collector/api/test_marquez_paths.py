"""Paths whose names hold slashes: what is written comes back, whatever the server tells of the path."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api.marquez.paths import Pattern, decoded_segments, segments_as_sent
from collector.api.marquez.routing import Routes, Table

PREFIX = "/api/v1"
PATTERNS = [
    "/namespaces/{namespace}",
    "/namespaces/{namespace}/datasets/{dataset}",
    "/namespaces/{namespace}/datasets/{dataset}/versions/{version}",
    "/namespaces/{namespace}/datasets/{dataset}/fields/{field}/tags/{tag}",
    "/namespaces/{namespace}/jobs/{job}/runs",
    "/jobs/runs/{id}/facets",
]

NAMES = st.text(
    st.sampled_from("/:.%#?&+ ~_-\\\"'é漢🚰")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    min_size=1,
    max_size=20,
) | st.sampled_from(
    [
        "s3://bucket",
        "dir/file",
        "a/datasets/b",
        "datasets",
        "versions",
        "postgres://h:5432",
        "%2F",
        "..",
        "//",
        "a/",
    ]
)


def environ(raw: str, **more: str) -> dict[str, str]:
    path = raw.partition("?")[0]
    decoded = unquote_to_bytes(path).decode("latin-1")
    return {"RAW_URI": raw, "PATH_INFO": decoded, "SCRIPT_NAME": "", **more}


@given(st.sampled_from(PATTERNS), st.lists(NAMES, min_size=4, max_size=4), st.booleans(), st.booleans())
def test_names_come_back_from_a_path_as_it_was_sent(
    template: str, values: list[str], slash: bool, query: bool
) -> None:
    pattern = Pattern.of(template)
    keys = [segment[1:-1] for segment in pattern.segments if segment.startswith("{")]
    names = dict(zip(keys, values, strict=False))
    encoded = {key: quote(value, safe="") for key, value in names.items()}
    raw = PREFIX + pattern.path(encoded) + "/" * slash + "?limit=1&q=/x" * query

    segments = segments_as_sent(environ(raw), PREFIX)

    assert segments is not None
    assert pattern.match(segments) == names


@given(st.sampled_from(PATTERNS), st.lists(NAMES, min_size=4, max_size=4))
def test_a_decoded_path_is_read_in_every_way_that_it_may_mean(template: str, values: list[str]) -> None:
    pattern = Pattern.of(template)
    keys = [segment[1:-1] for segment in pattern.segments if segment.startswith("{")]
    names = dict(zip(keys, values, strict=False))
    path = pattern.path(names).removeprefix("/")

    ways = [found for segments in decoded_segments(path) for found in pattern.cuts(segments)]

    assert names in ways
    # Every way is one that gives the same path.
    assert {pattern.path(found).removeprefix("/") for found in ways} <= {path, path.removesuffix("/")}


def test_the_path_as_sent_is_not_believed_if_it_is_another() -> None:
    raw = "/api/v1/namespaces/a%2Fb"
    assert segments_as_sent(environ(raw), PREFIX) == ["namespaces", "a/b"]
    assert segments_as_sent(environ(raw) | {"PATH_INFO": "/api/v1/namespaces/other"}, PREFIX) is None
    assert segments_as_sent({"PATH_INFO": "/api/v1/namespaces/a/b"}, PREFIX) is None


def test_the_path_as_sent_is_found_however_the_server_gives_it() -> None:
    raw, expected = "/api/v1/namespaces/a%2Fb", ["namespaces", "a/b"]
    path = {"PATH_INFO": "/api/v1/namespaces/a/b"}
    assert segments_as_sent(path | {"REQUEST_URI": raw}, PREFIX) == expected
    assert segments_as_sent(path | {"RAW_URI": f"http://host:5000{raw}?limit=1"}, PREFIX) == expected
    mounted = {"SCRIPT_NAME": "/lineage", "RAW_URI": f"/lineage{raw}"}
    assert segments_as_sent(path | mounted, PREFIX) == expected


@pytest.mark.parametrize("raw", ["%FF%00x", "%C3%28"])
def test_bytes_that_are_no_text_are_replaced(raw: str) -> None:
    segments = segments_as_sent(environ(f"/api/v1/namespaces/{raw}"), PREFIX)
    assert segments is not None
    assert "\ufffd" in segments[1]
    assert "\0" not in segments[1]


def test_words_of_the_api_win_over_names() -> None:
    routes = Routes()
    routes.get("/namespaces/{namespace}/jobs/{job}")(lambda: None)
    routes.get("/jobs/runs/{id}")(lambda: None)
    routes.get("/{anything}/runs/{id}")(lambda: None)
    routes.put("/namespaces/{namespace}/jobs/{job}")(lambda: None)
    table = Table([routes])

    assert [reading.names for reading in table.matches(["jobs", "runs", "1"])] == [{"id": "1"}]
    methods = {reading.route.method for reading in table.matches(["namespaces", "a", "jobs", "b"])}
    assert methods == {"GET", "PUT"}
    assert table.matches(["namespaces", "a"]) == []


def test_a_path_of_very_many_segments_is_read_as_it_was_sent_only() -> None:
    assert decoded_segments("namespaces/" + "a/" * 10_000) == []
