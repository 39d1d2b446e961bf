"""A proxy that says 503 some times before it passes requests on, and remembers what it saw."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.acceptance.connection import Connection

OWN = {"host", "content-length", "connection", "transfer-encoding"}
"""Headers of one connection, not of the request."""


@dataclass
class Flaky:
    """What to do, and what was done. ``failures`` requests more are answered with 503."""

    port: int
    target: int
    failures: int
    answers: list[int] = field(default_factory=list)


@contextmanager
def flaky(target: int, failures: int) -> Iterator[Flaky]:
    """Put the proxy before the server on port ``target`` during the block."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                fail = state.failures > 0
                state.failures -= fail
            status, content = (503, b"{}") if fail else self._pass_on(body)
            state.answers.append(status)
            self.send_response(status)
            if fail:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _pass_on(self, body: bytes) -> tuple[int, bytes]:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in OWN}
            with Connection(target) as connection:
                reply = connection.send("POST", self.path, body, headers)
            return reply.status, reply.body

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Flaky(server.server_port, target, failures)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
