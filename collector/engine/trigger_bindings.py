"""Which datasets the inputs of triggers are about: keeps the table in step with rules and catalog."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, select

from collector.engine.bindings import DATASET, GRAPH, GRAPH_PAUSE
from collector.storage.facts import What
from collector.storage.node_facts import canonical
from collector.storage.selection import Selection
from collector.storage.tables import trigger_binding
from collector.storage.upsert import among, delete_rows, names, write_rows
from triggers.conditions import Trigger

SEPARATOR: Final = "\n"
"""Between a trigger and its input, where both are one id."""


class Binding(NamedTuple):
    """An input of a trigger, and a dataset (canonical id) that it is about."""

    trigger_id: str
    input_id: str
    dataset_id: int


class TriggerBindings:
    """For the one engine that is active. Call ``refresh`` first, and after a failure."""

    def __init__(self) -> None:
        self._selection = Selection({})
        self._graph_changed = False
        self._graph_seen = 0

    def refresh(self, conn: Connection, triggers: Mapping[str, Trigger], now: int) -> None:
        """Follow new rules, in a writing transaction; ``now`` in µs UTC."""
        self._selection = Selection(
            {
                f"{trigger.id}{SEPARATOR}{wanted.id}": wanted.selector
                for trigger in triggers.values()
                for wanted in trigger.when.inputs()
            }
        )
        self._graph_changed, self._graph_seen = False, now
        _settle(conn, _stored(conn), _bindings(self._selection.members(conn)))

    def follow(self, conn: Connection, subjects: Mapping[int, What], now: int) -> bool:
        """Follow the catalog, in a writing transaction; ``subjects`` are the names and jobs that have changed.

        What asks the graph is asked at most every ``GRAPH_PAUSE``; True: come again, whether anything happens or not.
        """
        if self._selection.in_graph and any(what & GRAPH for what in subjects.values()):
            self._graph_changed = True
        ids = {id_ for id_, what in subjects.items() if what & DATASET}
        if ids:
            self._follow_datasets(conn, ids)
        if not self._graph_changed:
            return False
        if now - self._graph_seen < GRAPH_PAUSE:
            return True
        self._graph_changed, self._graph_seen = False, now
        wanted = _bindings(self._selection.members_in_graph(conn))
        asking = {tuple(each.split(SEPARATOR)) for each in self._selection.in_graph}
        stored = {each for each in _stored(conn) if each[:2] in asking}
        _settle(conn, stored, wanted)
        return False

    def coming(self, conn: Connection, subjects: Mapping[int, What]) -> dict[int, set[Binding]]:
        """Give what ``follow`` is about to bind, by the ids of names: what was updated may be new as well."""
        ids = {id_ for id_, what in subjects.items() if what & DATASET and what & What.UPDATE}
        if not ids:
            return {}
        known = canonical(conn, ids)
        meant = self._selection.among_these(conn, ids)
        return {
            name_id: {_binding(each, known[name_id]) for each in meant.get(known[name_id], ())}
            for name_id in ids & known.keys()
        }

    def _follow_datasets(self, conn: Connection, ids: set[int]) -> None:
        """Bind datasets of which a name, or what else selectors look at, has changed."""
        known = canonical(conn, ids)
        meant = self._selection.among_these(conn, ids)
        wanted = {_binding(each, id_) for id_, found in meant.items() for each in found}
        stored = _stored(conn, ids | set(known.values()))
        # What asks the graph is left as it is, but goes along with its dataset.
        for each in stored:
            if f"{each.trigger_id}{SEPARATOR}{each.input_id}" in self._selection.in_graph:
                wanted.add(each._replace(dataset_id=known.get(each.dataset_id, each.dataset_id)))
        _settle(conn, stored, wanted)


def _settle(conn: Connection, stored: set[Binding], wanted: set[Binding]) -> None:
    delete_rows(conn, trigger_binding, sorted(stored - wanted))
    write_rows(conn, trigger_binding, names(trigger_binding), sorted(wanted - stored))


def _stored(conn: Connection, at: Collection[int] | None = None) -> set[Binding]:
    found = select(trigger_binding)
    if at is not None:
        found = found.where(among(conn, trigger_binding.c.dataset_id, at))
    return {Binding(*row) for row in conn.execute(found)}


def _bindings(members: Mapping[str, Collection[int]]) -> set[Binding]:
    return {_binding(each, id_) for each, ids in members.items() for id_ in ids}


def _binding(both: str, dataset_id: int) -> Binding:
    trigger_id, input_id = both.split(SEPARATOR)
    return Binding(trigger_id, input_id, dataset_id)


def forget(conn: Connection, trigger_ids: Collection[str]) -> None:
    """Forget what triggers that are no more were about."""
    conn.execute(delete(trigger_binding).where(trigger_binding.c.trigger_id.in_(list(trigger_ids))))
