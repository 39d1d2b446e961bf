"""What triggers fired, as tests look at it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import select

from collector.storage.engine import Database
from collector.storage.tables import firing, firing_action, outbox, trigger_join


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
