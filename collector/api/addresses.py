"""The addresses in stored facets, for answers about one dataset, job or run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from lineage.links import Link, links

LARGEST: Final = 256 * 1024
"""Bytes of a facet that is read for addresses; a larger one is data."""


def addresses(facets: Mapping[str, msgspec.Raw]) -> list[Link]:
    """Give the addresses in facets that a browser may open."""
    return links({name: msgspec.json.decode(body) for name, body in facets.items() if _may_tell(body)})


def _may_tell(body: msgspec.Raw) -> bool:
    view = memoryview(body)
    return view.nbytes <= LARGEST and b"://" in view.tobytes()
