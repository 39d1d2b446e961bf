"""Mappings: two contexts taken for one database, with all that speaks for it and against it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from lineage.stitch.contexts import Context, Entry, Last, same_server
from lineage.stitch.evidence import Evidence, Kind, contained, of_columns, of_roles, of_sources, unlike
from lineage.stitch.names import Servers

Dismissed = AbstractSet[frozenset[int]]
"""Pairs of sets of which somebody has said that they are two datasets."""

LEAST_ROLES = 3
"""Tables that one side only writes and the other only reads, from which two servers may be one with two names."""

SEVERAL = 4
LEAST_FIT = 0.8
MIDDLING_FIT = 0.85
"""Shares of the known columns that agree, over all tables. What two databases have under one name agrees in part; over
several tables, less than ``LEAST_FIT`` is not one database, and less than ``MIDDLING_FIT`` a doubt."""


class Prefixes(NamedTuple):
    """The beginnings by which the names of two contexts differ."""

    one: str
    other: str


@dataclass(slots=True, eq=False)
class Mapping:
    """What comes of taking ``one`` and ``other`` for the same database."""

    one: Context
    other: Context
    pairs: list[tuple[Last, Entry, Entry]]
    """The tables that both name and that are not one dataset yet."""
    joined: int
    """The tables that are."""
    broken: bool
    """Some tables of the same name are known not to be the same, so the mapping does not hold for all."""
    prefixes: Prefixes
    evidence: list[Evidence]
    score: float

    @property
    def settled(self) -> bool:
        """Whether most of the tables are one dataset already."""
        return self.joined > 0 and self.joined >= len(self.pairs)

    @property
    def said(self) -> bool:
        """Whether something says that it is one database, other than that the tables are alike."""
        kinds = {piece.kind for piece in self.evidence if piece.weight > 0}
        return bool(kinds & {Kind.DATABASE, Kind.HOST, Kind.JOINED})


def evaluate(one: Context, other: Context, dismissed: Dismissed) -> Mapping | None:
    """Weigh a mapping; None if what is known speaks against it."""
    shared = [last for last in one.entries if last in other.entries]
    pairs: list[tuple[Last, Entry, Entry]] = []
    joined = refused = 0
    reasons = []
    for last in shared:
        for first in one.entries[last]:
            for second in other.entries[last]:
                if first.set_id == second.set_id:
                    joined += 1
                elif frozenset((first.set_id, second.set_id)) in dismissed or unlike(
                    first.facts, second.facts
                ):
                    refused += 1
                else:
                    pairs.append((last, first, second))
                    reasons.append(of_pair(first, second))
    agreeing = joined + len(pairs)
    if refused >= agreeing:
        return None
    evidence = _of_places(one, other)
    fits = [fit for _, first, second in pairs if (fit := contained(first.facts, second.facts)) is not None]
    if len(fits) > 1:
        share = sum(fits) / len(fits)
        if len(fits) >= SEVERAL and share < LEAST_FIT:
            return None
        words = f"in {len(fits)} tables one name has {share:.0%} of the columns of the other"
        weight = 0.4 * math.log2(len(fits)) * max(-1.0, (share - MIDDLING_FIT) / (1 - MIDDLING_FIT))
        evidence.append(Evidence(Kind.COLUMNS, words, weight))
    if same_server(one, other) is Servers.DIFFERENT and not joined:
        # Development and production look just like this, so the two must divide the work between them.
        roles = [piece.weight for found in reasons for piece in found if piece.kind is Kind.ROLES]
        if len(roles) < max(LEAST_ROLES, 0.6 * len(pairs)) or min(roles) < 0:
            return None
        evidence.append(Evidence(Kind.HOST, "the hosts differ", -0.5))
    schemas, others = one.first_names, other.first_names
    both = schemas.keys() & others.keys()
    here, there = sum(schemas[name] for name in both), sum(others[name] for name in both)
    if agreeing > 1:
        coverage = (agreeing / min(here, there) + agreeing / max(here, there)) / 2
        words = f"{agreeing} tables match under this mapping, of {here} and {there} in the same schemas"
        evidence.append(Evidence(Kind.MAPPING, words, 0.35 * math.log2(1 + agreeing) * min(coverage, 1.0)))
    if joined:
        words = f"already one dataset: {joined} of them"
        evidence.append(Evidence(Kind.JOINED, words, min(1.0, 0.5 * joined)))
    if refused:
        words = f"tables of the same name that are not the same: {refused}"
        evidence.append(Evidence(Kind.MAPPING, words, -refused / agreeing))
    own = sum(piece.weight for found in reasons for piece in found) / max(len(reasons), 1)
    score = own + sum(piece.weight for piece in evidence)
    return Mapping(one, other, pairs, joined, bool(refused), _prefixes(pairs), evidence, score)


def of_pair(first: Entry, second: Entry) -> list[Evidence]:
    """Weigh what is known of two datasets, but for what their names tell."""
    found = (rule(first.facts, second.facts) for rule in (of_columns, of_roles, of_sources))
    return [piece for piece in found if piece is not None]


def of_names(last: Last, one: Context, other: Context) -> Evidence:
    """Weigh the names: they share their last two parts, or the database before them too."""
    said = ".".join(part for part in last if part)
    if one.database is not None and one.database == other.database:
        return Evidence(Kind.NAMES, f"both are {one.database}.{said}", 0.7)
    return Evidence(Kind.NAMES, f"both end in {said}", 0.4)


def _of_places(one: Context, other: Context) -> list[Evidence]:
    found = []
    for this, that in ((one, other), (other, one)):
        if this.host_as_database is not None and this.host_as_database == that.database:
            words = f"{this.namespace} has the name of the database {that.database}"
            found.append(Evidence(Kind.DATABASE, words, 0.5))
            break
    if one.place.technology is not None and one.place.technology == other.place.technology:
        found.append(Evidence(Kind.TECHNOLOGY, f"both are {one.place.technology}", 0.3))
    match same_server(one, other):
        case Servers.SAME:
            found.append(Evidence(Kind.HOST, f"both are on {one.place.host}", 0.8))
        case Servers.LOOPBACK:
            words = f"{one.place.host} and {other.place.host} are the machine itself"
            found.append(Evidence(Kind.HOST, words, 1.2))
        case Servers.SHORT:
            words = f"{one.place.host} and {other.place.host} may be one host"
            found.append(Evidence(Kind.HOST, words, 0.8))
    return found


def difference(first: Entry, second: Entry) -> Prefixes | None:
    """Give the beginnings by which two names differ before the parts that they share; None: these differ too."""
    width = min(2, *(len(_pieces(entry.name)[1]) for entry in (first, second)))
    ends = []
    for entry in (first, second):
        separator, pieces = _pieces(entry.name)
        ends.append(separator.join(pieces[-width:]))
    if ends[0] != ends[1]:
        return None
    return Prefixes(*(entry.name[: len(entry.name) - len(ends[0])] for entry in (first, second)))


def _pieces(name: str) -> tuple[str, list[str]]:
    separator = "/" if "/" in name else "."
    return separator, name.split(separator)


def _prefixes(pairs: list[tuple[Last, Entry, Entry]]) -> Prefixes:
    counted = Counter(filter(None, (difference(first, second) for _, first, second in pairs)))
    return max(counted, key=lambda found: (counted[found], found), default=Prefixes("", ""))
