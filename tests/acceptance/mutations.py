"""Captured events made strange: as JSON values, as JSON text, and as requests."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.acceptance.connection import BATCH, SINGLE

FIXTURES = Path(__file__).parents[2] / "fixtures" / "events"

TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "x" * 10_000, "é" * 5_000, "\u202e\u200fname\u2066",
    "\U0001f30a" * 300, "%00", "%s%n", "../../etc/passwd", "'; DROP TABLE event; --", "a:b:c", "dataset:", "\r\n",
    "\x1b[2J", "\ufeff", "\uffff", "2026-11-22", "2026-11-22T05:00:00", "9999-12-31T23:59:59.999999999-23:59",
    "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-02-30T25:61:61Z", "{}", "[]", "null", "NaN", "1e999",
    "START", "complete", "00000000-0000-0000-0000-000000000000", "{01980000-0000-7000-8000-000000000001}",
)  # fmt: skip
"""What names, times and identifiers should never be."""

NUMBERS = (
    0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400, 0.1, -0.0, 1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip

SNIPPETS = (
    b"\0", b"\\u0000", b"\\ud83d", b"\\uDC00\\ud800", b"NaN", b"-Infinity", b"1e400", b"-", b"0x1F", b"'", b'"', b"\\",
    b",", b",,", b":", b"{", b"}", b"[", b"]", b"[" * 2_000, b'{"a":' * 600, b"9" * 5_000, b"0." + b"1" * 2_000,
    b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\n", b"\x1e", b"/*x*/", b"//x\n",
    b'"eventTime":"2026-11-22T05:00:00Z",', b'"run":null,', b'"job":{},', b'"inputs":[null,1,"x",[],{}],',
)  # fmt: skip
"""What a text is broken with."""

TYPES = (
    "application/json", "application/json; charset=utf-8", "application/json;charset=latin-1", "text/plain", "",
    "application/x-ndjson", "application/vnd.openlineage+json", "application/cloudevents+json", "text/html",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ";", "application/", "json", "x" * 5_000,
)  # fmt: skip

PREFERENCES = (
    "wait=0",
    "wait=99999999999999",
    "wait=-1",
    "wait=abc",
    "wait",
    'wait="1',
    "respond-async, wait=0.5",
)


class Request(NamedTuple):
    """A request to send, with the number of events that it was made from."""

    path: str
    headers: dict[str, str]
    body: bytes
    events: int


def originals() -> list[dict[str, Any]]:
    """Read all captured events."""
    events: list[dict[str, Any]] = []
    for file in sorted(FIXTURES.rglob("*.jsonl")):
        for line in file.read_text().splitlines():
            body = json.loads(line)["body"]
            events += body if isinstance(body, list) else [body]
    return events


class Mutator:
    """Makes requests from captured events; the same seed gives the same ones."""

    def __init__(self, seed: object) -> None:
        self._rng = random.Random(str(seed))
        self._events = originals()

    def single(self) -> Request:
        """Make a request with one event."""
        return self._wrapped(self._text(), SINGLE, 1)

    def batch(self, size: int) -> Request:
        """Make a request with several events; most are whole JSON, as one that is not spoils all."""
        texts = [self._text() if self._rng.random() < 0.02 else self._value() for _ in range(size)]
        if self._rng.random() < 0.3:
            lines = b"\n".join(text.replace(b"\n", b" ") for text in texts)
            return self._wrapped(lines, BATCH, size, "application/x-ndjson")
        return self._wrapped(b"[" + b",".join(texts) + b"]", self._rng.choice((SINGLE, BATCH)), size)

    def _value(self) -> bytes:
        """Change values, and write JSON that is whole except for what strict JSON does not know."""
        while True:
            event = _copy(self._rng.choice(self._events))
            if self._rng.random() < 0.7 and isinstance(event.get("run"), dict):
                event["run"]["runId"] = f"{self._rng.getrandbits(128):032x}"
            try:
                for _ in range(self._rng.choice((1, 1, 2, 5))):
                    event = self._changed(event)
                text = json.dumps(event, ensure_ascii=self._rng.random() < 0.5)
            except RecursionError:
                continue  # deeper than can be written here; snippets are deeper still
            return text.encode("utf-8", "surrogatepass")

    def _text(self) -> bytes:
        """Change values, then perhaps the text itself."""
        text = self._value()
        if self._rng.random() < 0.5:
            for _ in range(self._rng.choice((1, 1, 2, 8))):
                text = self._broken(text)
        return text

    def _changed(self, event: Any) -> Any:
        places = list(_places(event))
        if not places:
            return self._odd()
        # The upper places are few, and matter most.
        holder, key = self._rng.choice(places[:12] if self._rng.random() < 0.5 else places)
        change = self._rng.randrange(8)
        if change == 0:
            del holder[key]
        elif change == 1:
            holder[key] = None
        elif change == 2:
            other, its_key = self._rng.choice(places)
            holder[key] = _copy(other[its_key])
        elif change == 3:
            holder[key] = [holder[key]] * self._rng.choice((1, 2, 100))
        elif change == 4 and isinstance(holder, dict):
            holder[self._rng.choice((*TEXTS, "_deleted", "symlinks", "parent"))] = holder.pop(key)
        elif change == 5:
            for _ in range(self._rng.choice((3, 30, 300))):
                holder[key] = {"fields": [holder[key]]} if self._rng.random() < 0.5 else [holder[key]]
        else:
            holder[key] = self._odd()
        return event

    def _odd(self) -> Any:
        kind = self._rng.randrange(4)
        if kind == 0:
            return self._rng.choice((None, True, False, [], {}, [[]], {"": {}}, [None], {"_deleted": True}))
        if kind == 1:
            return self._rng.choice(NUMBERS)
        return self._rng.choice(TEXTS)

    def _broken(self, text: bytes) -> bytes:
        start = self._rng.randrange(len(text) + 1)
        end = min(len(text), start + self._rng.choice((0, 1, 1, 5, 50, 500)))
        change = self._rng.randrange(7)
        if change == 0:
            return text[:start] + text[end:]
        if change == 1:
            return text[:start] + text[start:end] * self._rng.choice((2, 3, 50)) + text[end:]
        if change == 2:
            return text[:start]
        if change == 3:
            return text[:start] + bytes([self._rng.randrange(256)]) + text[start + 1 :]
        if change == 4:
            # Keys that come twice.
            return text.replace(b"{", b"{" + self._rng.choice(SNIPPETS[-4:]), 1)
        return text[:start] + self._rng.choice(SNIPPETS) + text[end:]

    def _wrapped(self, body: bytes, path: str, events: int, content_type: str = TYPES[0]) -> Request:
        headers = {"Content-Type": content_type}
        if self._rng.random() < 0.1:
            headers["Prefer"] = self._rng.choice(PREFERENCES)
        if self._rng.random() < 0.05:
            headers["Content-Type"] = self._rng.choice(TYPES)
        if self._rng.random() < 0.02:
            body = body.decode("utf-8", "replace").encode(self._rng.choice(("utf-16", "utf-32", "utf-16-be")))
        if self._rng.random() < 0.1:
            headers["Content-Encoding"], body = self._encoded(body)
        return Request(path + self._rng.choice(("", "/")), headers, body, events)

    def _encoded(self, body: bytes) -> tuple[str, bytes]:
        name, encode = self._rng.choice(ENCODINGS)
        packed = encode(body)
        if self._rng.random() < 0.3:
            packed = self._broken(packed)
        return name, packed


ENCODINGS: Sequence[tuple[str, Callable[[bytes], bytes]]] = (
    ("gzip", lambda body: gzip.compress(body, 1)),
    ("GZIP, identity", lambda body: gzip.compress(body, 1)),
    ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body, 1), 1)),
    ("deflate", lambda body: zlib.compress(body, 1)),
    ("deflate", lambda body: zlib.compress(body, 1)[2:-4]),
    ("gzip", lambda body: body),
    ("zstd", lambda body: body),
    ("br", lambda body: body),
    (",,", lambda body: body),
    ("", lambda body: body),
)
"""Names of encodings with what is sent under them, rightly or not."""


def _places(value: Any) -> list[tuple[Any, Any]]:
    """List all places inside a value, the upper ones first."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    for item in waiting:
        keys: Sequence[Any] = list(item) if isinstance(item, dict) else range(len(item))
        found += [(item, key) for key in keys]
        waiting += [item[key] for key in keys if isinstance(item[key], dict | list)]
    return found


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))
