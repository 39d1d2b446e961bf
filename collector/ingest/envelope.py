"""Reading the events of the log, fast: a facet that was seen before is not read again.

From run to run a job sends mostly the same facets, byte for byte: schema, SQL, documentation, column lineage. They
are some nine tenths of an event. So only the frame of an event is decoded, and the facets of jobs and datasets are
looked up by their text; what is new is decoded once and shared.
"""

from __future__ import annotations

from typing import Any

import msgspec

from collector.ingest.decode import parse_json
from collector.storage.projection import facet_hash
from lineage.facets import Facet

CACHED_FACETS = 20_000
LARGEST_CACHED = 16_384
"""Bytes of a facet's text; with the number above at most 330 MB, and with real facets of some 500 bytes, 30 MB."""

Raws = dict[str, msgspec.Raw]


class _Entity(msgspec.Struct):
    namespace: Any = None
    name: Any = None
    facets: Raws | None = None
    inputFacets: Any = None  # the field's name
    outputFacets: Any = None


class _Run(msgspec.Struct):
    runId: Any = None
    facets: Any = None


class _Event(msgspec.Struct):
    eventTime: Any = None
    eventType: Any = None
    run: _Run | None = None
    job: _Entity | None = None
    dataset: _Entity | None = None
    inputs: list[_Entity] | None = None
    outputs: list[_Entity] | None = None


_frame = msgspec.json.Decoder(_Event)
_value = msgspec.json.Decoder()


class EventReader:
    """Decodes events into the form that ``lineage.translate`` reads. Not to be shared between threads."""

    def __init__(self) -> None:
        self._facets: dict[bytes, object] = {}

    def read(self, raw: bytes) -> dict[str, Any]:
        """Decode one event; facets of jobs and datasets are ``Facet`` objects, shared and not to be changed.

        Raises:
            NotJson: it is not JSON.
            ValueError: it is not a JSON object.
        """
        if len(self._facets) > CACHED_FACETS:
            self._facets.clear()
        if b"\\u0000" not in raw:  # NUL must be replaced, as parse_json does
            try:
                return self._open(_frame.decode(raw))
            except (ValueError, RecursionError):
                pass  # something is of another type than the spec's, or no strict JSON
        value, _ = parse_json(raw)
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        return value

    def _open(self, event: _Event) -> dict[str, Any]:
        opened: dict[str, Any] = {"eventTime": event.eventTime, "eventType": event.eventType}
        if event.run is not None:
            opened["run"] = {"runId": event.run.runId, "facets": event.run.facets}
        if event.job is not None:
            opened["job"] = self._entity(event.job)
        if event.dataset is not None:
            opened["dataset"] = self._entity(event.dataset)
        if event.inputs:
            opened["inputs"] = [self._entity(entry) for entry in event.inputs]
        if event.outputs:
            opened["outputs"] = [self._entity(entry) for entry in event.outputs]
        return opened

    def _entity(self, entity: _Entity) -> dict[str, Any]:
        opened = {
            "namespace": entity.namespace,
            "name": entity.name,
            "inputFacets": entity.inputFacets,
            "outputFacets": entity.outputFacets,
        }
        if entity.facets:
            opened["facets"] = {name: self._facet(bytes(raw)) for name, raw in entity.facets.items()}
        return opened

    def _facet(self, raw: bytes) -> object:
        facet = self._facets.get(raw)
        if facet is None:
            facet = _value.decode(raw)
            if isinstance(facet, dict):
                facet = Facet(facet, facet_hash(facet))
            if len(raw) <= LARGEST_CACHED:
                self._facets[raw] = facet
        return facet
