"""Events from files, whatever form they have; the form is told by the content.

* JSON lines: one JSON text a line.
* JSON over several lines: one text, or several one after the other.
* A folder, as the file transport of OpenLineage's clients fills it: a file an event, or appended lines.

Each text may be an event, an array of events, or a captured request: an object with ``body`` (an event or an
array) and ``path`` or ``headers``.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from collector.errors import FieldError, Unprocessable
from collector.ingest.decode import Body, NotJson, parse_json, split
from collector.ingest.intake import refuse, take
from collector.storage.engine import Database
from collector.storage.event_log import NewEvent, NewRejection, append, reject
from collector.times import now_us

BATCH_EVENTS: Final = 500
BATCH_BYTES: Final = 16 * 1024 * 1024
"""Of JSON; what one transaction holds at most, unless a single event is larger."""

LONGEST_LINE: Final = 256 * 1024 * 1024
"""Of a longer line the end is left out, and so it is refused; arrays of many events may stand on one."""

REFUSALS_SHOWN: Final = 1000
"""Refusals remembered with their place and reason; beyond them only the number."""


class Found(NamedTuple):
    """The JSON text of one event, or what stands in its place, and where it begins."""

    place: str
    raw: bytes
    error: Unprocessable | None = None


class Refusal(NamedTuple):
    """Why the event at ``place`` could not be recorded."""

    place: str
    reason: str


@dataclass(slots=True)
class Summary:
    """What became of the events of some files."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)


class _Capture(msgspec.Struct):
    """What tells a captured request from an event, with the body untouched."""

    body: msgspec.Raw = msgspec.Raw()
    path: msgspec.Raw = msgspec.Raw()
    headers: msgspec.Raw = msgspec.Raw()
    eventTime: msgspec.Raw = msgspec.Raw()


def files_of(path: Path) -> list[Path]:
    """List the files to read: ``path`` itself, or those below a folder that hold JSON, by name.

    The file transport names files by the time, so by name is by time.
    """
    if not path.is_dir():
        return [path]
    below = (file for file in sorted(path.rglob("*")) if file.is_file())
    visible = (
        file for file in below if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    return [file for file in visible if _begins_like_json(file)]


def events_in(stream: BinaryIO, name: str, limit: int) -> Iterator[Found]:
    """Give the events of one file in order, each as it stands there. ``limit`` is the largest event in bytes.

    Of JSON lines no more than two are in memory at a time, of a document all.
    """
    lines = _lines(stream)
    ahead = list(islice(lines, 2))
    if not _is_spread(ahead):
        for number, line in chain(ahead, lines):
            yield from _events(line.strip(), name, number, limit)
        return
    number, first = ahead[0]
    blank = b"\n" * (ahead[1][0] - number - 1) if len(ahead) > 1 else b""
    text = first + blank + b"".join(line for _, line in ahead[1:]) + stream.read()
    for skipped, part in _texts(text):
        yield from _events(part, name, number + skipped, limit)


def ingest(
    database: Database, found: Iterable[Found], progress: Callable[[Summary], None] = lambda summary: None
) -> Summary:
    """Write events to the log, some hundreds a transaction, and what is refused to the refused bodies.

    ``progress`` is called after each transaction with what was done so far.
    """
    summary = Summary()
    events: list[NewEvent] = []
    refusals: list[NewRejection] = []
    size = 0

    def write() -> None:
        with database.write() as conn:
            new = append(database, conn, events)
            reject(conn, refusals)
        summary.accepted += sum(new)
        summary.duplicates += len(new) - sum(new)
        events.clear()
        refusals.clear()
        progress(summary)

    for item in found:
        received_at = now_us()
        try:
            if item.error:
                raise item.error
            events.append(take(item.raw, received_at).row)
        except Unprocessable as error:
            summary.refused += 1
            if len(summary.refusals) < REFUSALS_SHOWN:
                summary.refusals.append(Refusal(item.place, _reason(error)))
            if item.raw:
                refusals.append(refuse(item.raw, error, received_at))
        size += len(item.raw)
        if len(events) + len(refusals) >= BATCH_EVENTS or size >= BATCH_BYTES:
            write()
            size = 0
    write()
    return summary


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Give the lines that are not blank, with their numbers; of a line that is too long its beginning."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            yield number, line


def _is_spread(ahead: list[tuple[int, bytes]]) -> bool:
    """Tell from the first two lines that are not blank whether a JSON text goes on over several lines."""
    if not ahead or ahead[0][1].lstrip()[:1] not in (b"{", b"[") or _is_json(ahead[0][1]):
        return False
    # What is complete by itself may follow a broken line, unless that ends where JSON is broken into lines.
    return (
        len(ahead) < 2 or ahead[0][1].rstrip().endswith((b"{", b"[", b",", b":")) or not _is_json(ahead[1][1])
    )


def _texts(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Take apart what stands one after the other; give each with the number of line breaks before it.

    What is not JSON comes in one piece, with all that follows it.
    """
    # Bytes that are not UTF-8 come out again as they went in.
    string = text.decode("utf-8", "surrogateescape")
    scan = json.JSONDecoder(strict=False).raw_decode
    position = lines = 0
    while position < len(string):
        start = position
        while start < len(string) and string[start] in " \t\r\n":
            start += 1
        try:
            _value, end = scan(string, start)
        except (ValueError, RecursionError):
            end = len(string)
        lines += string.count("\n", position, start)
        if part := string[start:end].strip():
            yield lines, part.encode("utf-8", "surrogateescape")
        lines += string.count("\n", start, end)
        position = end


def _events(text: bytes, name: str, line: int, limit: int) -> Iterator[Found]:
    """Take one JSON text apart into events: an array has several, a captured request is unpacked first."""
    place = f"{name}:{line}"
    try:
        elements, several = split(Body(text, ndjson=False))
    except NotJson as error:
        yield Found(place, text if len(text) <= limit else b"", error)
        return
    if not several:
        yield from _unpack(text, place, limit)
        return
    spread = b"\n" in text
    position = 0
    for index, element in enumerate(elements):
        start = text.find(element, position)
        line += text.count(b"\n", position, start)
        yield from _unpack(element, f"{name}:{line}" if spread else f"{place} (event {index + 1})", limit)
        line += element.count(b"\n")
        position = start + len(element)


def _unpack(raw: bytes, place: str, limit: int) -> Iterator[Found]:
    """Give the event, or those in a captured request."""
    body = _captured(raw)
    if body is None:
        yield _sized(place, raw, limit)
    elif body.lstrip()[:1] == b"[":
        try:
            elements, _ = split(Body(body, ndjson=False))
        except NotJson as error:
            yield Found(place, body, error)
            return
        for index, element in enumerate(elements):
            yield _sized(f"{place} (event {index + 1})", element, limit)
    else:
        yield _sized(place, body, limit)


def _sized(place: str, raw: bytes, limit: int) -> Found:
    if len(raw) <= limit:
        return Found(place, raw)
    # Not kept: that is what the limit is for.
    return Found(place, b"", Unprocessable(errors=(FieldError("$", f"is larger than {limit} bytes"),)))


def _captured(raw: bytes) -> bytes | None:
    """Give the body of a captured request; None if this is not one."""
    if b'"body"' not in raw:
        return None
    try:
        capture = msgspec.json.decode(raw, type=_Capture)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not capture.body or capture.eventTime or not (capture.path or capture.headers):
        return None
    body = bytes(capture.body)
    # A recorder that did not parse the body has it as a string.
    return str(json.loads(body)).encode("utf-8", "replace") if body[:1] == b'"' else body


def _is_json(text: bytes) -> bool:
    try:
        parse_json(text)
    except NotJson:
        return False
    return True


def _begins_like_json(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(1024).removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")


def _reason(error: Unprocessable) -> str:
    if not error.errors:
        return error.detail
    return "; ".join(f"{item.path}: {item.reason}" for item in error.errors)
