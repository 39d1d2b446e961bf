"""Errors in the shapes of Marquez: ``{"code", "message"}``, or ``{"errors": [...]}`` for what is wrong in a request.

Which status an error has is decided in ``collector.errors``.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus

import msgspec
import structlog
from flask import request
from flask.wrappers import Response
from werkzeug.exceptions import HTTPException

from collector.api.encoding import hints
from collector.errors import BadRequest, FieldError, NotFound, TidegateError, Unprocessable

log = structlog.get_logger(__name__)


class NoSuchPath(NotFound):
    """HTTP 404 Not Found"""


def missing(what: str, name: object) -> NotFound:
    """Say that there is no such ``Job``, ``Dataset version``, ... of that name."""
    return NotFound(f"{what} '{name}' not found.")


def invalid_query(*reasons: str) -> BadRequest:
    """Say what is wrong with the parameters: ``query param nodeId must not be null``."""
    return BadRequest("; ".join(reasons), errors=tuple(FieldError("?", reason) for reason in reasons))


def invalid_body(*reasons: str) -> Unprocessable:
    """Say what is wrong with the body: ``ownerName must not be null``."""
    return Unprocessable("; ".join(reasons), errors=tuple(FieldError("$", reason) for reason in reasons))


def refused(error: TidegateError) -> Response:
    """Answer an error of ours."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request.refused", path=request.path, status=int(error.status), reason=error.detail)
    if error.errors:
        response = _answer(error.status, {"errors": [each.reason for each in error.errors]})
    else:
        response = _answer(error.status, {"code": int(error.status), "message": error.detail})
    response.headers.update(hints(error.status))
    return response


def refused_by_flask(error: HTTPException) -> Response:
    """Answer an error of Flask's in the words of Jersey."""
    status = HTTPStatus(error.code or 500)
    response = _answer(status, {"code": int(status), "message": f"HTTP {int(status)} {status.phrase}"})
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def failed(error: Exception) -> Response:
    """Answer a mistake of ours: the caller learns a number to ask for."""
    number = secrets.token_hex(8)
    log.error("request.failed", id=number, method=request.method, path=request.path, exc_info=error)
    message = f"There was an error processing your request. It has been logged (ID {number})."
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"code": 500, "message": message})


def _answer(status: HTTPStatus, body: object) -> Response:
    return Response(msgspec.json.encode(body), int(status), mimetype="application/json")
