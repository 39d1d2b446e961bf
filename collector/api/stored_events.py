"""Stored events as answers show them: the JSON as it was sent, wherever that is JSON by the book."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection

from collector.ingest.decode import NotJson, parse_json
from collector.storage.event_reads import EventRow
from collector.storage.event_subjects import Subject, subjects
from lineage.facets import Json, mapping
from lineage.model import DatasetRef

K = TypeVar("K", bound=Hashable)

MOST_NAMES: Final = 200
"""Inputs and outputs that an answer about one event names."""


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


def as_items(conn: Connection, events: Sequence[EventRow]) -> list[dict[str, object]]:
    """Give events as lists answer them."""
    about = subjects(conn, [event.id for event in events])
    return [as_item(event, about[event.id]) for event in events]


def as_item(event: EventRow, about: Subject) -> dict[str, object]:
    """Give an event, and what it is about, as lists answer it."""
    item: dict[str, object] = {name: getattr(event, name) for name in EventRow.__slots__ if name != "body"}
    if event.body is not None:
        item["event"] = _as_sent(event.body)
    return item | about._asdict()


def named_in(event: EventRow) -> dict[str, object]:
    """Give what an event names besides what it is recorded under: who made it, and the datasets."""
    value = mapping(value_of(event))
    texts = {"producer": value.get("producer"), "schema_url": value.get("schemaURL")}
    return {name: text if isinstance(text, str) else None for name, text in texts.items()} | {
        key: list(islice(_names(value.get(key)), MOST_NAMES)) for key in ("inputs", "outputs")
    }


def _names(entries: object) -> Iterator[DatasetRef]:
    for entry in entries if isinstance(entries, list) else ():
        namespace, name = mapping(entry).get("namespace"), mapping(entry).get("name")
        if isinstance(namespace, str) and isinstance(name, str):
            yield DatasetRef(namespace, name)


def _as_sent(body: bytes) -> object:
    try:
        value, warnings = parse_json(body)
    except NotJson:
        return None
    # With a warning it is not strict JSON (NaN, half a surrogate pair): shown as it was understood.
    return value if warnings else msgspec.Raw(body)
