"""The one way in which HTTP goes out: to addresses that are allowed, within a time, without following anybody.

Built on the transport of httpx2, whose client would not do: it limits each step instead of the whole, so a server that
sends a byte now and then is waited for without end, and looks up names by itself. There are no proxies, also none from
the environment: whoever connects in our stead would not know where not to.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpcore2
import httpx2

from collector.outbound.guard import Deadline, Forbidden, Guard, Unreachable, describe

MOST_READ: Final = 64 * 1024
"""Bytes of an answer that are read; of what is sent to people, nobody needs more."""

AGENT: Final = "tidegate"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Names of headers are in lower case; ``body`` may be cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(Unreachable):
    """The request went out, in part or whole; nobody knows whether it was read."""


@dataclass(frozen=True, slots=True)
class Http:
    """Sends requests, each over a connection of its own. Safe to share between threads."""

    guard: Guard
    timeout: float
    """Seconds from the look-up of the name to the end of the answer."""
    tls: ssl.SSLContext = field(default_factory=httpx2.create_ssl_context)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        most: int = MOST_READ,
    ) -> Answer:
        """Send a request and give the answer, whatever its status, and ``most`` bytes of its body.

        Raises:
            Forbidden: the address is none that may be asked.
            Unreachable: nothing was sent.
            NoAnswer: nothing can be said of what became of it.
        """
        asked = parse(url)
        target = httpcore2.URL(
            scheme=asked.raw_scheme, host=asked.raw_host, port=asked.port, target=asked.raw_path
        )
        backend = _Backend(self.guard, Deadline.after(self.timeout))
        given = {"host": asked.netloc.decode(), "connection": "close", "user-agent": AGENT}
        given |= {"accept-encoding": "identity"}
        if asked.userinfo:
            pair = f"{asked.username}:{asked.password}".encode()
            given["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        given |= {name.lower(): value for name, value in (headers or {}).items()}
        try:
            with (
                httpcore2.ConnectionPool(
                    ssl_context=self.tls, max_connections=1, network_backend=backend
                ) as pool,
                pool.stream(method, target, headers=list(given.items()), content=content) as response,
            ):
                body = bytearray()
                for part in response.iter_stream():
                    body += part
                    if len(body) >= most:
                        break
                seen = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                return Answer(response.status, seen, bytes(body[:most]))
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            said = describe(error)
            if backend.sent:
                raise NoAnswer(f"{given['host']} did not answer as it should: {said}.") from error
            raise Unreachable(f"{given['host']} cannot be reached: {said}.") from error


def parse(url: str) -> httpx2.URL:
    """Read the address of a request; raises ``Forbidden``, without the address, which may be a secret."""
    try:
        found = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise Forbidden("The address is no URL.") from error
    if found.scheme not in ("http", "https") or not found.host:
        raise Forbidden("The address is no URL of http or https.")
    return found


class _Backend(httpcore2.NetworkBackend):
    """Connects where the guard allows it; all that its connections do ends by the deadline."""

    def __init__(self, guard: Guard, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self.sent = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        return _Stream(self, self._guard.connect(host, port, self._deadline), self._deadline)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, backend: _Backend, connection: Any, deadline: Deadline) -> None:
        self._backend = backend
        self._connection = connection
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._connection.settimeout(self._deadline.left())
            received: bytes = self._connection.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore2.ReadTimeout("timed out") from error
        except OSError as error:
            raise httpcore2.ReadError(describe(error)) from error
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._backend.sent = True
        try:
            self._connection.settimeout(self._deadline.left())
            self._connection.sendall(buffer)  # the limit is for all of it
        except TimeoutError as error:
            raise httpcore2.WriteTimeout("timed out") from error
        except OSError as error:
            raise httpcore2.WriteError(describe(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            self._connection.settimeout(self._deadline.left())
            # The limit is for all of the handshake.
            encrypted = ssl_context.wrap_socket(self._connection, server_hostname=server_hostname)
        except TimeoutError as error:
            self.close()
            raise httpcore2.ConnectTimeout("timed out") from error
        except OSError as error:
            self.close()
            raise httpcore2.ConnectError(describe(error)) from error
        return _Stream(self._backend, encrypted, self._deadline)

    def close(self) -> None:
        self._connection.close()

    def get_extra_info(self, info: str) -> Any:
        return self._connection if info == "socket" else None
