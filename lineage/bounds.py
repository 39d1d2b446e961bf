"""What keeps a walk within bounds: how many nodes it takes up, and where the next answer goes on."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Met(Generic[K]):
    """The nodes that a walk has met, in its order: ``most`` after those that an earlier answer gave, ``skip``.

    ``links`` are those of the walk, as it finds them: (source, target).
    """

    def __init__(self, links: Collection[tuple[K, K]], skip: int, most: int) -> None:
        self._links = links
        self._skip = skip
        self._most = skip + most
        self.depths: dict[K, int] = {}
        """Steps from the start, on the first walk that met the node."""
        self.given: frozenset[tuple[K, K]] | None = None
        """The links that an answer gives which ends where this one begins."""
        self.truncated = False

    def enter(self, nodes: Iterable[K], seen: set[K], distance: int) -> list[K]:
        """Take up those that have not been ``seen``; give them, or nothing once the limit has ended the walk."""
        if self.truncated:
            return []
        new = [node for node in dict.fromkeys(nodes) if node not in seen]
        seen.update(new)
        for node in new:
            if node not in self.depths:
                if len(self.depths) == self._skip and self.given is None:
                    self.given = frozenset(self.inner())
                if len(self.depths) >= self._most:
                    self.truncated = True
                    return []
                self.depths[node] = distance
        return new

    def inner(self) -> list[tuple[K, K]]:
        """Give the links of which both ends have been taken up."""
        return [ends for ends in self._links if ends[0] in self.depths and ends[1] in self.depths]

    def is_new(self, place: int) -> bool:
        """Tell whether the node at a place in ``depths`` belongs into this answer."""
        return place >= self._skip

    @property
    def next(self) -> int | None:
        """How many nodes to skip for the next answer, if there is more."""
        return len(self.depths) if self.truncated else None
