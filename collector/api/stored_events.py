"""Stored events as answers show them: the JSON as it was sent, wherever that is JSON by the book."""

from __future__ import annotations

import msgspec

from collector.ingest.decode import NotJson, parse_json
from collector.storage.event_reads import EventRow


def value_of(event: EventRow) -> object:
    """Give what the event says; None if it cannot be read any more."""
    try:
        return parse_json(event.body or b"null")[0]
    except NotJson:
        return None


def as_item(event: EventRow) -> dict[str, object]:
    """Give an event as lists answer it."""
    item: dict[str, object] = {name: getattr(event, name) for name in EventRow.__slots__ if name != "body"}
    if event.body is not None:
        item["event"] = _as_sent(event.body)
    return item


def _as_sent(body: bytes) -> object:
    try:
        value, warnings = parse_json(body)
    except NotJson:
        return None
    # With a warning it is not strict JSON (NaN, half a surrogate pair): shown as it was understood.
    return value if warnings else msgspec.Raw(body)
