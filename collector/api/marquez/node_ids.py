"""The node ids of Marquez: ``job:NS:NAME``, ``dataset:NS:NAME``, ``datasetField:NS:NAME:FIELD``, and ``#VERSION``.

All parts may hold colons (``s3://b:2024/x``), so an id is read in every way, and what exists decides. Where nothing
does, the way is the one by which Marquez cuts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice, pairwise
from typing import Final

JOB: Final = "job"
DATASET: Final = "dataset"
FIELD: Final = "datasetField"
RUN: Final = "run"

PARTS: Final = {JOB: 2, DATASET: 2, FIELD: 3}
"""How many parts follow the type."""

MAX_READINGS = 1000
"""Ways to cut an id that are looked up; real ids have a handful of colons."""

_VERSION = re.compile(r"#([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\Z")
_CUT = re.compile(r":(?!//|\d+)")
"""Where Marquez cuts: not before the slashes of a URI, nor before a port."""


@dataclass(frozen=True, slots=True)
class NodeId:
    """One reading of a node id; of a ``datasetField`` with its field."""

    namespace: str
    name: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A node id as it was asked for. ``version`` is of whatever ends in ``#`` and a UUID."""

    type: str
    text: str
    version: str | None

    def readings(self) -> list[NodeId]:
        """Give all that it may mean, what Marquez would take first at the beginning."""
        found = dict.fromkeys(self._believed())
        found.update(dict.fromkeys(islice(self._all(), MAX_READINGS)))
        return [NodeId(*parts) for parts in found]

    def _believed(self) -> Iterator[tuple[str, ...]]:
        wanted = PARTS[self.type]
        parts = self.text.split(":")
        if len(parts) > wanted:
            parts = _CUT.split(self.text, maxsplit=wanted - 1)
        if len(parts) == wanted and all(parts):
            yield tuple(parts)

    def _all(self) -> Iterator[tuple[str, ...]]:
        colons = [place for place, character in enumerate(self.text) if character == ":"]
        # The last ones first: names and fields hold fewer colons than namespaces.
        for places in combinations(reversed(colons), PARTS[self.type] - 1):
            bounds = [-1, *reversed(places), len(self.text)]
            parts = tuple(self.text[start + 1 : end] for start, end in pairwise(bounds))
            if all(parts):
                yield parts


def read(text: str) -> Written | None:
    """Read a node id; None if it has not the form of one."""
    kind, colon, rest = text.partition(":")
    if not colon or not rest or kind not in (*PARTS, RUN):
        return None
    version = _VERSION.search(rest)
    written = Written(kind, rest[: version.start()] if version else rest, version[1] if version else None)
    return written if kind == RUN or written.readings() else None


def job_id(namespace: str, name: str) -> str:
    """Write the node id of a job."""
    return f"{JOB}:{namespace}:{name}"


def dataset_id(namespace: str, name: str) -> str:
    """Write the node id of a dataset."""
    return f"{DATASET}:{namespace}:{name}"


def field_id(namespace: str, name: str, field: str) -> str:
    """Write the node id of a field."""
    return f"{FIELD}:{namespace}:{name}:{field}"
