"""From the bytes of one event to the row of the log, or to the row of what was refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from typing import NamedTuple

import msgspec

from collector.errors import FieldError, Unprocessable
from collector.ingest.check import Inspected, inspect
from collector.ingest.decode import parse_canonical
from collector.storage.compression import pack
from collector.storage.event_log import NewEvent, NewRejection
from lineage.model import Kind, entity_id, run_key

HASH_BYTES = 16
"""Of SHA-256. Whoever wants two events to collide needs 2^64 tries, and would only lose one of his own."""


class Taken(NamedTuple):
    """An event that can be recorded: its row, and what it is about."""

    row: NewEvent
    inspected: Inspected


def take(raw: bytes, received_at: int) -> Taken:
    """Decode and check the JSON text of one event; raises ``Unprocessable`` if it cannot be recorded."""
    value, warnings, canonical = parse_canonical(raw)
    inspected = inspect(value, received_at)
    if warnings or inspected.warnings:
        warnings = [*(f"$: {text}" for text in warnings), *inspected.warnings]
    if inspected.kind is Kind.DATASET:
        entity = entity_id("dataset", inspected.dataset_namespace or "", inspected.dataset_name or "")
    else:
        entity = entity_id("job", inspected.job_namespace or "", inspected.job_name or "")
    row = NewEvent(
        kind=inspected.kind.value,
        event_type=inspected.event_type,
        event_time=inspected.event_time,
        received_at=received_at,
        run_key=run_key(inspected.run_id) if inspected.run_id else None,
        entity_id=entity,
        hash=sha256(canonical).digest()[:HASH_BYTES],
        size=len(raw),
        body=pack(raw),
        warnings=msgspec.json.encode(warnings).decode() if warnings else None,
    )
    return Taken(row, inspected)


def refuse(raw: bytes, error: Unprocessable, received_at: int) -> NewRejection:
    """Make the row that keeps a body which cannot be recorded."""
    return NewRejection(
        hash=sha256(raw).digest()[:HASH_BYTES],
        received_at=received_at,
        errors=encode_errors(error.errors or (FieldError("$", error.detail),)),
        size=len(raw),
        body=pack(raw),
    )


def encode_errors(errors: Iterable[FieldError]) -> str:
    """Write errors as the JSON array that is kept with a refused body."""
    return msgspec.json.encode([asdict(error) for error in errors]).decode()
