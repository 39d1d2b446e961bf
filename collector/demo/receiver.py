"""Whom the demo tells: a small server on loopback that stands for chats, a pager, and a tool that starts reports."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

BROKEN: Final = "/legacy-pager"
"""What answers 503, whatever comes, as a service does that somebody has forgotten."""

STARTING: Final = "/flows"
"""Where flows are started."""

Started = Callable[[dict[str, Any]], dict[str, str]]
"""Takes the event of a firing, starts something, and gives what to answer."""


class Receiver:
    """Listens from its making on; use it as a context manager. ``on_start`` is called in a thread of the server."""

    def __init__(self) -> None:
        self.on_start: Started = lambda event: {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="receiver", daemon=True
        )

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, receiver: Receiver, *given: Any) -> None:
        self._receiver = receiver
        super().__init__(*given)

    def do_POST(self) -> None:
        """Take an event in."""
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == BROKEN:
            self._answer(503, {"error": "This pager has been switched off."})
            return
        self._answer(200, self._receiver.on_start(json.loads(content)) if self.path == STARTING else {})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the library's
        """Say nothing: deliveries are shown by Tidegate."""
