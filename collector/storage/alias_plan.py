"""What alias rules would change: which datasets would become one, and which would part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from collector.storage.aliases import Body
from collector.storage.identity import Details, changes_by_rules, rejoin, sets_with
from lineage.identity import Pair, Rules, rule_of
from lineage.model import DatasetRef

MOST_CHANGES = 100
MOST_OTHERS = 20


@dataclass(frozen=True, slots=True)
class Matched:
    """A rule, and the number of stored names that it makes another of."""

    rule: str
    names: int


@dataclass(frozen=True, slots=True)
class SetChange:
    """Datasets that become one, or one that becomes several, of which ``others`` are some and ``count`` all."""

    dataset: DatasetRef
    others: list[DatasetRef]
    count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What rules would change: at most ``MOST_CHANGES`` of each kind, and how many there are."""

    matched: list[Matched]
    merges: list[SetChange]
    merge_count: int
    splits: list[SetChange]
    split_count: int


def plan(conn: Connection, bodies: Sequence[Body]) -> Plan:
    """Tell what these rules, put in place of those there are, would change. Reads all names of datasets once."""
    found = [rule_of(body) for body in bodies]
    rules = Rules(found)
    put: Details = {}
    gone: list[Pair] = []
    matched: Counter[str] = Counter()
    last = -1
    while changes := changes_by_rules(conn, rules, last):
        put |= changes.put
        gone += changes.gone
        matched.update(filter(None, changes.wanted.values()))
        last = changes.last
    touched = {id_ for pair in (*put, *gone) for id_ in pair[:2]}
    joined = rejoin(conn, sets_with(conn, touched), {}, put, gone)
    merged: dict[int, set[int]] = {}
    parted: dict[int, set[int]] = {}
    for id_, old in joined.before.items():
        new = joined.canonical[id_]
        merged.setdefault(new, set()).add(old)
        parted.setdefault(old, set()).add(new)
    merges, splits = _changes(merged, joined.names), _changes(parted, joined.names)
    return Plan(
        [Matched(str(rule), matched[str(rule)]) for rule in found],
        merges[:MOST_CHANGES],
        len(merges),
        splits[:MOST_CHANGES],
        len(splits),
    )


def _changes(found: dict[int, set[int]], names: dict[int, DatasetRef]) -> list[SetChange]:
    changes = (
        SetChange(names[one], sorted(names[id_] for id_ in several)[:MOST_OTHERS], len(several))
        for one, several in found.items()
        if len(several) > 1
    )
    return sorted(changes, key=lambda change: change.dataset)
