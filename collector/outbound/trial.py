"""Messages that only show whether a target works."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection

from collector.errors import NotFound
from collector.outbound.sending import Kind
from collector.storage import outbox, targets
from collector.times import iso
from triggers.alerts import Severity
from triggers.messages import Message


def queue(conn: Connection, target_id: str, now: int) -> str:
    """Queue a test message to a target and give its key; raises ``NotFound`` if no rule has the target."""
    if target_id not in targets.kinds(conn):
        raise NotFound(f"There is no target {target_id} in the rules.")
    key = f"test-{uuid4().hex}"
    message = Message(
        id=key,
        group=f"tidegate-test-{target_id}"[:64],
        receiver=target_id,
        at=now,
        status="firing",
        reason="test",
        severity=Severity.INFO.value,
        digest=False,
        title="Test message of Tidegate",
        text=f"Somebody asked at {iso(now)[:19]}Z whether target {target_id} works. Nothing is wrong.",
    )
    outbox.put(conn, target_id, Kind.TEST, key, message.data(), now)
    return key
