"""Who may do what in the native API."""

from __future__ import annotations

from typing import cast

from flask import g, request
from sqlalchemy import Connection

from collector.api.services import services
from collector.auth import OPERATE, READ, Principal
from collector.errors import Forbidden
from collector.storage.visibility import Visible, visible_namespaces


def require_read() -> None:
    """Let only those in who may read; runs before every view."""
    g.principal = services().authenticator.authenticate(request.headers)
    g.principal.require(READ)


def require_operate() -> None:
    """Refuse keys that may only look."""
    principal().require(OPERATE)


def require_everything() -> None:
    """Refuse keys of some namespaces: of what could not be read nobody knows the namespace."""
    if not principal().sees_all:
        raise Forbidden("This API key is for some namespaces only; what could not be read may be of any.")


def principal() -> Principal:
    """Give who sent this request."""
    return cast(Principal, g.principal)


def visible(conn: Connection) -> Visible:
    """Give the namespaces that the caller sees."""
    return None if principal().sees_all else visible_namespaces(conn, principal().sees)
