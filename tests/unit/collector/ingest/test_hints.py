"""What is said to whoever looks after the sender of a refused body."""

from __future__ import annotations

import pytest

from collector.errors import FieldError, Unprocessable
from collector.ingest import hints
from collector.ingest.decode import Body, split
from collector.ingest.intake import take

GOOD = '"eventTime": "2026-11-22T12:00:00Z", "job": {"namespace": "shop", "name": "load"}'

REFUSED = {
    "": "no JSON at all",
    "not JSON": "no JSON at all",
    '{"eventTime": "2026': "ends too early",
    '{"a": 1} {"b": 2}': "several events one after the other",
    "[" * 600 + "]" * 600: "nested that deep",
    '"{}"': "serialised twice",
    "{}": "ISO 8601",
    '{"eventTime": 5, "job": {"namespace": "shop", "name": "load"}}': "ISO 8601",
    '{"eventTime": "2026-11-22T12:00:00Z"}': "no OpenLineage event",
    f'{{{GOOD}, "run": {{"runId": 7}}}}': "Every run has an id",
    f'{{{GOOD}, "run": "r1"}}': "A run is an object",
    '{"eventTime": "2026-11-22T12:00:00Z", "job": {"name": "load"}}': "OPENLINEAGE_NAMESPACE",
    '{"eventTime": "2026-11-22T12:00:00Z", "run": {"runId": "r1"}}': "OPENLINEAGE_NAMESPACE",
    '{"eventTime": "2026-11-22T12:00:00Z", "dataset": {"name": ""}}': "A dataset is named by",
}


@pytest.mark.parametrize(("body", "words"), REFUSED.items())
def test_each_reason_has_a_hint_of_its_own(body: str, words: str) -> None:
    with pytest.raises(Unprocessable) as raised:
        take(body.encode(), 0)
    assert any(words in hints.hint(error) for error in raised.value.errors)


def test_an_array_that_cannot_be_taken_apart_has_one_too() -> None:
    for text, words in ((b"[{}, 1", "ends too early"), (b"[{}] x", "several events")):
        with pytest.raises(Unprocessable) as raised:
            split(Body(text, ndjson=False))
        assert words in hints.hint(raised.value.errors[0])


def test_a_place_that_nobody_foresaw_has_a_hint_all_the_same() -> None:
    assert "specification" in hints.hint(FieldError("$.elsewhere", "odd"))


def test_a_body_tells_where_it_comes_from_as_far_as_it_can_be_read() -> None:
    body = b'{"producer": "https://x", "job": {"namespace": "n", "name": 1}, "run": [], "specversion": "1.0"}'
    assert hints.read(body) == (hints.Origin("https://x", "n", None, None), None)
    assert hints.read(b'{"specversion": "1.0", "data": {}}') == (hints.Origin(), hints.ENVELOPE)
    for unreadable in (b"\xff", b"[]", b" " * hints.LARGEST_READ + b"{}"):
        assert hints.read(unreadable) == (hints.Origin(), None)
