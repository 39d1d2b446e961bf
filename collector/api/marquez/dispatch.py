"""The one Flask route behind which the API has its own: Flask sees decoded paths only."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Flask, g, jsonify, request
from flask.wrappers import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import PathConverter

from collector.api.access import caller, visible
from collector.api.marquez.paths import decoded_segments, segments_as_sent
from collector.api.marquez.refusals import NoSuchPath, failed, refused, refused_by_flask
from collector.api.marquez.routing import Reading, Routes, Table
from collector.api.services import reading
from collector.auth import READ
from collector.errors import TidegateError
from collector.storage.marquez.lookup import THERE, Wanted, known

PREFIX = "/api/v1"

ELSEWHERE = ("/api/v1-beta/", "/api/v2beta/")
"""Where Marquez has GraphQL and its search by OpenSearch."""

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""All of them: what is not there is answered in the shape of this API."""


MAKING = ("PUT", "POST")
"""The methods that may be about what is not there yet."""


class Rest(PathConverter):
    """The rest of a path, whatever it is: PathConverter takes none that begins with a slash."""

    regex = r"[\s\S]*?"
    part_isolating = False


def make_blueprint(app: Flask, parts: Iterable[Routes]) -> Blueprint:
    """Make the blueprint with all routes of ``parts``."""
    app.url_map.converters["rest"] = Rest
    blueprint = Blueprint("marquez", __name__)
    table = Table(parts)

    def answer(rest: str) -> Response:
        g.principal = caller(by_session=False)
        sent = segments_as_sent(request.environ, PREFIX)
        exact = [] if sent is None else table.matches(sent)
        # Else either the server does not tell the path as sent, or a proxy has decoded it.
        found = exact or table.readings(decoded_segments(rest))
        if not found:
            raise NoSuchPath
        method = "GET" if request.method == "HEAD" else request.method
        meant = [reading for reading in found if reading.route.method == method]
        allowed = sorted({reading.route.method for reading in found} | {"OPTIONS"})
        if method == "OPTIONS":
            return Response(headers={"Allow": ", ".join(allowed)})
        if not meant:
            raise MethodNotAllowed(allowed)
        route, names = meant[0] if exact else _likeliest(meant, known_path=sent is not None)
        g.principal.require(route.scope)
        result = route.view(**names)
        return result if isinstance(result, Response) else jsonify(result)

    def nothing(rest: str) -> Response:
        caller(by_session=False).require(READ)
        raise NoSuchPath

    blueprint.add_url_rule(PREFIX, "root", nothing, methods=METHODS, defaults={"rest": ""})
    blueprint.add_url_rule(f"{PREFIX}/<rest:rest>", "answer", answer, methods=METHODS)
    for number, prefix in enumerate(ELSEWHERE):
        blueprint.add_url_rule(f"{prefix}<rest:rest>", f"nothing_{number}", nothing, methods=METHODS)
    blueprint.register_error_handler(TidegateError, refused)
    blueprint.register_error_handler(HTTPException, refused_by_flask)
    blueprint.register_error_handler(Exception, failed)
    return blueprint


def created(body: object, location: str) -> Response:
    """Answer that something has been made, and where it is."""
    response = jsonify(body)
    response.status_code = 201
    response.headers["Location"] = location
    return response


def _likeliest(meant: list[Reading], *, known_path: bool) -> Reading:
    """Choose the reading whose names exist; of several, and of none, the first.

    Raises ``NoSuchPath`` where the path is known as it was sent and is none of ours. A proxy may have decoded it; then
    it names something that is there, or is to be made.
    """
    if len(meant) == 1 and not known_path:
        return meant[0]
    wanted = [
        Wanted(each.names.get("namespace"), each.names.get("job"), each.names.get("dataset"))
        for each in meant
    ]
    with reading() as conn:
        ranks = known(conn, wanted, visible(conn))
    best = max(range(len(meant)), key=lambda index: (ranks[index], -index))
    if known_path and ranks[best] < THERE and request.method not in MAKING:
        raise NoSuchPath
    return meant[best]
