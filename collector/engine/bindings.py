"""Which datasets each expectation is on: keeps the rows of ``expectation_state`` in step with rules and catalog."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, Dialect, bindparam, select

from collector.storage.described import described
from collector.storage.facts import What
from collector.storage.node_facts import canonical
from collector.storage.prepared import Prepared
from collector.storage.selection import Selection
from collector.storage.selects import chunks
from collector.storage.tables import expectation_state, hidden
from collector.storage.upsert import MANY, among, among_parameter, delete_rows, many, update_rows, write_rows
from triggers.breaches import Described
from triggers.rules import RuleSet
from triggers.verdict import Reason, State

GRAPH_PAUSE = 5_000_000
"""µs between two looks at what lies upstream and downstream of nodes."""

AT_ONCE = 0
"""When what is new, or has changed, is to be looked at: whatever the engine's clock says."""

Binding = tuple[str, int]
"""An expectation, and a dataset (canonical id) that it is on."""


DATASET: Final = What.NAME | What.FACET
GRAPH: Final = What.NAME | What.FACET | What.EDGE


@dataclass(frozen=True, slots=True)
class Rebound:
    """What has changed: bindings that are new, that are gone, and that are those of another dataset now."""

    added: frozenset[Binding] = frozenset()
    removed: frozenset[Binding] = frozenset()
    moved: Mapping[Binding, int] = field(default_factory=dict)
    """What was bound before, and the canonical id that the dataset has now; not among the others."""
    put_off: bool = False
    """There is more to do: come again after ``GRAPH_PAUSE``, whether anything happens or not."""

    def union(self, other: Rebound) -> Rebound:
        """Give what has changed by both."""
        return Rebound(
            self.added | other.added,
            self.removed | other.removed,
            {**self.moved, **other.moved},
            self.put_off or other.put_off,
        )


class Bindings:
    """Keeps bindings for the one engine that is active. Call ``refresh`` first, and after a failure."""

    def __init__(self) -> None:
        self._rules = RuleSet()
        self._selection = Selection({})
        self._graph_changed = False
        self._graph_seen = 0

    def refresh(self, conn: Connection, rules: RuleSet, now: int, changed: Collection[str] | None) -> Rebound:
        """Follow new rules, in a writing transaction; ``now`` in µs UTC.

        ``changed`` are the expectations that are not what they were (None: all may be): what they are on is looked at
        now. What is unchanged keeps how it stands.
        """
        self._follow_rules(rules)
        self._graph_changed, self._graph_seen = False, now
        wanted = _bindings(self._selection.members(conn))
        stored = _stored(conn)
        again = {each for each in stored & wanted if changed is None or each[0] in changed}
        update_rows(conn, expectation_state, ("next_look_at",), [(*each, AT_ONCE) for each in sorted(again)])
        return _settle(conn, stored, wanted, now)

    def follow(self, conn: Connection, rules: RuleSet, subjects: Mapping[int, What], now: int) -> Rebound:
        """Follow the catalog, in a writing transaction; ``subjects`` are the names and jobs that have changed.

        What asks the graph is asked at most every ``GRAPH_PAUSE``.
        """
        self._follow_rules(rules)
        if self._selection.in_graph and any(what & GRAPH for what in subjects.values()):
            self._graph_changed = True
        ids = {id_ for id_, what in subjects.items() if what & DATASET}
        ids |= _hidden(conn, {id_ for id_, what in subjects.items() if what & What.UPDATE})
        found = self._follow_datasets(conn, ids, now) if ids else Rebound()
        if not self._graph_changed:
            return found
        if now - self._graph_seen < GRAPH_PAUSE:
            return replace(found, put_off=True)
        self._graph_changed, self._graph_seen = False, now
        wanted = _bindings(self._selection.members_in_graph(conn))
        return found.union(_settle(conn, _stored(conn, of=self._selection.in_graph), wanted, now))

    def describe(self, conn: Connection, dataset_ids: Collection[int]) -> dict[int, Described]:
        """Tell how alerts name datasets (canonical ids), of those that are known."""
        return described(conn, dataset_ids)

    def _follow_rules(self, rules: RuleSet) -> None:
        if rules is not self._rules:
            self._rules = rules
            self._selection = Selection({id_: each.selector for id_, each in rules.expectations.items()})

    def _follow_datasets(self, conn: Connection, ids: set[int], now: int) -> Rebound:
        """Bind datasets of which a name, or what else selectors look at, has changed.

        Where names were joined or parted, the one that stood for them before is among ``ids``.
        """
        known = canonical(conn, ids)
        touched = ids | set(known.values())
        meant = self._selection.among_these(conn, ids)
        wanted = {(expectation, id_) for id_, expectations in meant.items() for expectation in expectations}
        stored = _stored(conn, at=touched)
        # What asks the graph is left as it is, but goes along with its dataset.
        for expectation, id_ in stored:
            if expectation in self._selection.in_graph:
                wanted.add((expectation, known.get(id_, id_)))
        return _settle(conn, stored, wanted, now, known)


def _settle(
    conn: Connection,
    stored: set[Binding],
    wanted: set[Binding],
    now: int,
    canonical_ids: Mapping[int, int] | None = None,
) -> Rebound:
    """Make the bindings that are stored those that are wanted."""
    added, removed = wanted - stored, stored - wanted
    if canonical_ids is None and removed:
        canonical_ids = canonical(conn, {id_ for _, id_ in removed})
    moved: dict[Binding, int] = {}
    for expectation, id_ in sorted(removed):
        target = expectation, (canonical_ids or {}).get(id_, id_)
        if target in added:
            moved[expectation, id_] = target[1]
            added.remove(target)
    removed -= moved.keys()
    delete_rows(conn, expectation_state, sorted(removed))
    for (expectation, id_), target_id in moved.items():
        row = (expectation_state.c.expectation_id == expectation) & (expectation_state.c.dataset_id == id_)
        conn.execute(expectation_state.update().where(row).values(dataset_id=target_id, next_look_at=AT_ONCE))
    write_rows(conn, expectation_state, _NEW, [(*each, *_UNKNOWN, AT_ONCE, now) for each in sorted(added)])
    return Rebound(frozenset(added), frozenset(removed), moved)


def _stored(
    conn: Connection, *, at: Collection[int] | None = None, of: Collection[str] | None = None
) -> set[Binding]:
    """Give the bindings there are: all, those of some datasets, or those of some expectations."""
    wanted = select(expectation_state.c.expectation_id, expectation_state.c.dataset_id)
    if at is not None:
        wanted = wanted.where(among(conn, expectation_state.c.dataset_id, at))
    pieces = [wanted]
    if of is not None:
        pieces = [wanted.where(expectation_state.c.expectation_id.in_(part)) for part in chunks(sorted(of))]
    return {(row.expectation_id, row.dataset_id) for piece in pieces for row in conn.execute(piece)}


def _hidden(conn: Connection, ids: Collection[int]) -> set[int]:
    """Give those that were hidden: an update may have shown them again."""
    if not ids:
        return set()
    return set(_were_hidden(conn.dialect).run(conn, {"ids": many(conn, ids)}).scalars())


@lru_cache
def _were_hidden(dialect: Dialect) -> Prepared:
    # Asked with every update of anything.
    asked = among_parameter(dialect, hidden.c.owner_id, bindparam("ids", type_=MANY))
    return Prepared(select(hidden.c.owner_id).where(asked), dialect)


def _bindings(members: Mapping[str, Collection[int]]) -> set[Binding]:
    return {(expectation, id_) for expectation, ids in members.items() for id_ in ids}


_NEW: Final = ("expectation_id", "dataset_id", "state", "reason", "next_look_at", "changed_at")
_UNKNOWN: Final = (State.UNKNOWN.value, json.dumps(Reason("never").data(), separators=(",", ":")))
