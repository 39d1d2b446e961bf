"""Every error as ``application/problem+json`` in the one shape of ``collector.errors``."""

from __future__ import annotations

import uuid
from http import HTTPStatus

import structlog
from flask import Flask, request
from flask.wrappers import Response
from werkzeug.exceptions import HTTPException

from collector.api.encoding import problem_response
from collector.errors import TidegateError

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Answer every exception of the views, and those that Flask raises itself, with a problem."""
    app.register_error_handler(TidegateError, _ours)
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Exception, _unexpected)


def _ours(error: TidegateError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request.refused", path=request.path, status=int(error.status), reason=error.detail)
    return problem_response(error)


def refused(error: HTTPException) -> Response:
    """Answer an error of HTTP."""
    if error.code is None or error.code < 400:
        return Response(response=error.get_body(), status=error.code, headers=error.get_headers())
    response = problem_response(problem(error))
    for name, value in error.get_headers():
        # Allow of 405, Retry-After of 429; the type is ours.
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def problem(error: HTTPException) -> TidegateError:
    """Give an error of HTTP in our own words."""
    found = TidegateError(_words(error))
    found.status = HTTPStatus(error.code or 500)
    return found


def _words(error: HTTPException) -> str:
    if error.code == HTTPStatus.NOT_FOUND:
        return "There is nothing at this address; /api/docs lists what there is."
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"This address does not take {request.method}."
    return error.description or HTTPStatus(error.code or 500).phrase


def _unexpected(error: Exception) -> Response:
    return problem_response(unexpected(error))


def unexpected(error: Exception) -> TidegateError:
    """Log an error that nobody foresaw. The caller learns a number to ask for, not what we are made of."""
    number = uuid.uuid4().hex
    log.error("request.failed", id=number, method=request.method, path=request.path, exc_info=error)
    return TidegateError(f"Something went wrong here; the server's log has it under {number}.")
