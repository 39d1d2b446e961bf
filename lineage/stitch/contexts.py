"""Contexts: names of one namespace with one beginning, such as all of ``shop.`` in ``postgres://db:5432``.

One tool writes all tables of one database in one way. So the question is not only whether two names are one dataset,
but whether two contexts are one database; then all of their names go together, by one rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from lineage.model import DatasetRef
from lineage.naming import normal
from lineage.stitch.evidence import Facts
from lineage.stitch.names import Parts, Place, Servers, parts, place, servers

Last = tuple[str, ...]
"""The last two parts of a name: what the names of one dataset must share."""

MOST_CONTEXTS = 40
"""Contexts compared for one pair of last parts. A name that more of them have (``public.users`` of every tenant) tells
nothing; it is compared then within the database of one name only."""


class Candidate(NamedTuple):
    """One name of a dataset. Names with the same ``set_id`` are one dataset already."""

    ref: DatasetRef
    set_id: int
    facts: Facts = Facts()


@dataclass(slots=True)
class Entry:
    """One dataset as a context names it: as stored, in the normal form, and what is known under these names."""

    ref: DatasetRef
    name: str
    set_id: int
    facts: Facts


@dataclass(slots=True, eq=False)
class Context:
    """The names of one namespace that begin alike; ``width`` is how many parts follow the beginning, at most two."""

    namespace: str
    place: Place
    lead: str
    width: int
    entries: dict[Last, list[Entry]] = field(default_factory=dict)
    """More than one where names differ in letter case only."""

    @property
    def database(self) -> str | None:
        """The part before the last two, letter case aside; None: the name does not say."""
        if self.lead:
            return self.lead[:-1].rpartition("." if self.lead[-1] == "." else "/")[2].casefold()
        return self.place.database if self.place.database != self.place.host else None

    @property
    def host_as_database(self) -> str | None:
        """The host, where it may be the name of the database."""
        return self.place.database if self.place.database == self.place.host else None

    @property
    def standing(self) -> tuple[bool, bool, bool, bool, int, bool, str, str]:
        """Order: first those that say the most of where they are, then those with the most tables."""
        where = self.place
        numeric = (where.host or "").replace(".", "").isdecimal()
        said = (
            where.host is None,
            self.width < 2,
            self.host_as_database is not None,
            where.technology is None,
        )
        return (*said, -len(self.entries), numeric, self.namespace, self.lead)

    @property
    def first_names(self) -> Counter[str]:
        """How many tables are in each schema."""
        return Counter(last[0] for last in self.entries)


def read_name(ref: DatasetRef) -> tuple[DatasetRef, Place, Parts, Last] | None:
    """Cut a name; None: it is of one part and its namespace does not say where that is, so that it tells nothing.

    The API resource ``orders`` of a pipeline is such a name.
    """
    spelled, _ = normal(ref)
    where, cut = place(spelled.namespace), parts(spelled.name)
    if len(cut.last) > 1:
        return spelled, where, cut, cut.last
    if where.host is None:
        return None
    return spelled, where, cut, (where.database or "", *cut.last)


class Promising(NamedTuple):
    """Positions of names: those that are worth comparing, and those that would be but are too many."""

    compared: list[int]
    left_out: list[int]


def promising(names: Iterable[tuple[DatasetRef, int]], most: int) -> Promising:
    """Tell, of names with the ids of their sets, which are like the name of another set: the rarest first.

    Near-linear, and needs no facts: it tells whose facts are worth reading.
    """
    groups: defaultdict[Last, list[tuple[int, int]]] = defaultdict(list)
    for position, (ref, set_id) in enumerate(names):
        if (read := read_name(ref)) is not None:
            groups[read[3]].append((position, set_id))
    kept = [group for group in groups.values() if len({set_id for _, set_id in group}) > 1]
    # What few share tells most.
    kept.sort(key=len)
    positions = [position for group in kept for position, _ in group]
    return Promising(positions[:most], positions[most:])


def contexts_of(candidates: Iterable[Candidate]) -> list[Context]:
    """Sort names into contexts."""
    found: dict[tuple[str, str, int], Context] = {}
    for candidate in candidates:
        read = read_name(candidate.ref)
        if read is None:
            continue
        spelled, where, cut, last = read
        key = (spelled.namespace, cut.key, len(cut.last))
        context = found.get(key)
        if context is None:
            context = found[key] = Context(spelled.namespace, where, cut.lead, len(cut.last))
        context.lead = min(context.lead, cut.lead)
        entries = context.entries.setdefault(last, [])
        for entry in entries:
            if entry.set_id == candidate.set_id:
                entry.facts |= candidate.facts
                spellings = (entry.ref, entry.name), (candidate.ref, spelled.name)
                entry.ref, entry.name = min(spellings, key=lambda one: (one[0].name != one[1], one))
                break
        else:
            entries.append(Entry(candidate.ref, spelled.name, candidate.set_id, candidate.facts))
    return [context for _, context in sorted(found.items(), key=lambda item: item[0])]


def alike(contexts: list[Context]) -> Iterator[tuple[int, int]]:
    """Give the pairs of contexts (positions, the smaller first) that share a name and may be one database."""
    groups: defaultdict[Last, list[int]] = defaultdict(list)
    for position, context in enumerate(contexts):
        for last in context.entries:
            groups[last].append(position)
    seen: set[tuple[int, int]] = set()
    for group in groups.values():
        for pair in _pairs(contexts, group):
            if pair not in seen:
                seen.add(pair)
                if not apart(contexts[pair[0]], contexts[pair[1]]):
                    yield pair


def _pairs(contexts: list[Context], group: list[int]) -> Iterator[tuple[int, int]]:
    if len(group) <= MOST_CONTEXTS:
        yield from combinations(group, 2)
        return
    by_database: defaultdict[str, list[int]] = defaultdict(list)
    for position in group:
        if (database := contexts[position].database) is not None:
            by_database[database].append(position)
    for few in by_database.values():
        if len(few) <= MOST_CONTEXTS:
            yield from combinations(few, 2)


def apart(one: Context, other: Context) -> bool:
    """Tell whether two contexts cannot be one database: it is said that they are not.

    Two servers are not among the reasons, as a server may have several names.
    """
    if one.namespace == other.namespace:
        return True
    technologies = {one.place.technology, other.place.technology} - {None}
    databases = {one.database, other.database} - {None}
    return len(technologies) > 1 or len(databases) > 1 or same_server(one, other) is Servers.OTHER


def same_server(one: Context, other: Context) -> Servers:
    """Compare the servers; a host that has the name of the other's database is none."""
    for this, that in ((one, other), (other, one)):
        if this.host_as_database is not None and this.host_as_database == that.database:
            return Servers.UNTOLD
    return servers(one.place, other.place)
