"""The rules by which names are one dataset."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api import alias_shapes
from collector.api.access import require_everything, require_operate
from collector.api.native import Native
from collector.api.services import reading, services
from collector.storage import aliases
from collector.storage.alias_plan import plan

blueprint = Native("aliases", "The rules by which names are one dataset.")


@blueprint.get("/aliases", alias_shapes.AliasRules, query=alias_shapes.NoQuery)
def get_rules(_query: dict[str, Any]) -> object:
    """List the rules."""
    require_everything()
    with reading() as conn:
        return {"version": 1, "rules": aliases.bodies(conn), **_state(conn)}


@blueprint.put("/aliases", alias_shapes.RuleState, body=alias_shapes.AliasDocument)
def put_rules(body: dict[str, Any]) -> object:
    """Put rules in place of those there are.

    The catalog follows within a second or so; `GET` tells when it does.
    """
    require_operate()
    require_everything()
    database = services().database
    with database.write() as conn:
        aliases.replace(conn, body["rules"])
        database.notify(conn)
        return _state(conn)


@blueprint.post("/aliases/plan", alias_shapes.AliasPlan, body=alias_shapes.AliasDocument)
def plan_rules(body: dict[str, Any]) -> object:
    """Tell what rules would change, were they put in place of those there are.

    Nothing is written. A pattern can take as long as it likes, so this is for those who may put rules.
    """
    require_operate()
    require_everything()
    with reading() as conn:
        return plan(conn, body["rules"])


def _state(conn: Connection) -> dict[str, object]:
    state = aliases.state(conn)
    return {"revision": state.wanted, "applied": state.applied == state.wanted}
