"""The way in for any WSGI server: one thread waits for each request. ``collector.front`` does it without."""

from __future__ import annotations

from flask import Blueprint, Response, request

from collector.api.recording import await_projected, submit
from collector.api.services import Services
from collector.auth import check_emitter
from collector.errors import PayloadTooLarge, TidegateError
from collector.ingest.answers import Answer, problem_answer
from collector.ingest.log import LogWriter
from collector.ingest.receive import PATHS, ROOT, Headers, Receiver, allowed_method, is_for_ingest
from collector.times import now_us

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""All of them: what is not allowed is answered in the shape of our errors."""


def make_blueprint(services: Services, log: LogWriter) -> Blueprint:
    """Make the routes that take events and hand them to ``log``."""
    blueprint = Blueprint("ingest", __name__)
    receiver = Receiver(services.settings)

    def receive() -> Response:
        try:
            answer = allowed_method(request.path, request.method) or _answer(services, receiver, log)
        except TidegateError as error:
            answer = problem_answer(error)
        return Response(answer.body, answer.status, list(answer.headers))

    for number, path in enumerate(sorted(PATHS)):
        methods = [method for method in METHODS if is_for_ingest(path, method)]
        blueprint.add_url_rule(path, f"receive_{number}", receive, methods=methods, strict_slashes=True)
    blueprint.add_url_rule(ROOT, "root", receive, methods=["POST"])
    return blueprint


def _answer(services: Services, receiver: Receiver, log: LogWriter) -> Answer:
    get = request.headers.get
    principal = services.authenticator.authenticate(request.headers)
    check_emitter(principal, services.settings, get("Host"), get("Origin"))
    limit = services.settings.max_body_bytes
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        raise PayloadTooLarge(f"The body is larger than {limit} bytes.")
    headers = Headers(get("Content-Type", ""), get("Content-Encoding", ""), get("Prefer", ""))
    exchange = receiver.exchange(request.path, headers, body, principal, now_us())
    outcome = submit(log, exchange.work, len(body))
    seconds, hashes = exchange.awaited(outcome)
    projected = await_projected(services.database, seconds, hashes) if seconds else None
    return exchange.answer(outcome, projected)
