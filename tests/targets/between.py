"""What stands between Tidegate and a tool, and sees to it that Tidegate never hears the answer it waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.client import HTTPConnection

from tests.receivers import LOOPBACK, Connection, HttpReceiver, Request, answer

TOOL_SECONDS = 60.0
ASKED = ("accept", "authorization", "content-type")
"""What a tool goes by."""


class Between(HttpReceiver):
    """Passes on to the tool at ``port`` what it is asked, and what that answers."""

    def __init__(self, port: int) -> None:
        super().__init__(self._pass_on)
        self._tool = port
        self._fatal: tuple[Callable[[Request], bool], Callable[[], None]] | None = None
        self.struck = threading.Event()

    @property
    def root(self) -> str:
        """Where Tidegate finds the tool."""
        return f"http://{LOOPBACK}:{self.port}"

    def strike(self, at: Callable[[Request], bool], kill: Callable[[], None]) -> None:
        """Call ``kill`` once the tool has done what the next request of a kind asks for; nobody hears that it has."""
        self.struck.clear()
        self._fatal = at, kill

    def asked(self, part: str) -> list[Request]:
        """Give the requests that changed something, by a part of their paths."""
        return [each for each in tuple(self.received) if each.method == "POST" and part in each.path]

    def _pass_on(self, connection: Connection) -> None:
        request = connection.request
        tool = HTTPConnection(LOOPBACK, self._tool, timeout=TOOL_SECONDS)
        try:
            headers = {name: value for name, value in request.headers.items() if name in ASKED}
            tool.request(request.method, request.path, request.body, headers)
            reply = tool.getresponse()
            body = reply.read()
        finally:
            tool.close()
        fatal = self._fatal
        if fatal is not None and fatal[0](request):
            self._fatal = None
            fatal[1]()
            self.struck.set()
            return
        kind = reply.getheader("content-type", "application/json")
        answer(reply.status, body, Content_Type=kind, Connection="close")(connection)
