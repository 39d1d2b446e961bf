"""Triggers, what has come for them and what they fired, as the engine would have written it, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert

from collector.storage import firings, joins, outbox, tables
from collector.storage.firings import Doing, Progress
from collector.storage.joins import Kept, Row, Whole
from lineage.model import DatasetRef
from tests.catalog import HOUR, NOON
from tests.unit.triggers.joining import World
from triggers.arrivals import Arrived
from triggers.firings import Cause, Consumed, Firing, fire_key, manual_key
from triggers.joins import State, advance
from triggers.trigger_documents import trigger_of

TODAY = "2026-11-22"
RUN_ID = "0190c1a4-7d2f-7cc2-9f00-0000000000aa"

PARTITIONS: dict[str, Any] = {"mode": "partition", "key": {"from": ["output_subset"], "grain": "day"}}


def waits_for(*names: str, **more: Any) -> dict[str, Any]:
    """Give the body of a trigger that waits for datasets of the namespace ``shop`` on the same day."""
    inputs = [{"id": name, "dataset": {"namespace": "shop", "name": name}} for name in names]
    body = {"timezone": "UTC", "when": {"all": inputs}, "join": PARTITIONS}
    return body | {"do": [{"id": "run", "start": "prefect", "deployment": "finance/nightly"}]} | more


class Triggered:
    """Writes rows as the engine would; datasets are of the namespace ``shop`` unless told otherwise."""

    def __init__(self, conn: Connection, world: World | None = None) -> None:
        self.conn = conn
        self.world = world or World()

    def trigger(self, id_: str, body: dict[str, Any], **state: Any) -> None:
        """Write a trigger, bind what its inputs name in full, and follow it since yesterday."""
        row = {"kind": "trigger", "id": id_, "position": 0, "changed_at": NOON}
        self._add(tables.rule, row | {"body": json.dumps({"id": id_, **body})})
        for each in trigger_of({"id": id_, **body}).inputs.values():
            self.bind(id_, each.id, each.selector.name or "", each.selector.namespace or "shop")
        joins.write_wholes(self.conn, [Whole(id_, NOON - 24 * HOUR, "", **state)])

    def bind(self, id_: str, input_id: str, name: str, namespace: str = "shop") -> None:
        """Write that an input waits for a dataset."""
        row = {"trigger_id": id_, "input_id": input_id, "dataset_id": DatasetRef(namespace, name).id}
        self._add(tables.trigger_binding, row)

    def joined(
        self, id_: str, body: dict[str, Any], come: Iterable[Arrived], key: str = TODAY, until: int = NOON
    ) -> None:
        """Write a join for which this has come."""
        trigger = trigger_of({"id": id_, **body})
        found = advance(trigger, key, State(), come, until, self.world)
        row = Row(id_, key, found.standing, Kept(found.state), found.tree(), found.wake, None)
        joins.write(self.conn, [row], until)

    def fired(
        self,
        id_: str,
        come: Iterable[Arrived],
        key: str = TODAY,
        at: int = NOON,
        state: Progress = Progress.COMPLETED,
        *actions: Doing,
        error: str | None = None,
        **values: Any,
    ) -> str:
        """Write a firing, with what it does; give its id."""
        by_input: dict[str, list[Arrived]] = {}
        for each in come:
            by_input.setdefault(each.input, []).append(each)
        consumed = tuple(Consumed(name, tuple(updates)) for name, updates in by_input.items())
        known: dict[str, Any] = {"cause": Cause.DATA, "tree": {"at_least": 1, "met": True, "of": []}}
        made = Firing(id_, key, fire_key(id_, key, at), at, consumed, **known | values)
        firings.insert(self.conn, [(made, state, None)], at)
        if error is not None:
            mine = tables.firing.c.id == made.id
            self.conn.execute(tables.firing.update().where(mine).values(error=error))
        firings.write_actions(self.conn, [replace(each, firing_id=made.id) for each in actions])
        for doing in actions:
            outbox.put(self.conn, doing.target_id, "action", doing.outbox_key, json.loads(doing.body), at)
        return made.id

    def fired_by_hand(self, id_: str, key: str, nonce: str, by: str) -> None:
        """Write a firing that somebody asked for."""
        made = Firing(id_, key, manual_key(id_, key, nonce), NOON, (), Cause.MANUAL, by=by)
        firings.insert(self.conn, [(made, Progress.COMPLETED, None)], NOON)

    def _add(self, table: Any, row: dict[str, Any]) -> None:
        self.conn.execute(insert(table), [row])


def came(name: str, at: int = NOON - HOUR, namespace: str = "shop", **values: Any) -> Arrived:
    """Give an update of today's partition that a run of ``load`` made."""
    id_ = DatasetRef(namespace, name).id
    made = Arrived(name, f"{id_}-{at}", at, id_, namespace, name, RUN_ID, "shop", "load", at)
    told: dict[str, Any] = {"rows": 1200, "partition": TODAY, "parts": (TODAY,)}
    return made._replace(**told | values)


def does(action: str = "run", state: Progress = Progress.COMPLETED, **values: Any) -> Doing:
    """Give an action of a firing."""
    known: dict[str, Any] = {"target_id": "prefect", "starts": True, "body": '{"action": {"id": "run"}}'}
    known |= {"outbox_key": f"key-of-{action}", "position": 0}
    return Doing(firing_id="", action_id=action, state=state.value, **known | values)
