"""The instants at which a graph changed, as somebody steps through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage.instants import parse_instant


@dataclass(frozen=True, slots=True)
class Timeline:
    """``moments`` are the changes, the newest first, ``place`` is that of the last one before what is shown.

    What is shown between two changes is the same at any time, so each is known by the earlier one.
    """

    moments: list[Mapping[str, Any]]
    place: int
    complete: bool

    @property
    def before(self) -> bool:
        """Tell whether what is asked for lies before everything that is known."""
        return self.complete and self.place >= len(self.moments)

    @property
    def earlier(self) -> str | None:
        """The change before; None: none is known."""
        return self._at(self.place + 1)

    @property
    def has_later(self) -> bool:
        """Tell whether the graph has changed since."""
        return self.place > 0

    @property
    def later(self) -> str | None:
        """The change after; None: what is there now."""
        return self._at(self.place - 1) if self.place > 1 else None

    def _at(self, place: int) -> str | None:
        return str(self.moments[place]["at"]) if 0 <= place < len(self.moments) else None


def timeline(document: Mapping[str, Any], as_of: str | None) -> Timeline:
    """Give the steps of an answer of ``/api/v2/lineage/moments``; ``as_of`` (ISO 8601) is what is shown, None: now."""
    moments = document["items"]
    at = None if as_of is None else parse_instant(as_of)[0]
    place = 0
    if at is not None:
        place = sum(parse_instant(each["at"])[0] > at for each in moments)
    return Timeline(moments, place, not document["truncated"])
