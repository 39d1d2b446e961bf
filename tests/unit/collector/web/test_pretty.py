"""JSON laid out for reading, be it made so that this becomes as long or as slow as can be."""

from __future__ import annotations

import json
from time import thread_time
from typing import Any

import msgspec
import pytest

from collector.web.rendering import LONGEST_JSON, gist, pretty, source


def nested(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


def test_json_is_laid_out() -> None:
    laid_out = '{\n  "a": [\n    "[{\\"",\n    1.50\n  ]\n}'
    assert pretty(msgspec.Raw(b'{"a":["[{\\"",1.50]}')) == source('{"a": ["[{\\"", 1.50]}') == laid_out
    assert pretty({"a": msgspec.Raw(b"[1]")}) == '{\n  "a": [\n    1\n  ]\n}'
    assert source("select 1") == "select 1"
    assert pretty(msgspec.Raw(json.dumps(nested(100, 1)).encode())).count("\n") == 200


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(nested(450, [1] * 80_000)),
        "[" * 200_000,
        '{"a":' * 40_000,
        '"\\' * 100_000,
        '"' * 200_000,
        "a.A" * 60_000,
        "ErrorException" * 10_000,
        "x\n" * 1_000_000,
    ],
    ids=lambda text: text[:8].strip(),
)
def test_nothing_takes_long_or_gets_long(text: str) -> None:
    start = thread_time()
    for laid_out in (source(text), pretty(msgspec.Raw(json.dumps(text).encode())), gist(text)):
        assert len(laid_out) < 5 * LONGEST_JSON
    assert len(pretty(text)) < 2 * LONGEST_JSON
    assert thread_time() - start < 2
