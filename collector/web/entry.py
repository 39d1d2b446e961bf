"""How a browser gets in: the session, who may see pages, and forms that only our own pages can send."""

from __future__ import annotations

import base64
import hashlib
import hmac
from getpass import getuser
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from collector.api import problems
from collector.api.access import SESSION, caller
from collector.api.services import services
from collector.auth import ANYBODY, READ, is_loopback
from collector.errors import DatabaseUnavailable, Forbidden, TidegateError, Unauthorized
from collector.storage import sessions
from collector.times import now_us

SAID: Final = "tidegate_said"
"""The cookie with what a form did, for the page that comes next."""
NAME: Final = "tidegate_name"
"""The cookie with the name that somebody signs with where there are no keys."""
THEME: Final = "tidegate_theme"

YEAR: Final = 365 * 86_400
LONGEST_SAID: Final = 1000
LONGEST_FORM: Final = 1024 * 1024
"""Bytes; to take apart what events may be as long as would be seconds of work, for anybody who sends it."""

log = structlog.get_logger(__name__)


class Page(Blueprint):
    """A group of pages. Whoever has no good key or session is sent to the login; errors are pages, too."""

    def __init__(self, name: str, *, public: bool = False) -> None:
        super().__init__(name, __name__)
        self.before_request(look_who_comes if public else _let_in)
        self.before_request(_check_form)
        self.after_request(_finish)
        self.register_error_handler(TidegateError, failed)
        self.register_error_handler(HTTPException, refused)
        self.register_error_handler(Exception, _broken)


def look_who_comes() -> None:
    """Note whose request it is; anybody may go on."""
    try:
        g.principal = caller(by_session=True)
    except (Unauthorized, DatabaseUnavailable):
        g.principal = None


def _let_in() -> ResponseReturnValue | None:
    try:
        g.principal = caller(by_session=True)
    except Unauthorized:
        g.principal = None
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("web.login.show", next=wanted), HTTPStatus.SEE_OTHER)
    g.principal.require(READ)
    return None


def token() -> str:
    """Give the token of this browser; one that has none gets it with the answer."""
    if "token" not in g:
        g.token = request.cookies.get(SESSION) or sessions.make_token()
    return str(g.token)


def form_token() -> str:
    """Give what a form must bring along: only a page of ours, in this browser, can know it."""
    return hmac.new(token().encode(), b"form", hashlib.sha256).hexdigest()


def csrf() -> Markup:
    """Write the hidden field that every form needs."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(form_token())


def _check_form() -> None:
    if request.method in ("GET", "HEAD"):
        return
    request.max_content_length = LONGEST_FORM
    origin = request.headers.get("Origin")
    foreign = origin not in (None, "null") and urlsplit(origin).netloc != request.host
    if foreign or not hmac.compare_digest(request.form.get("csrf", "").encode(), form_token().encode()):
        raise Forbidden(
            "This form is out of date, or was not ours. Go back, load the page again, and send it anew."
        )


def done(said: str, to: str) -> BaseResponse:
    """Answer a form that has done its work: go to a page of ours, which says so."""
    response = redirect(to, HTTPStatus.SEE_OTHER)
    text = base64.urlsafe_b64encode(said[:LONGEST_SAID].encode()).decode()
    _set(response, SAID, text, 60)
    if name := request.form.get("by", "").strip():
        _set(response, NAME, base64.urlsafe_b64encode(name[:200].encode()).decode(), YEAR)
    return response


def said() -> str | None:
    """Give what the last form did, once."""
    g.said = SAID in request.cookies
    return _unpacked(SAID)


def signature() -> str | None:
    """Give the name that this browser signed with last.

    On this machine, the first time, that of whoever runs the server: mostly it is the same person.
    """
    return _unpacked(NAME) or (_whose_server() if is_loopback(request.remote_addr or "") else None)


def _whose_server() -> str | None:
    try:
        return getuser()
    except (OSError, KeyError):
        return None  # in containers users need not have names


def _unpacked(cookie: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(request.cookies.get(cookie, "")).decode() or None
    except ValueError:
        return None


def must_sign() -> bool:
    """Tell whether whoever acts must say who he is, as there are no keys to tell."""
    return bool(g.principal is ANYBODY)


def may(scope: str, *, everywhere: bool = False) -> bool:
    """Tell whether the viewer may do what needs a scope; ``everywhere``: and the right to see all namespaces."""
    who = g.get("principal")
    return who is not None and who.allows(scope) and (who.sees_all or not everywhere)


def inside(target: str, otherwise: str) -> str:
    """Give an address that a form or a link brought along if it is one of ours, to go to; else ``otherwise``."""
    # Browsers take a backslash for a slash, and two of them for the name of a host; tabs and line feeds they drop.
    ours = target.startswith("/") and target[1:2] not in ("/", "\\") and target.isprintable()
    return target if ours else otherwise


def log_in(key: str) -> None:
    """Begin a session with the rights of a key.

    Raises ``Unauthorized`` if it is not a good one, ``Forbidden`` if it is not for looking.
    """
    who = services().authenticator.authenticate({"x-api-key": key})
    if not who.allows(READ):
        raise Forbidden("This key is for sending events only; pages need one with the scope read.")
    g.principal = who
    # Always a new token: somebody may have planted the old one.
    g.token = sessions.make_token()
    if who.key_id is not None:
        now = now_us()
        with services().database.write() as conn:
            sessions.end(conn, request.cookies.get(SESSION, ""))
            sessions.begin(conn, g.token, who.key_id, now, now + round(_session_seconds() * 1_000_000))


def log_out() -> None:
    """End the session of this browser."""
    with services().database.write() as conn:
        sessions.end(conn, token())
    g.token = sessions.make_token()


def _session_seconds() -> float:
    return services().settings.session_hours * 3600


def _set(response: BaseResponse, name: str, value: str, seconds: int) -> None:
    # The proxy in front says so where TLS ends there; who forges it keeps a cookie from himself.
    secure = request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
    response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="Lax", secure=secure)


def set_theme(response: BaseResponse, theme: str) -> None:
    """Have the browser keep how pages shall look."""
    _set(response, THEME, theme, YEAR)


def theme() -> str | None:
    """Give how pages shall look: ``light`` or ``dark``; None: as the reader's system has it."""
    wanted = request.cookies.get(THEME)
    return wanted if wanted in ("light", "dark") else None


def _finish(response: Response) -> Response:
    if g.get("said"):
        response.delete_cookie(SAID, path="/")
    if "token" in g and g.token != request.cookies.get(SESSION):
        _set(response, SESSION, g.token, round(_session_seconds()))
    response.headers.setdefault("Cache-Control", "no-cache, private")
    if response.status_code == HTTPStatus.OK and not response.is_streamed:
        response.add_etag()
        response.make_conditional(request)
    return response


def failed(error: TidegateError) -> ResponseReturnValue:
    """Answer one of our errors with a page."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("page.refused", path=request.path, status=int(error.status), reason=error.detail)
    # A form can be mended; an address that cannot be read is a bad request to a browser.
    return render_template("error.html", error=error), int(error.status)


def refused(error: HTTPException) -> ResponseReturnValue:
    """Answer an error of HTTP with a page."""
    if error.code is None or error.code < 400:
        return error.get_response()
    return render_template("error.html", error=problems.problem(error)), error.code


def _broken(error: Exception) -> ResponseReturnValue:
    return render_template("error.html", error=problems.unexpected(error)), 500
