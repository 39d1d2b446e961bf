"""The targets of the rules in force, as something that is to be sent finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from collector.storage.tables import receiver, rule
from triggers.alerting_documents import owner_targets, target_of
from triggers.routing import OWNER
from triggers.rules import Target

OWNED = f"{OWNER}:"
"""How the ids of those begin that the map of owners makes by the way; they have no row of their own."""


BACKEND = "backend:"
"""How the ids of those begin that get our own events, by the setting ``forward``; an address follows."""

OPENLINEAGE = "openlineage"
"""Their kind."""


def find(conn: Connection, target_id: str) -> Target | None:
    """Give a target; None if no rule has it. Raises ``RuleError`` for one that this version does not take."""
    body = select(rule.c.body).where(rule.c.kind == "target", rule.c.id == target_id)
    if target_id.startswith(OWNED):
        return next((target for target in _owned(conn) if target.id == target_id), None)
    found = conn.execute(body).scalar()
    return None if found is None else target_of(json.loads(found))


def kinds(conn: Connection) -> dict[str, str]:
    """Give the kind of each target, by id."""
    rows = conn.execute(select(rule.c.id, rule.c.body).where(rule.c.kind == "target"))
    own = {id_: json.loads(body)["kind"] for id_, body in rows}
    return own | {target.id: target.kind for target in _owned(conn)}


def changed_since_disabled() -> ColumnElement[bool]:
    """Say of rows of ``receiver`` that the rule which they are of has changed since nothing is sent to them."""
    its_own = and_(rule.c.kind == "target", rule.c.id == receiver.c.id)
    map_of_owners = and_(rule.c.kind == "alerting", receiver.c.id.startswith(OWNED, autoescape=True))
    return (
        select(rule.c.id)
        .where(or_(its_own, map_of_owners), rule.c.changed_at > receiver.c.disabled_at)
        .exists()
    )


def _owned(conn: Connection) -> Iterator[Target]:
    for body in conn.execute(select(rule.c.body).where(rule.c.kind == "alerting")).scalars():
        yield from owner_targets(json.loads(body))
