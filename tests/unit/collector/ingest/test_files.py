"""Finding the events in files of every form, with the place of each."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from collector.ingest.files import Found, events_in, files_of

A = b'{"eventTime": "2026-11-22T05:00:00Z", "job": {"namespace": "n", "name": "a"}}'
B = b'{"eventTime": "2026-11-22T05:00:00Z", "job": {"namespace": "n", "name": "b"}}'
SPREAD = json.dumps(json.loads(A), indent=2).encode()


def found(content: bytes, limit: int = 10_000) -> list[tuple[str, bytes]]:
    items = list(events_in(io.BytesIO(content), "f", limit))
    assert all(item.error is None for item in items)
    return [(item.place, item.raw) for item in items]


def captured(body: bytes, key: bytes = b'"path": "/api/v1/lineage", "headers": {}') -> bytes:
    return b"{" + key + b', "body": ' + body + b"}"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n \n", []),
        (A, [("f:1", A)]),
        (A + b"\n", [("f:1", A)]),
        (b"\xef\xbb\xbf" + A + b"\r\n\r\n" + B + b"\r\n", [("f:1", A), ("f:3", B)]),
        (A + b"\nnot json\n" + B, [("f:1", A), ("f:2", b"not json"), ("f:3", B)]),
        (b'{"job": {\n' + B, [("f:1", b'{"job": {\n' + B)]),
        (b'{"job": {"name"\n' + B, [("f:1", b'{"job": {"name"'), ("f:2", B)]),
        (b'{"a": NaN}\n{"a": NaN}\n', [("f:1", b'{"a": NaN}'), ("f:2", b'{"a": NaN}')]),
        (b"[" + A + b", " + B + b"]", [("f:1 (event 1)", A), ("f:1 (event 2)", B)]),
        (b"[" + A + b"]\n[" + B + b"]\n", [("f:1 (event 1)", A), ("f:2 (event 1)", B)]),
        (b"[\n" + A + b",\n" + A + b"\n]", [("f:2", A), ("f:3", A)]),
        (b"[\n" + A + b"\n]", [("f:2", A)]),
        (b"[]", []),
        (b"\n" + SPREAD + b"\n", [("f:2", SPREAD)]),
        (SPREAD + b"\n" + SPREAD + b"\n" + A, [("f:1", SPREAD), ("f:8", SPREAD), ("f:15", A)]),
        (b"[\n" + SPREAD + b",\n" + SPREAD + b"\n]", [("f:2", SPREAD), ("f:9", SPREAD)]),
        (b"nonsense", [("f:1", b"nonsense")]),
        (b'{"a"\n\xff', [("f:1", b'{"a"\n\xff')]),
    ],
)
def test_events_are_found_as_they_stand(content: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert found(content) == expected


def test_the_spread_event_has_the_number_of_lines_that_the_places_count_on() -> None:
    assert SPREAD.count(b"\n") == 6


def test_captured_requests_are_unpacked() -> None:
    content = (
        captured(A)
        + b"\n"
        + captured(b"[" + A + b"," + B + b"]")
        + b"\n"
        + captured(json.dumps(B.decode()).encode())
    )
    assert found(content) == [("f:1", A), ("f:2 (event 1)", A), ("f:2 (event 2)", B), ("f:3", B)]
    assert found(b"[" + captured(A, b'"path": "/"') + b"]") == [("f:1 (event 1)", A)]


@pytest.mark.parametrize(
    "event",
    [
        b'{"body": {"a": 1}}',
        b'{"body": {"a": 1}, "path": "/", "eventTime": "2026-11-22T05:00:00Z"}',
        b'{"path": "/", "headers": {}}',
        b'{"run": {"facets": {"x": {"body": 1, "path": "/"}}}}',
    ],
)
def test_an_event_with_a_body_of_its_own_is_no_captured_request(event: bytes) -> None:
    assert found(event) == [("f:1", event)]


def test_an_event_larger_than_the_limit_is_refused_and_those_around_it_are_not() -> None:
    big = A[:-1] + b', "x": "' + b"y" * 500 + b'"}'
    items = list(
        events_in(
            io.BytesIO(A + b"\n" + big + b"\n" + b"[" + A + b"," + A + b"," + A + b"," + B + b"]"), "f", 300
        )
    )
    assert [(item.place, item.raw) for item in items if not item.error] == [
        ("f:1", A), *((f"f:3 (event {number})", A) for number in (1, 2, 3)), ("f:3 (event 4)", B),
    ]  # fmt: skip
    (refused,) = [item for item in items if item.error]
    assert (refused.place, refused.raw) == ("f:2", b"")
    assert refused.error is not None
    assert refused.error.errors[0].reason == "is larger than 300 bytes"


def test_an_array_that_breaks_off_is_refused_as_a_whole() -> None:
    (item,) = events_in(io.BytesIO(b"[" + A + b"," + A[:20]), "f", 1000)
    assert isinstance(item, Found)
    assert item.place == "f:1"
    assert item.error is not None


def test_lines_are_read_one_by_one() -> None:
    class Endless(io.RawIOBase):
        """Lines without end: reading them all would not come back."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            line = (A + b"\n") * 10
            size = min(len(line), len(buffer))
            buffer[:size] = line[:size]
            return size

    stream = io.BufferedReader(Endless())  # type: ignore[type-var]
    items = events_in(stream, "f", 1000)
    assert [next(items).raw for _ in range(5)] == [A] * 5


def test_a_folder_gives_its_files_by_name_without_those_that_hold_no_json(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    contents = {
        "b.json": A,
        "a-2.json": B,
        "sub/log": b"\n" + A,
        "README.md": b"# no",
        "empty": b"",
        ".git/x": A,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert [file.relative_to(tmp_path).as_posix() for file in files_of(tmp_path)] == [
        "a-2.json",
        "b.json",
        "sub/log",
    ]
    assert files_of(tmp_path / "README.md") == [tmp_path / "README.md"]
