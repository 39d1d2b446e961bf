"""Evidence that two names are one dataset, and what each piece of it weighs.

Weights are points that add up. A point is not a probability, but more points are a better reason:
``confidence`` turns the sum into a number between 0 and 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a piece of evidence is about."""

    NAMES = "names"
    CASE = "case"
    COLUMNS = "columns"
    ROLES = "roles"
    SOURCE = "source"
    DATABASE = "database"
    TECHNOLOGY = "technology"
    HOST = "host"
    MAPPING = "mapping"
    JOINED = "joined"
    AMBIGUOUS = "ambiguous"


INDEPENDENT = frozenset(
    {Kind.COLUMNS, Kind.ROLES, Kind.SOURCE, Kind.DATABASE, Kind.HOST, Kind.MAPPING, Kind.JOINED}
)
"""Kinds of which a suggestion needs two, besides the names being alike."""

ENOUGH = 1.2
"""Points that a suggestion needs: a confidence of 0.7."""

ALIKE = 0.7
"""Share of the columns of the smaller table that the other has too, from which they count as the same columns."""

UNLIKE = 0.3
"""Share under which two tables of ``TELLING`` columns or more are not the same."""

TELLING = 3


class Evidence(NamedTuple):
    """One reason, or with a negative weight a doubt."""

    kind: Kind
    words: str
    weight: float


@dataclass(slots=True)
class Facts:
    """What is known of a name besides the name."""

    columns: frozenset[str] = frozenset()
    """Letter case folded; those of the schema and those that column lineage reads."""
    writers: frozenset[int] = frozenset()
    """Jobs, by id: those that have written it under this name at any time, and those that have read it."""
    readers: frozenset[int] = frozenset()
    sources: frozenset[str] = frozenset()
    """URIs of its ``dataSource`` facet."""

    def __or__(self, other: Facts) -> Facts:
        return Facts(
            self.columns | other.columns,
            self.writers | other.writers,
            self.readers | other.readers,
            self.sources | other.sources,
        )


def confidence(points: float) -> float:
    """Give a number between 0 and 1 for a sum of weights."""
    return round(1 - math.exp(-max(points, 0.0)), 3)


def sufficient(evidence: list[Evidence]) -> bool:
    """Tell whether the evidence is enough, and of enough kinds, for a suggestion."""
    kinds = {piece.kind for piece in evidence if piece.weight > 0}
    return sum(piece.weight for piece in evidence) >= ENOUGH and len(kinds & INDEPENDENT) >= 2


def unlike(one: Facts, other: Facts) -> bool:
    """Tell whether it is known that these are two tables: by their columns, or as one job copies one to the other."""
    if one.writers & other.readers or one.readers & other.writers:
        return True
    smaller = min(len(one.columns), len(other.columns))
    return smaller >= TELLING and len(one.columns & other.columns) < UNLIKE * smaller


def of_columns(one: Facts, other: Facts) -> Evidence | None:
    """Weigh the columns: how many are shared, of the smaller table and of all."""
    shared = len(one.columns & other.columns)
    smaller = min(len(one.columns), len(other.columns))
    if shared < 2 or shared < ALIKE * smaller:
        return None
    jaccard = shared / len(one.columns | other.columns)
    words = f"{shared} columns are the same, of {len(one.columns)} and {len(other.columns)}"
    if shared == len(one.columns | other.columns):
        words = f"the same {shared} columns"
    return Evidence(Kind.COLUMNS, words, 0.3 + 0.5 * jaccard + 0.04 * min(shared, 8))


def contained(one: Facts, other: Facts) -> float | None:
    """Give the share of the columns of the smaller side that the other has too; None: that tells nothing.

    Who reads a table may know a part of its columns; who writes it, none that the reader does not find.
    """
    smaller, larger = sorted((one, other), key=lambda facts: len(facts.columns))
    if len(smaller.columns) < TELLING:
        return None
    shared = len(smaller.columns & larger.columns)
    if shared == len(smaller.columns) < len(larger.columns) and _divide(smaller, larger):
        return None
    return shared / len(smaller.columns)


def _divide(writer: Facts, reader: Facts) -> bool:
    return bool(writer.writers and not writer.readers and reader.readers and not reader.writers)


def of_roles(one: Facts, other: Facts) -> Evidence | None:
    """Weigh who writes and who reads: what one tool only writes, the other only reads."""
    for writer, reader, words in (
        (one, other, "only written by the first name, only read by the second"),
        (other, one, "only read by the first name, only written by the second"),
    ):
        if _divide(writer, reader):
            return Evidence(Kind.ROLES, words, 0.6)
    if one.writers and other.writers:
        return Evidence(Kind.ROLES, "written by both names", -0.3)
    return None


def of_sources(one: Facts, other: Facts) -> Evidence | None:
    """Weigh the ``dataSource`` facets."""
    shared = one.sources & other.sources
    return Evidence(Kind.SOURCE, f"the same data source {min(shared)}", 0.7) if shared else None
