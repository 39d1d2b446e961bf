"""Stored events as answers show them: the JSON as it was sent, wherever that is JSON by the book."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import msgspec

from collector.ingest.decode import NotJson, parse_json
from collector.storage.event_reads import EventRow
from lineage.facets import Json, mapping

K = TypeVar("K", bound=Hashable)


def value_of(event: EventRow) -> object:
    """Give what the event says; None if it cannot be read any more."""
    try:
        return parse_json(event.body or b"null")[0]
    except NotJson:
        return None


def newest_facets(
    events: Iterable[EventRow], places: Callable[[Json], Iterable[tuple[K, Json]]]
) -> dict[K, dict[str, msgspec.Raw]]:
    """Fold facets of events in the order of receipt: of each name, the one with the newest time of event.

    ``places`` gives the sets of facets in an event, each with what it is about; sets about the same are folded.
    """
    newest: dict[K, dict[str, tuple[int, object]]] = {}
    for event in events:
        for about, facets in places(mapping(value_of(event))):
            held = newest.setdefault(about, {})
            for name, facet in facets.items():
                if facet is not None and (name not in held or held[name][0] <= event.event_time):
                    held[name] = (event.event_time, facet)
    # Encoded here, where the stack is as shallow as when the event was read.
    return {
        about: {name: msgspec.Raw(msgspec.json.encode(facet)) for name, (_, facet) in sorted(held.items())}
        for about, held in newest.items()
    }


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
