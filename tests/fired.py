"""What triggers fired, as tests look at it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import select

from collector.storage import outbox as queue
from collector.storage import turns
from collector.storage.compression import unpack
from collector.storage.engine import Database
from collector.storage.outbox import State
from collector.storage.tables import event, firing, firing_action, outbox, trigger_join
from collector.storage.turns import Attempt, Record
from lineage.model import run_key
from tests.events import MINUTE, Json
from tests.stand import Stand


class Fired(NamedTuple):
    """A firing; ``consumed`` has the run ids of the updates of each input."""

    trigger: str
    key: str
    state: str
    cause: str
    partial: bool
    consumed: dict[str, list[str]]
    id: str
    fire_key: str


def fired(database: Database, trigger: str | None = None) -> list[Fired]:
    """Give what fired, in order."""
    wanted = select(firing).order_by(firing.c.at, firing.c.trigger_id, firing.c.key)
    with database.read() as conn:
        return [
            Fired(
                row.trigger_id, row.key, row.state, row.cause, row.partial,
                {each["id"]: [update["run_id"] for update in each["updates"]] for each in json.loads(row.consumed)},
                row.id, row.fire_key,
            )
            for row in conn.execute(wanted)
            if trigger in (None, row.trigger_id)
        ]  # fmt: skip


def doings(database: Database) -> dict[str, str]:
    """Give how far each action of each firing has come."""
    with database.read() as conn:
        return {row.action_id: row.state for row in conn.execute(select(firing_action))}


def sent(database: Database) -> list[dict[str, Any]]:
    """Give the bodies of what actions send, in order."""
    mine = select(outbox.c.body).where(outbox.c.kind == "action").order_by(outbox.c.id)
    with database.read() as conn:
        return [json.loads(body) for body in conn.execute(mine).scalars()]


def standing(database: Database) -> dict[tuple[str, str], str]:
    """Give how joins stand."""
    with database.read() as conn:
        return {(row.trigger_id, row.key): row.state for row in conn.execute(select(trigger_join))}


def deliver(
    server: Stand, answer: Json | None = None, *, state: State = State.DELIVERED, error: str | None = None
) -> list[str]:
    """Send all that is due, as a dispatcher does, to receivers that answer so; give the ids of the actions."""
    told = None if answer is None else json.dumps(answer)
    with server.database.write() as conn:
        rooms = turns.ready(conn, server.now, 100)
        taken = turns.claim(conn, "dispatcher", server.now, MINUTE, rooms).taken
        attempt = Attempt(server.now, 1_000, "delivered" if error is None else "refused", error=error)
        turns.record(conn, [Record(each, attempt, state, answer=told) for each in taken], server.now)
    server.rest()
    return [each.body["action"]["id"] for each in taken]


def retry(server: Stand) -> None:
    """Have all that was given up sent again, as somebody does."""
    with server.database.write() as conn:
        ids = list(conn.execute(select(outbox.c.id).where(outbox.c.state != State.DELIVERED)).scalars())
        queue.retry(conn, server.now, ids=ids)
    server.rest()


def told(database: Database, firing_id: str) -> list[Json]:
    """Give the events that the engine wrote of a firing, in order."""
    mine = select(event.c.body).where(event.c.run_key == run_key(firing_id)).order_by(event.c.event_time)
    with database.read() as conn:
        found = [json.loads(unpack(body)) for body in conn.execute(mine).scalars()]
    # A firing may end in the instant in which it begins; then they are written at once.
    return sorted(found, key=lambda each: (each["eventTime"], each["eventType"] != "START"))
