"""The rules: what is expected of datasets, and who hears of it when it is not so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api import rule_shapes
from collector.api.access import principal, require_everything, require_operate
from collector.api.alias_shapes import NoQuery
from collector.api.native import Native
from collector.api.rule_documents import check_secrets, rules_of
from collector.api.rule_masks import masked, unmasked
from collector.api.services import reading, services
from collector.auth import ADMIN
from collector.outbound.secrets import Secrets
from collector.storage import rules
from collector.times import now_us
from triggers.rule_files import document_of

blueprint = Native("rules", "What is expected of datasets, and who hears of it when it is not so.")


@blueprint.get("/rules", rule_shapes.RulesInForce, query=NoQuery)
def get_rules(_query: dict[str, Any]) -> object:
    """Give the rules as the document that puts them.

    What may be a secret in targets, as the path of an address, is `…` to keys without the scope `admin`; to put the
    document again leaves it as it is.
    """
    require_everything()
    with reading() as conn:
        found = rules.bodies(conn)
        return {**document_of(found if principal().allows(ADMIN) else masked(found)), **_state(conn)}


@blueprint.put("/rules", rule_shapes.RulesState, body=rule_shapes.RuleDocument, conflict=True)
def put_rules(body: dict[str, Any]) -> object:
    """Put rules in place of those there are: all of them, or none if one is wrong.

    Rules that stay as they were keep their state. The engine follows within a second or so; `GET` tells when it does.
    """
    require_operate()
    require_everything()
    check_secrets(body, Secrets.of(services().settings))
    database = services().database
    with database.write() as conn:
        rules.replace(conn, unmasked(rules_of(body), rules.bodies(conn)), now_us())
        database.notify(conn)
        return _state(conn)


def _state(conn: Connection) -> dict[str, object]:
    state = rules.state(conn)
    return {
        "revision": state.wanted,
        "applied": state.applied == state.wanted,
        "folder": rules.origin(conn),
    }
