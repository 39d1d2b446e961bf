"""Bodies and JSON: what is read, what is replaced, and what is refused."""

from __future__ import annotations

import gzip
import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from collector.ingest.decode import DEEPEST, Body, NotJson, parse_canonical, parse_json, split, unwrap

LIMIT = 1 << 20

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "APPLICATION/JSON; charset=UTF-8",
        "application/vnd.openlineage+json",
        "text/json",
        "text/plain",
        "application/octet-stream",
    ],
)
def test_reads_json_of_any_name(content_type: str) -> None:
    assert unwrap(b"{}", content_type, "", LIMIT) == Body(b"{}", ndjson=False)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "text/x-ndjson; charset=utf-8"],
)
def test_reads_lines(content_type: str) -> None:
    assert unwrap(b"{}\n{}", content_type, "", LIMIT).ndjson


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/html",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "image/png",
        "json",
    ],
)
def test_other_types_are_not_supported(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        unwrap(b"{}", content_type, "", LIMIT)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-be"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    text = '{"a": "ä😀"}'
    marked = text if encoding in ("utf-8-sig", "utf-16", "utf-32") else "\ufeff" + text
    assert unwrap(marked.encode(encoding), "", "", LIMIT).text == text.encode()


def test_a_broken_utf_16_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        unwrap(b"\xff\xfe{", "", "", LIMIT)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf"])
def test_an_empty_body_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        unwrap(body, "application/json", "", LIMIT)


def test_the_limit_counts_before_and_after_decompression() -> None:
    with pytest.raises(PayloadTooLarge):
        unwrap(bytes(LIMIT + 1), "", "", LIMIT)
    with pytest.raises(PayloadTooLarge):
        unwrap(gzip.compress(bytes(LIMIT + 1)), "", "gzip", LIMIT)


def test_one_event_stays_as_it_was_sent() -> None:
    assert split(Body(b' {"a" : 1.0}\n', ndjson=False)) == ([b' {"a" : 1.0}\n'], False)


@pytest.mark.parametrize("last", [b"3", b"NaN", b'"\\ud800"', b'"tab\there"', b'"\xff"', b"1e999"])
def test_elements_stay_as_they_were_sent(last: bytes) -> None:
    text = b' [ {"a" : 1.0} ,\n"]",[],' + last + b" ] "
    assert split(Body(text, ndjson=False)) == ([b'{"a" : 1.0}', b'"]"', b"[]", last], True)


def test_an_empty_array_has_no_events() -> None:
    assert split(Body(b" [ ] ", ndjson=False)) == ([], True)


@pytest.mark.parametrize(
    "text", [b"[", b"[1", b"[1,", b"[1,]", b"[1 2]", b"[,1]", b"[1] 2", b"[NaN", b"[NaN,]", b"[NaN] x"]
)
def test_a_broken_array_is_not_json(text: bytes) -> None:
    with pytest.raises(NotJson):
        split(Body(text, ndjson=False))


def test_a_bad_line_does_not_harm_the_others() -> None:
    items, many = split(Body(b'{"a":1}\r\n\n{bad\n  \n{"b":2}', ndjson=True))
    assert many
    assert [item.strip() for item in items] == [b'{"a":1}', b"{bad", b'{"b":2}']


@pytest.mark.parametrize(
    ("raw", "value", "warned"),
    [
        (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}, ""),
        (b"18446744073709551615", 2**64 - 1, ""),
        (b"-9223372036854775808", -(2**63), ""),
        (b"1732251602123456789", 1732251602123456789, ""),
        (b'"0000000000000000000000000000"', "0" * 28, ""),
        (b"NaN", None, "NaN"),
        (b"[-Infinity]", [None], "Infinity"),
        (b"1e999", None, "too large"),
        (b"1" * 5000, None, "too large"),
        (b"18446744073709551616", 2.0**64, "64 bits"),
        (b"-99999999999999999999", -1e20, "64 bits"),
        (b'"\\u0000a"', "\ufffda", "NUL"),
        (b'{"\\u0000": 1}', {"\ufffd": 1}, "NUL"),
        (b'"a\\ud800b"', "a\ufffdb", "surrogates"),
        (b'"\\ud83d\\ude00"', "😀", ""),
        (b'"\xff"', "\ufffd", "UTF-8"),
        (b'"a\tb"', "a\tb", "control"),
        (b'["a\tb", 12345678901234567890]', ["a\tb", 12345678901234567890], "control"),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}, "byte-order"),
    ],
)
def test_reads_or_replaces(raw: bytes, value: object, warned: str) -> None:
    parsed, warnings = parse_json(raw)
    assert parsed == value
    assert bool(warnings) == bool(warned)
    assert warned in " ".join(warnings)
    if not warned:
        json.loads(raw)  # whoever is given the text as it was sent can read it
    if "64 bits" not in warned:
        assert parse_canonical(raw)[:2] == (parsed, warnings)


def test_the_canonical_form_keeps_long_integers() -> None:
    assert parse_canonical(b"[123456789012345678901234567890]")[2] == b"[123456789012345678901234567890]"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"{'a': 1}", b"{} {}", b"nope", b"\x00", b"\xff\xfe", b'{"a":}', b'"\\u00"', b"<a/>", b"a=b"],
)
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises(NotJson) as refused:
        parse_json(raw)
    assert refused.value.errors[0].path == "$"


@pytest.mark.parametrize("depth", [DEEPEST + 2, 100_000])
@pytest.mark.parametrize(("opening", "inner", "closing"), [(b"[", b"", b"]"), (b'{"a":', b"1", b"}")])
@pytest.mark.parametrize("strange", [b"", b'"\\u0000"'], ids=["strict", "lenient"])
def test_what_is_nested_too_deep_is_refused(
    depth: int, opening: bytes, inner: bytes, closing: bytes, strange: bytes
) -> None:
    with pytest.raises(NotJson, match="not JSON") as refused:
        parse_json(opening * depth + (strange or inner) + closing * depth)
    assert refused.value.errors[0].reason == "nested too deep"


def test_what_is_nested_deep_enough_is_read() -> None:
    raw = b"[" * DEEPEST + b"]" * DEEPEST
    assert parse_canonical(raw)[2] == raw
    assert parse_json(b'"' + b"[" * 2000 + b'"')[0] == "[" * 2000


def test_equal_values_have_one_canonical_form() -> None:
    first, second = b'{"b": [1, 2.0], "a": "\\u00e4"}', '{ "a":"ä","b":[1,2.0] }'.encode()
    assert parse_canonical(first)[2] == parse_canonical(second)[2] == '{"a":"ä","b":[1,2.0]}'.encode()


@given(values)
def test_any_value_can_be_stored_and_encoded_again(value: object) -> None:
    _, _, encoded = parse_canonical(json.dumps(value).encode())
    parsed, _ = parse_json(json.dumps(value).encode())
    text = msgspec.json.encode(parsed).decode()  # neither too large numbers nor unpaired surrogates are left
    assert "\\u0000" not in text
    if not _strange(value):
        assert parsed == value
        assert parse_json(encoded) == (parsed, [])


def _strange(value: object) -> bool:
    if isinstance(value, dict):
        return any(_strange(key) or _strange(item) for key, item in value.items())
    if isinstance(value, list):
        return any(_strange(item) for item in value)
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, int):
        return not -(2**63) <= value < 2**64
    return isinstance(value, str) and ("\0" in value or any("\ud800" <= char <= "\udfff" for char in value))


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "application/x-ndjson"]),
    st.sampled_from(["", "gzip", "zstd"]),
)
def test_any_bytes_are_read_or_refused(data: bytes, content_type: str, encoding: str) -> None:
    try:
        for item in split(unwrap(data, content_type, encoding, 1000))[0]:
            parse_canonical(item)
    except (BadRequest, NotJson, PayloadTooLarge, UnsupportedMediaType):
        pass
