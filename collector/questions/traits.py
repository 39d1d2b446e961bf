"""What the board can be narrowed by, and how much each choice would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import Connection

from collector.storage import labels
from collector.storage.visibility import Visible
from lineage.model import DatasetRef
from triggers.verdict import State

MOST_COUNTED: Final = 5_000
"""Standings that are counted by everything that is known of their datasets; of more it would take too long."""

MOST_VALUES: Final = 50
"""Values of a trait that are given, the most frequent."""


class Trait(StrEnum):
    """What standings can be picked out by."""

    STATE = "state"
    OWNER = "owner"
    TOOL = "tool"
    TAG = "tag"
    NAMESPACE = "namespace"
    EXPECTATION = "expectation"


class Value(NamedTuple):
    """A value of a trait, how many standings have it, and how many of them are violated."""

    value: str
    total: int
    violated: int


def values_of(
    conn: Connection,
    visible: Visible,
    standings: Sequence[tuple[str, int, State]],
    unnamed: Mapping[int, DatasetRef],
    chosen: Mapping[Trait, Collection[str]],
) -> dict[Trait, list[Value]]:
    """Count (expectation, dataset, state) by the values of each trait, the most frequent first.

    Of a trait only those count that have what is ``chosen`` of all others: so a count is what one would get instead.
    ``unnamed`` are the datasets that only rules have named.
    """
    ids = {dataset_id for _, dataset_id, _ in standings}
    names = labels.names(conn, ids, visible=visible)
    known: dict[Trait, Mapping[int, Iterable[str]]] = {
        Trait.OWNER: labels.owners(conn, ids, visible=visible),
        Trait.TOOL: labels.tools(conn, ids, visible=visible),
        Trait.TAG: labels.tags(conn, ids, visible=visible),
        Trait.NAMESPACE: {id_: [ref.namespace] for id_, ref in unnamed.items()}
        | {id_: {namespace for namespace, _ in found} for id_, found in names.items()},
    }
    totals: dict[Trait, Counter[str]] = {trait: Counter() for trait in Trait}
    violated: dict[Trait, Counter[str]] = {trait: Counter() for trait in Trait}
    for expectation, dataset_id, state in standings:
        mine = {trait: set(values.get(dataset_id, ())) for trait, values in known.items()}
        mine |= {Trait.STATE: {state.value}, Trait.EXPECTATION: {expectation}}
        failing = {trait for trait, wanted in chosen.items() if mine[trait].isdisjoint(wanted)}
        for trait, values in mine.items():
            if not failing - {trait}:
                totals[trait].update(values)
                violated[trait].update(values if state.violated else ())
    return {
        trait: [
            Value(value, total, violated[trait][value])
            for value, total in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
        ]
        for trait, counted in totals.items()
    }
