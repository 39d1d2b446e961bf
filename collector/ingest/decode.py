"""From the bytes of a request to the JSON text of each event in it, and from that text to a value."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from collector.errors import BadRequest, FieldError, PayloadTooLarge, Unprocessable, UnsupportedMediaType
from collector.ingest.encodings import undo

NDJSON = frozenset(
    {"ndjson", "x-ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "json-lines", "json-seq"}
)
UNSAID = frozenset({"", "text/plain", "application/octet-stream", "*/*"})
"""Content types of clients that do not care; the body shows whether it is JSON."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

DEEPEST = 500
"""Levels of nesting. Whoever reads the event later works with what Python's stack has left, not with all of
it.
"""

ZEROS = bytes.maketrans(b"123456789", b"000000000")
LONG_NUMBER = b"0" * 19


class NotJson(Unprocessable):
    """The body is not JSON."""

    def __init__(self, reason: str) -> None:
        super().__init__("The body is not JSON.", errors=(FieldError("$", reason),))


@dataclass(frozen=True, slots=True)
class Body:
    """A request body without its wrapping: JSON text in UTF-8, or one JSON text a line."""

    text: bytes
    ndjson: bool


def unwrap(data: bytes, content_type: str, content_encoding: str, limit: int) -> Body:
    """Undo the encodings of a body. Raises ``TidegateError`` with status 400, 413 or 415.

    ``limit`` counts bytes, before and after decompression. UTF-16 and UTF-32 are told by their byte-order
    mark.
    """
    ndjson = _is_ndjson(content_type)
    if len(data) > limit:
        raise PayloadTooLarge(f"The body is larger than {limit} bytes.")
    text = undo(data, content_encoding, limit) if content_encoding else data
    for mark, encoding in BOMS:
        if text.startswith(mark):
            try:
                text = text[len(mark) :] if encoding == "utf-8" else text.decode(encoding).encode()
            except UnicodeError as error:
                raise BadRequest(f"The body is not valid {encoding.upper()}.") from error
            break
    if not text.strip():
        raise BadRequest("The body is empty.")
    return Body(text, ndjson)


def split(body: Body) -> tuple[list[bytes], bool]:
    """Give the JSON text of each event as it was sent, and whether there may be several: an array, or lines.

    Raises ``NotJson`` if an array cannot be taken apart. The elements are not checked: one that is bad is one
    refused event, not a refused request.
    """
    if body.ndjson:
        return [line for line in body.text.split(b"\n") if line.strip()], True
    if body.text.lstrip()[:1] != b"[":
        return [body.text], False
    try:
        return [bytes(item) for item in msgspec.json.decode(body.text, type=list[msgspec.Raw])], True
    except RecursionError:
        raise NotJson("nested too deep") from None
    except ValueError:
        return _split_leniently(body.text), True


def parse_json(raw: bytes) -> tuple[object, list[str]]:
    """Decode one JSON text, in such a way that the value can be stored and encoded again; also give warnings.

    What strict JSON or a database cannot hold is replaced, with a warning: NaN and infinite numbers by null,
    unpaired surrogates, NUL and bytes that are not UTF-8 by U+FFFD; integers beyond 64 bits become
    floating-point numbers. Raises ``NotJson``.
    """
    # A number of 19 digits may not fit. All digits are made zeros to find out: three times as fast as a
    # pattern.
    if LONG_NUMBER in raw.translate(ZEROS):
        return _bounded(raw, _Lenient().read)
    return _bounded(raw, _decode)


def parse_canonical(raw: bytes) -> tuple[object, list[str], bytes]:
    """Decode one JSON text as ``parse_json`` does, and encode it so that equal values give equal bytes.

    Integers stay as they are, however long: looking for them would take a tenth of the time.
    """
    value, warnings = _bounded(raw, _decode)
    return value, warnings, msgspec.json.encode(value, order="sorted")


def _is_ndjson(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in UNSAID:
        return False
    family, _, name = kind.partition("/")
    if family in ("application", "text"):
        if name in NDJSON:
            return True
        # CloudEvents wrap the event in an envelope of their own, which is not what would be recorded.
        if name in ("json", "x-json") or (name.endswith("+json") and not name.startswith("cloudevents")):
            return False
    raise UnsupportedMediaType(f"Content-Type {kind!r} is not supported: use application/json.")


def _bounded(raw: bytes, decode: Callable[[bytes], tuple[object, list[str]]]) -> tuple[object, list[str]]:
    try:
        value, warnings = decode(raw)
    except RecursionError:
        raise NotJson("nested too deep") from None
    if raw.count(b"[") + raw.count(b"{") > DEEPEST:
        _check_depth(value)
    return value, warnings


def _decode(raw: bytes) -> tuple[object, list[str]]:
    if b"\\u0000" not in raw:
        try:
            return msgspec.json.decode(raw), []
        except ValueError:
            pass  # to be read leniently, or refused with the reason that is found there
    return _Lenient().read(raw)


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise NotJson("nested too deep")


def _split_leniently(text: bytes) -> list[bytes]:
    """Take an array apart that holds what strict JSON does not allow, such as NaN."""
    # Bytes that are not UTF-8 come out again as they went in.
    string = text.decode("utf-8", "surrogateescape")
    scan = json.JSONDecoder(strict=False).raw_decode
    items: list[bytes] = []
    try:
        position = _skip(string, string.index("[") + 1)
        while string[position] != "]" or items:
            _value, end = scan(string, position)
            items.append(string[position:end].encode("utf-8", "surrogateescape"))
            position = _skip(string, end)
            if string[position] == "]":
                break
            if string[position] != ",":
                raise NotJson(f"expected a comma at character {position}")
            position = _skip(string, position + 1)
        if string[position + 1 :].strip():
            raise NotJson(f"something follows the array at character {position + 1}")
    except IndexError:
        raise NotJson("the array does not end") from None
    except RecursionError:
        raise NotJson("nested too deep") from None
    except ValueError as error:
        raise NotJson(str(error)) from error
    return items


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


class _Lenient:
    """Decodes one JSON text with the standard library, and remembers what it had to replace."""

    def __init__(self) -> None:
        self._warnings: dict[str, None] = {}

    def read(self, raw: bytes) -> tuple[object, list[str]]:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("utf-8", "replace")
            self._warn("bytes that are not UTF-8 were replaced by U+FFFD")
        if text.startswith("\ufeff"):
            text = text.lstrip("\ufeff")
            self._warn("a byte-order mark was left out")
        try:
            value = self._decode(text, strict=True)
        except ValueError:
            try:
                value = self._decode(text, strict=False)
            except ValueError as error:
                raise NotJson(str(error)) from error
            self._warn("control characters stand in strings without an escape")
        return self._clean(value), list(self._warnings)

    def _decode(self, text: str, *, strict: bool) -> object:
        return json.JSONDecoder(
            strict=strict, parse_float=self._float, parse_int=self._int, parse_constant=self._constant
        ).decode(text)

    def _warn(self, text: str) -> None:
        self._warnings[text] = None

    def _constant(self, name: str) -> None:
        self._warn(f"{name} was replaced by null")

    def _float(self, text: str) -> float | None:
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self._warn("a number too large was replaced by null")
            return None
        return number

    def _int(self, text: str) -> int | float | None:
        if len(text) < 19 or (len(text) < 40 and -(2**63) <= int(text) < 2**64):
            return int(text)
        self._warn("an integer beyond 64 bits was made a floating-point number")
        return self._float(text)

    def _clean(self, value: object) -> object:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {self._text(key): self._clean(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._clean(item) for item in value]
        return value

    def _text(self, text: str) -> str:
        if "\0" in text:
            self._warn("NUL characters were replaced by U+FFFD")
            text = text.replace("\0", "\ufffd")
        try:
            text.encode()
        except UnicodeEncodeError:
            self._warn("unpaired surrogates were replaced by U+FFFD")
            # A pair of escapes that is split over two strings cannot be joined, so each half is replaced.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text
