"""A plain HTTP connection that stays open, so that a test decides about every header and every retry."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

SINGLE = "/api/v1/lineage"
BATCH = "/api/v1/lineage/batch"
JSON = {"Content-Type": "application/json"}


class Reply(NamedTuple):
    """An answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection at a time, opened when needed and again after the server has closed it."""

    def __init__(self, port: int, *, timeout: float = 30.0, key: str = "") -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._key = {"Authorization": f"Bearer {key}"} if key else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; a body in pieces is sent chunked. ``OSError`` or ``HTTPException`` without an answer."""
        try:
            self._http.request(method, path, body, {**self._key, **(headers or {})})
            response = self._http.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def post(self, body: object, path: str = SINGLE, headers: Mapping[str, str] | None = None) -> Reply:
        """Send events: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, data, {**JSON, **(headers or {})})

    def look(self, path: str, **parameters: object) -> Any:
        """Give the JSON of a page of the read API, which must be there."""
        reply = self.ask(path, **parameters)
        assert reply.status == 200, reply
        return reply.json

    def ask(self, path: str, **parameters: object) -> Reply:
        """Ask the read API."""
        return self.send("GET", f"/api/v2{path}" + (f"?{urlencode(parameters)}" if parameters else ""))

    def each(self, path: str, **parameters: object) -> Iterator[Any]:
        """Give the items of a listing, page after page."""
        cursor: dict[str, object] = {}
        while True:
            page = self.look(path, limit=1000, **parameters, **cursor)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def every(self, path: str, **parameters: object) -> list[Any]:
        """Give all items of a listing."""
        return list(self.each(path, **parameters))
