"""A catalog and a log made by hand, row by row, for tests of what reads them."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, insert

from collector.storage import tables
from collector.storage.compression import pack
from lineage.model import DatasetRef, Direction, JobRef, entity_id, run_key

HOUR = 3_600_000_000
NOON = 1_795_348_800_000_000
"""2026-11-22T12:00:00Z."""


@dataclass
class Catalog:
    """Writes rows as the projector would; each method gives the id of what it wrote."""

    conn: Connection
    _ids: dict[str, itertools.count[int]] = field(default_factory=dict)

    def job(self, name: str, namespace: str = "shop", **values: Any) -> int:
        """Write a job."""
        return self._named(
            tables.job, JobRef(namespace, name).id, namespace, name, {"detail": False, **values}
        )

    def dataset(self, name: str, namespace: str = "shop", **values: Any) -> int:
        """Write a dataset that has no other name, unless ``canonical_id`` is given."""
        row_id = DatasetRef(namespace, name).id
        known = {"canonical_id": row_id, "artificial": False}
        return self._named(tables.dataset, row_id, namespace, name, known | values)

    def run(self, job_id: int, run_id: str, at: int | None = NOON, **values: Any) -> int:
        """Write a run; ``at`` is its first event."""
        row_id = self._next("run")
        known = (
            {"state": None} if at is None else {"state": "COMPLETE", "first_event_at": at, "started_at": at}
        )
        row = {"id": row_id, "key": run_key(run_id), "job_id": job_id, "run_id": run_id}
        self._add(tables.run, {**row, "declared": False, "incomplete": False, **known, **values})
        return row_id

    def uses(self, run: int, dataset: int, direction: Direction, **values: Any) -> None:
        """Write that a run reads or writes a dataset."""
        row = {"run_id": run, "dataset_id": dataset, "direction": int(direction)}
        self._add(tables.run_io, {**row, "implied": False, "lifecycle": 0, "artificial": False, **values})

    def update(self, dataset: int, run: int, at: int = NOON, **values: Any) -> None:
        """Write that a run brought new data."""
        row = {"dataset_id": dataset, "run_id": run, "event_time": at, "received_at": at, "kind": "run"}
        self._add(tables.dataset_update, row | values)

    def edge(
        self, job: int, dataset: int, direction: Direction, valid_from: int = NOON, **values: Any
    ) -> None:
        """Write an edge, open unless ``valid_to`` is given."""
        row = {"job_id": job, "dataset_id": dataset, "direction": int(direction), "valid_from": valid_from}
        self._add(tables.edge, {**row, "implied": False, "opened_by": 0, **values})

    def derivation(
        self,
        number: int,
        *sources: tuple[int, str | None, str | None] | tuple[int, str | None, str | None, list[Any]],
    ) -> int:
        """Write the explicit sources of an output: (dataset, field, target field, [transformations])."""
        for position, (dataset, field_, target, *rest) in enumerate(sources):
            row = {"id": number, "position": position, "dataset_id": dataset, "field": field_}
            row |= {"target_field": target, "transformations": json.dumps(rest[0]) if rest else None}
            self._add(tables.derivation, row)
        return number

    def facet(self, owner: int, name: str, body: object, first: int = NOON, last: int | None = None) -> None:
        """Write a body that a facet has had; None: the facet was deleted."""
        data = msgspec.json.encode(body, order="sorted")
        digest = b"" if body is None else hashlib.sha256(data).digest()[:16]
        row = {"owner_id": owner, "name": name, "hash": digest}
        self._add(tables.facet, {**row, "first_seen_at": first, "last_seen_at": last or first})
        if body is not None:
            known = tables.facet_body.select().where(tables.facet_body.c.hash == digest)
            if self.conn.execute(known).first() is None:
                self._add(tables.facet_body, {"hash": digest, "body": pack(data)})

    def assertion(self, dataset: int, run: int, name: str, success: bool = True, at: int = NOON) -> None:
        """Write the result of a check."""
        row = {"dataset_id": dataset, "run_id": run, "key": entity_id("check", name), "digest": 0}
        self._add(tables.assertion, {**row, "event_time": at, "assertion": name, "success": success})

    def alias(self, dataset: int, other: int, reason: str) -> None:
        """Write that two names are one dataset, for which the second stands."""
        self._add(tables.dataset_alias, {"dataset_id": dataset, "other_id": other, "reason": reason})
        both = tables.dataset.c.canonical_id.in_([dataset, other])
        self.conn.execute(tables.dataset.update().where(both).values(canonical_id=other))

    def event(self, body: object, at: int = NOON, entity: int = 0, **values: Any) -> int:
        """Write an event of the log; ``body`` is its JSON, or its bytes."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        row_id = self._next("event")
        row = {"id": row_id, "kind": "run", "event_type": "COMPLETE", "event_time": at, "received_at": at}
        row |= {
            "hash": row_id.to_bytes(16, "big"),
            "size": len(data),
            "body": pack(data),
            "entity_id": entity,
        }
        self._add(tables.event, row | values)
        return row_id

    def _named(self, table: Table, row_id: int, namespace: str, name: str, values: dict[str, Any]) -> int:
        namespace_id = entity_id("namespace", namespace)
        there = tables.namespace.select().where(tables.namespace.c.id == namespace_id)
        if self.conn.execute(there).first() is None:
            self._add(tables.namespace, {"id": namespace_id, "name": namespace})
        self._add(table, {"id": row_id, "namespace_id": namespace_id, "name": name, **values})
        return row_id

    def _next(self, kind: str) -> int:
        return next(self._ids.setdefault(kind, itertools.count(1)))

    def _add(self, table: Table, row: dict[str, Any]) -> None:
        self.conn.execute(insert(table), [row])
