"""Clusters: contexts that are one database, found by joining the best mappings first.

Two databases that cannot be one never come into one cluster. Where a context fits two clusters about as well, it is
left alone, unless more of the names speak for one of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from lineage.stitch.contexts import Context, apart, same_server
from lineage.stitch.evidence import Evidence, Kind
from lineage.stitch.mappings import Mapping
from lineage.stitch.names import Servers

MARGIN = 0.3
"""Points by which the best mapping must lead one that excludes it."""

LEAD = 2
"""Hints by which one of two databases that fit alike must lead the other."""

Members = list[int]


class Clusters:
    """Takes contexts by their positions, and the mappings between them."""

    def __init__(self, contexts: list[Context], mappings: dict[tuple[int, int], Mapping]) -> None:
        self._contexts = contexts
        self._mappings = mappings
        self._of: list[Members] = [[position] for position in range(len(contexts))]
        self._near: defaultdict[int, list[tuple[int, Mapping]]] = defaultdict(list)
        self._written = [
            {
                last
                for last, entries in context.entries.items()
                if any(entry.facts.writers for entry in entries)
            }
            for context in contexts
        ]
        self.doubtful: dict[int, Evidence] = {}
        """Of contexts that were joined though another cluster fits: the doubt."""
        for (one, other), mapping in mappings.items():
            self._near[one].append((other, mapping))
            self._near[other].append((one, mapping))

    def join(self) -> list[Members]:
        """Join what belongs together; give the clusters of two contexts and more."""
        left = sorted(self._mappings, key=lambda pair: (-self._mappings[pair].score, pair))
        for pair in left:
            one, other = (self._of[position] for position in pair)
            if self._mappings[pair].settled and one is not other and self._compatible(one, other):
                self._unite(one, other)
        while True:
            waiting = [pair for pair in left if not self._settle(pair, decide=False)]
            if len(waiting) == len(left):
                break
            left = waiting
        for pair in left:
            self._settle(pair, decide=True)
        found = {id(members): members for members in self._of if len(members) > 1}
        return [sorted(members) for members in found.values()]

    def _settle(self, pair: tuple[int, int], *, decide: bool) -> bool:
        """Join the clusters of a pair if nothing speaks against it; give False where it has to wait."""
        one, other = (self._of[position] for position in pair)
        if (
            one is other
            or not self._compatible(one, other)
            or self._crowded(one, other, self._mappings[pair])
        ):
            return True
        rivals = list(self._rivals(one, other, self._mappings[pair].score))
        rivals += self._rivals(other, one, self._mappings[pair].score)
        if rivals and not decide:
            return False
        for rival, preferred, joining in rivals:
            if self._hints(preferred, joining) < self._hints(rival, joining) + LEAD:
                return True
        for rival, _, joining in rivals:
            fitting = min((self._contexts[position] for position in rival), key=lambda each: each.standing)
            words = f"{fitting.namespace} fits as well, but fewer names speak for it"
            self.doubtful.update(dict.fromkeys(joining, Evidence(Kind.AMBIGUOUS, words, -0.3)))
        self._unite(one, other)
        return True

    def _unite(self, one: Members, other: Members) -> None:
        one.extend(other)
        for position in other:
            self._of[position] = one

    def _rivals(
        self, joining: Members, preferred: Members, score: float
    ) -> Iterator[tuple[Members, Members, Members]]:
        """Give the clusters that ``joining`` fits about as well, and that cannot be one with ``preferred``."""
        seen = {id(joining), id(preferred)}
        for position in joining:
            for neighbour, mapping in self._near[position]:
                rival = self._of[neighbour]
                if id(rival) in seen or mapping.score < score - MARGIN:
                    continue
                seen.add(id(rival))
                if self._compatible(rival, joining) and not self._compatible(rival, preferred):
                    yield rival, preferred, joining

    def _crowded(self, one: Members, other: Members, mapping: Mapping) -> bool:
        """Tell whether both clusters have writers for most of the tables, and nothing but these speaks for one."""
        if mapping.said:
            return False
        first, second = (set().union(*(self._written[each] for each in members)) for members in (one, other))
        twice = sum(last in first and last in second for last, _, _ in mapping.pairs)
        return 2 * twice > len(mapping.pairs)

    def _compatible(self, some: Iterable[int], others: Members) -> bool:
        return not any(self._apart(one, other) for one in some for other in others)

    def _apart(self, one: int, other: int) -> bool:
        first, second = self._contexts[one], self._contexts[other]
        if apart(first, second):
            return True
        if same_server(first, second) is not Servers.DIFFERENT:
            return False
        # A mapping between two hosts was made only if they share the work as one database would.
        return (min(one, other), max(one, other)) not in self._mappings

    def _hints(self, cluster: Members, joining: Members) -> int:
        """Count what speaks for a cluster: contexts that name the same database, and a server of the network.

        A local file is open to the tools of one machine; a server to all.
        """
        databases = {self._contexts[position].database for position in joining} - {None}
        members = [self._contexts[position] for position in cluster]
        named = sum(bool({member.database, member.host_as_database} & databases) for member in members)
        return named + any(member.place.port is not None for member in members)
