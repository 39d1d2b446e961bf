"""Who may do what in the native API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from flask import g, request
from sqlalchemy import Connection

from collector.api.services import services
from collector.auth import ADMIN, ANYBODY, OPERATE, READ, Principal, check_host, check_origin
from collector.errors import FieldError, Forbidden, NotFound, Unprocessable
from collector.storage.visibility import Visible, visible_namespaces
from collector.times import now_us

SESSION: Final = "tidegate_session"
"""The cookie with the token of a browser's session."""


def require_read() -> None:
    """Let only those in who may read; runs before every view.

    Whoever is logged in on the pages may follow their links to here. By a session one may read only: any site could
    send forms in its name, and here nothing tells them from ours.
    """
    g.principal = caller(by_session=request.method in ("GET", "HEAD"))
    g.principal.require(READ)
    check_path(request.view_args or {})


def check_path(variables: Mapping[str, object]) -> None:
    """Raise ``NotFound`` if a variable of a path holds U+0000, which no database keeps: nothing is called so."""
    if any(isinstance(value, str) and "\0" in value for value in variables.values()):
        raise NotFound("Nothing is called so.")


def caller(*, by_session: bool) -> Principal:
    """Find out who sent this request, by a key in its headers or, if allowed, by the session of a browser.

    Raises ``Unauthorized`` without either.
    """
    authenticator = services().authenticator
    token = request.cookies.get(SESSION)
    keyed = "Authorization" in request.headers or "X-API-Key" in request.headers
    if token and by_session and not keyed:
        found = authenticator.of_session(token, now_us())
    else:
        found = authenticator.authenticate(request.headers)
    if found is ANYBODY:
        check_host(services().settings, request.host)
        # Forms bring a token that keeps strangers out.
        if not by_session:
            check_origin(services().settings, request.host, request.headers.get("Origin"))
    return found


def require_operate() -> None:
    """Refuse keys that may only look."""
    principal().require(OPERATE)


def require_admin() -> None:
    """Refuse keys that may not do everything, everywhere: keys and settings are of no namespace."""
    principal().require(ADMIN)
    require_everything()


def require_everything() -> None:
    """Refuse keys of some namespaces: of what could not be read nobody knows the namespace."""
    if not principal().sees_all:
        raise Forbidden("This API key is for some namespaces only; what could not be read may be of any.")


def principal() -> Principal:
    """Give who sent this request."""
    return cast(Principal, g.principal)


def signed(by: str | None, place: str) -> str:
    """Give who says something: the name of the key, and who uses it as far as he says so.

    Raises ``Unprocessable`` if nobody can tell; ``place`` is where in the request he may say it.
    """
    if principal() is not ANYBODY:
        return principal().name if by is None else f"{by} ({principal().name})"
    if by is None:
        detail = "Say who you are: there are no keys to tell."
        raise Unprocessable(detail, errors=(FieldError(place, "Needed where there are no keys."),))
    return by


def visible(conn: Connection) -> Visible:
    """Give the namespaces that the caller sees."""
    return None if principal().sees_all else visible_namespaces(conn, principal().sees)
