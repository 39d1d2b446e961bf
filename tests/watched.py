"""What the engine would have written, row by row, for tests of what reads it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, insert, select

from collector.storage import tables
from lineage.model import DatasetRef, JobRef
from tests.catalog import HOUR, NOON

WAREHOUSE = "shop"
AT_SEVEN = {"due": {"at": "07:00"}}
SEVEN = NOON - 5 * HOUR
DEADLINE = {"release": SEVEN, "deadline": SEVEN}
LATE = {"code": "overdue", "values": DEADLINE | {"last": SEVEN - 24 * HOUR}}
ARRIVED = {"code": "arrived", "values": DEADLINE | {"at": SEVEN - HOUR}}


class Watched:
    """Writes rows as the engine would; names are of the namespace ``shop`` unless told otherwise."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    def expect(self, id_: str, name: str = "*", namespace: str = WAREHOUSE, **body: Any) -> None:
        """Write an expectation; what is not said of it is that data are due at seven."""
        known = {"id": id_, "timezone": "UTC", "dataset": {"namespace": namespace, "name": name}}
        self.rule("expectation", id_, known | (body or AT_SEVEN))

    def rule(self, kind: str, id_: str, body: dict[str, Any]) -> None:
        """Write a rule of any kind."""
        row = {"kind": kind, "id": id_, "position": 0, "body": json.dumps(body), "changed_at": NOON}
        self._add(tables.rule, row)

    def stands(
        self,
        expectation: str,
        name: str,
        state: str = "late",
        reason: dict[str, Any] | None = None,
        namespace: str = WAREHOUSE,
        **values: Any,
    ) -> int:
        """Write how a dataset stands; give its id."""
        told: dict[str, Any] = reason or (LATE if state in ("late", "missed", "failed") else ARRIVED)
        dataset_id = DatasetRef(namespace, name).id
        row = {"expectation_id": expectation, "dataset_id": dataset_id, "state": state}
        row |= {"reason": json.dumps(told), "release_at": told["values"].get("release")}
        row |= {"deadline_at": told["values"].get("deadline"), "since": SEVEN, "changed_at": NOON}
        self._add(tables.expectation_state, row | values)
        return dataset_id

    def decided(
        self, expectation: str, name: str, state: str, at: int = NOON, namespace: str = WAREHOUSE
    ) -> None:
        """Write what was decided of a dataset."""
        told = LATE if state == "late" else ARRIVED
        row = {"expectation_id": expectation, "dataset_id": DatasetRef(namespace, name).id, "at": at}
        row |= {"prompt": "timer", "state": state, "reason": json.dumps(told)}
        self._add(tables.evaluation, row)

    def alert(
        self,
        rule: str,
        name: str,
        *,
        type_: str = "dataset",
        namespace: str = WAREHOUSE,
        starts: int = NOON - HOUR,
        labels: tuple[tuple[str, str], ...] = (),
        **values: Any,
    ) -> int:
        """Write an alert; give its id. Its fingerprint is ``print_of``'s."""
        ref = (JobRef if type_ == "job" else DatasetRef)(namespace, name)
        row: dict[str, Any] = {
            "fingerprint": print_of(rule, name),
            "rule": rule,
            "type": type_,
            "namespace": namespace,
            "name": name,
            "subject_id": ref.id,
            "severity": "warning",
            "labels": json.dumps(labels),
            "tags": "[]",
            "text": f"{name} is late.",
            "only_as_cause": False,
            "starts_at": starts,
            "affects": 0,
        }
        self._add(tables.alert, row | values)
        known = select(tables.alert.c.id).order_by(tables.alert.c.id.desc()).limit(1)
        return int(self.conn.execute(known).scalar_one())

    def notified(self, id_: str, *prints: str, at: int = NOON, receiver: str = "pager") -> None:
        """Write that a receiver was told of alerts."""
        body = {"title": f"[WARNING] {id_}", "alerts": [{"fingerprint": print_} for print_ in prints]}
        row = {"id": id_, "group_id": "g", "receiver": receiver, "at": at, "reason": "first"}
        self._add(tables.notification, row | {"body": json.dumps(body)})

    def _add(self, table: Any, row: dict[str, Any]) -> None:
        self.conn.execute(insert(table), [row])


def print_of(rule: str, name: str) -> str:
    """Give the fingerprint that an alert of these tests has."""
    return f"{rule}-{name}"[:16]
