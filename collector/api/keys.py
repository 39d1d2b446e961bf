"""API keys: who may use the server."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api import admin_shapes as shapes
from collector.api.access import require_admin
from collector.api.alert_shapes import NoBody
from collector.api.alias_shapes import NoQuery
from collector.api.native import Native
from collector.api.services import reading, services
from collector.auth import ADMIN, expand
from collector.errors import NotFound, Unprocessable
from collector.storage import keys
from collector.storage.keys import StoredKey
from collector.times import now_us

blueprint = Native("keys", "API keys: who may use the server. Needs the scope `admin`, for all namespaces.")

PREFIX = {"prefix": "how the key begins, after `tg_`"}


@blueprint.get("/keys", shapes.Keys, query=NoQuery)
def list_keys(_query: dict[str, Any]) -> object:
    """List all keys, revoked ones too."""
    require_admin()
    with reading() as conn:
        found = keys.every(conn)
    return {"items": found, "open": not found}


@blueprint.post("/keys", shapes.NewKey, body=shapes.KeyBody)
def create_key(body: dict[str, Any]) -> object:
    """Make a key and give it, this once.

    With the first one the server is closed to everybody without a key, so it must be one that can make others.
    """
    require_admin()
    with services().database.write() as conn:
        if not _can_rule(body["scopes"], body["namespaces"]) and not _rulers(conn):
            raise Unprocessable(
                "The first key needs the scope admin, for all namespaces: with it the server is closed to everybody "
                "without a key, and without it nobody could make another one here."
            )
        text, made = keys.create(conn, body["name"], body["scopes"], body["namespaces"], now_us())
    services().authenticator.refresh()
    return {name: getattr(made, name) for name in shapes.Key().fields} | {"key": text}


@blueprint.post("/keys/<prefix>/revoke", shapes.Key, body=NoBody, missing=True, path=PREFIX)
def revoke_key(_body: dict[str, Any], prefix: str) -> object:
    """Revoke a key for good. Running servers know within five seconds."""
    require_admin()
    with services().database.write() as conn:
        if _rulers(conn) == {prefix}:
            raise Unprocessable(
                "This is the last key with the scope admin for all namespaces: make another one first."
            )
        found = keys.revoke(conn, prefix, now_us())
        if found is None:
            raise NotFound(f"There is no key with the prefix {prefix}.")
    services().authenticator.refresh()
    return found


def _rulers(conn: Connection) -> set[str]:
    """Give the prefixes of the good keys that may do everything."""
    return {key.prefix for key in keys.every(conn) if key.revoked_at is None and _rules(key)}


def _rules(key: StoredKey) -> bool:
    return _can_rule(key.scopes, key.namespaces)


def _can_rule(scopes: Any, namespaces: Any) -> bool:
    return ADMIN in expand(scopes) and not namespaces
