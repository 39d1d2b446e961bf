"""The one way in which HTTP goes out: to addresses that are allowed, within a time, without following anybody.

Built on the transport of httpx2, whose client would not do: it limits each step instead of the whole, so a server that
sends a byte now and then is waited for without end, and looks up names by itself. There are no proxies, also none from
the environment: whoever connects in our stead would not know where not to.

A connection may be kept for the next request, for a shorter time than servers keep theirs. Still one may be closed at
the very moment in which it is used again, and nobody can tell whether the request was read. So only what may come twice
goes over kept connections, and it is sent again at once over a new one: that is what would be done later anyhow.
"""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import lru_cache
from select import POLLIN, poll
from typing import Any, Final

import httpcore2
import httpx2

from collector.outbound.guard import Deadline, Forbidden, Guard, Unreachable, describe

MOST_READ: Final = 64 * 1024
"""Bytes of an answer that are read; of what is sent to people, nobody needs more."""

AGENT: Final = "tidegate"

KEPT_SECONDS: Final = 1.0
"""For so long an idle connection is used again; servers close theirs after two seconds and more."""

MOST_KEPT: Final = 64
"""Idle connections that are kept in all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Names of headers are in lower case; ``body`` may be cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(Unreachable):
    """The request went out, in part or whole; nobody knows whether it was read."""


class Connections:
    """Connections that are kept for the next request to the same place. Safe to share between threads."""

    def __init__(self, guard: Guard, tls: ssl.SSLContext) -> None:
        self.pool = _pool(guard, tls, MOST_KEPT)

    def close(self) -> None:
        """Close them. Call it when nothing is sent."""
        self.pool.close()


@dataclass(frozen=True, slots=True)
class Http:
    """Sends requests, each over a connection of its own if none are ``kept``. Safe to share between threads."""

    guard: Guard
    timeout: float
    """Seconds from the look-up of the name to the end of the answer."""
    tls: ssl.SSLContext = field(default_factory=httpx2.create_ssl_context)
    kept: Connections | None = None
    """Requests that go over these may come twice."""

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
        given = {"host": asked.netloc.decode(), "user-agent": AGENT, "accept-encoding": "identity"}
        if asked.userinfo:
            pair = f"{asked.username}:{asked.password}".encode()
            given["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        given |= {name.lower(): value for name, value in (headers or {}).items()}
        request = _Request(method, target, given, content, most)
        deadline = Deadline.after(self.timeout)
        if self.kept is not None:
            exchange = _Exchange(deadline)
            try:
                return request.send(self.kept.pool, exchange)
            except NoAnswer:
                if exchange.is_new or exchange.answered or deadline.passed():
                    raise
        with _pool(self.guard, self.tls, 0) as pool:
            return replace(request, headers=given | {"connection": "close"}).send(pool, _Exchange(deadline))


@dataclass(slots=True)
class _Exchange:
    """How far a request has come."""

    deadline: Deadline
    """The end of the time for all of it."""
    is_new: bool = False
    """There is a connection for it that nothing was sent over before."""
    sent: bool = False
    answered: bool = False
    """Something was read after it was sent."""


_current: Final[ContextVar[_Exchange]] = ContextVar("exchange")
"""What the connections of this thread are used for; they outlive it, and know nothing of requests."""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    target: httpcore2.URL
    headers: Mapping[str, str]
    content: bytes
    most: int

    def send(self, pool: httpcore2.ConnectionPool, exchange: _Exchange) -> Answer:
        token = _current.set(exchange)
        try:
            with pool.stream(
                self.method, self.target, headers=list(self.headers.items()), content=self.content
            ) as response:
                body = bytearray()
                for part in response.iter_stream():
                    body += part
                    if len(body) >= self.most:
                        break
                seen = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                return Answer(response.status, seen, bytes(body[: self.most]))
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            said = describe(error).rstrip(".")
            if exchange.sent:
                raise NoAnswer(f"{self.headers['host']} did not answer as it should: {said}.") from error
            raise Unreachable(f"{self.headers['host']} cannot be reached: {said}.") from error
        finally:
            _current.reset(token)


def _pool(guard: Guard, tls: ssl.SSLContext, kept: int) -> httpcore2.ConnectionPool:
    return httpcore2.ConnectionPool(
        ssl_context=tls,
        max_connections=None,
        max_keepalive_connections=kept,
        keepalive_expiry=KEPT_SECONDS,
        network_backend=_Backend(guard),
    )


@lru_cache(maxsize=256)
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
    """Connects where the guard allows it; all that its connections do ends by the deadline of the request."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        exchange = _current.get()
        exchange.is_new = True
        connection = self._guard.connect(host, port, exchange.deadline)
        # The body follows the headers at once, and not when they have been acknowledged 40 ms later.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Stream(connection)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        exchange = _current.get()
        try:
            self._connection.settimeout(exchange.deadline.left())
            received = self._connection.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore2.ReadTimeout("timed out") from error
        except OSError as error:
            raise httpcore2.ReadError(describe(error)) from error
        exchange.answered |= bool(received)
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        exchange = _current.get()
        exchange.sent = True
        try:
            self._connection.settimeout(exchange.deadline.left())
            self._connection.sendall(buffer)  # the limit is for all of it
        except TimeoutError as error:
            raise httpcore2.WriteTimeout("timed out") from error
        except OSError as error:
            raise httpcore2.WriteError(describe(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            self._connection.settimeout(_current.get().deadline.left())
            # The limit is for all of the handshake.
            encrypted = ssl_context.wrap_socket(self._connection, server_hostname=server_hostname)
        except TimeoutError as error:
            self.close()
            raise httpcore2.ConnectTimeout("timed out") from error
        except OSError as error:
            self.close()
            raise httpcore2.ConnectError(describe(error)) from error
        return _Stream(encrypted)

    def get_extra_info(self, info: str) -> Any:
        if info != "is_readable":
            return self._connection if info == "socket" else None
        # An idle server has nothing to say, unless it closes the connection.
        watch = poll()
        watch.register(self._connection.fileno(), POLLIN)
        return bool(watch.poll(0))

    def close(self) -> None:
        self._connection.close()
