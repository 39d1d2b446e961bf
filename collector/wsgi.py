"""Calling the Flask application from the event loop's side: one request, its whole body, its whole answer."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import unquote_to_bytes

from collector.ingest.answers import Answer

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

HOP_BY_HOP = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
"""Headers of the answer that are the server's to set."""


def call_wsgi(application: Application, scope: Mapping[str, Any], body: bytes) -> Answer:
    """Run a request through a WSGI application; call in a thread.

    The answer is taken whole: none of ours is long enough to be sent in parts.
    """
    status = 500
    headers: list[tuple[str, str]] = []
    written: list[bytes] = []

    def start_response(
        line: str, given: list[tuple[str, str]], _exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        nonlocal status
        status = int(line.split(" ", 1)[0])
        headers[:] = given
        return written.append

    chunks = application(environ(scope, body), start_response)
    try:
        content = b"".join([*written, *chunks])
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    kept = tuple((name.lower(), value) for name, value in headers if name.lower() not in HOP_BY_HOP)
    return Answer(status, kept, content)


def environ(scope: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Make the WSGI environment of an ASGI request. Of this process's own environment nothing is in it.

    ``RAW_URI`` is the request's target before decoding: only there a slash inside a name differs from one
    between.
    """
    query = scope["query_string"].decode("latin-1")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    server = scope.get("server") or ("localhost", 80)
    values: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        # WSGI wants bytes as if they were Latin-1.
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": raw_path.decode("latin-1") + (f"?{query}" if query else ""),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if client := scope.get("client"):
        values["REMOTE_ADDR"], values["REMOTE_PORT"] = client[0], str(client[1])
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        if name == "CONTENT_TYPE":
            values[name] = value
        elif name not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            key = f"HTTP_{name}"
            # A cookie may come in several headers, and is put together by semicolons unlike all others.
            separator = "; " if name == "COOKIE" else ","
            values[key] = f"{values[key]}{separator}{value}" if key in values else value
    return values
