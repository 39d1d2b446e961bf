"""Receivers of notifications, as bad as they come: real servers on loopback, of HTTP and of SMTP."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

import trustme

LOOPBACK = "127.0.0.1"

DROP = "drop"
"""A reply of a mail server: it closes the connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a receiver got. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


class Connection:
    """What an answer is written to, until the receiver is closed."""

    def __init__(self, connection: socket.socket, closing: threading.Event, request: Request) -> None:
        self._connection = connection
        self.closing = closing
        self.request = request

    def write(self, content: bytes) -> None:
        self._connection.sendall(content)


Reply = Callable[[Connection], None]


def answer(status: int, body: bytes = b"", **headers: str) -> Reply:
    """Answer; the names of headers are written with underscores."""
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda connection: connection.write("\r\n".join([*lines, "", ""]).encode() + body)


def repeat(connection: Connection) -> None:
    """Fail, and say all that the sender has said."""
    asked = connection.request
    answer(500, f"{asked.path} {dict(asked.headers)} {asked.body!r}".encode())(connection)


def redirect(to: str) -> Reply:
    """Send the sender elsewhere."""
    return answer(302, Location=to)


def hang(connection: Connection) -> None:
    """Never answer."""
    connection.closing.wait()


def drop(connection: Connection) -> None:
    """Close the connection without an answer."""


def drip(connection: Connection) -> None:
    """Answer without end, a header now and then, and each in time."""
    connection.write(b"HTTP/1.1 200 OK\r\n")
    while not connection.closing.wait(0.05):
        connection.write(b"X-Patience: more\r\n")


def flood(connection: Connection) -> None:
    """Answer with success and a body without end."""
    connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not connection.closing.is_set():
        connection.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


class Served:
    """A server in threads of its own, for the time of a ``with`` block."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.closing = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                # Whoever is fed up with waiting goes away; that is what some tests are about.
                with contextlib.suppress(OSError):
                    connection = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                    with contextlib.closing(connection):
                        outer.serve(connection)

        self._server = _Server((LOOPBACK, 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def serve(self, connection: socket.socket) -> None:
        """Speak with one client."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class HttpReceiver(Served):
    """Answers with one of ``replies`` after the other; the last of them from then on."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.received: list[Request] = []
        self.scheme = "https" if tls else "http"
        self._replies = list(replies or [answer(204)])
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{LOOPBACK}:{self.port}/hook"

    def now(self, *replies: Reply) -> None:
        """Answer otherwise from now on."""
        with self._lock:
            self._replies = list(replies)

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            method, path, _ = lines.readline().decode().split()
            headers = dict(_headers(lines))
            body = lines.read(int(headers.get("content-length", 0)))
        with self._lock:
            self.received.append(request := Request(method, path, headers, body))
            reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        reply(Connection(connection, self.closing, request))


def _headers(lines: Any) -> Iterator[tuple[str, str]]:
    while line := lines.readline().decode().strip():
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()


class SmtpReceiver(Served):
    """Takes mails. ``replies`` says what it answers to a command, such as ``{"RCPT": ["550 who?", "250 OK"]}``.

    The last of a list is repeated. ``starttls`` is the certificate for that command, which is not offered without.
    """

    def __init__(
        self,
        replies: Mapping[str, Iterable[str]] | None = None,
        *,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        slowly: bool = False,
    ) -> None:
        super().__init__(tls)
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.commands: list[str] = []
        self._replies = {command: list(each) for command, each in (replies or {}).items()}
        self._starttls = starttls
        self._slowly = slowly

    def serve(self, connection: socket.socket) -> None:
        with contextlib.ExitStack() as opened:
            self._speak(connection, opened)

    def _speak(self, connection: socket.socket, opened: contextlib.ExitStack) -> None:
        encrypted = False
        recipients: list[str] = []
        lines = opened.enter_context(connection.makefile("rb"))
        self._say(connection, "220 receiver.test ESMTP")
        while line := lines.readline():
            command, _, rest = line.decode().strip().partition(" ")
            command = command.upper()
            self.commands.append(command)
            scripted = self._replies.get(command, [])
            if scripted:
                reply = scripted.pop(0) if len(scripted) > 1 else scripted[0]
                if reply == DROP:
                    return
                self._say(connection, reply)
                continue
            if command == "EHLO":
                offers = ["STARTTLS"] if self._starttls and not encrypted else ["AUTH PLAIN"]
                self._say(connection, *(f"250-{line}" for line in ("receiver.test", *offers)), "250 OK")
            elif command == "STARTTLS" and self._starttls:
                self._say(connection, "220 go on")
                connection = opened.enter_context(self._starttls.wrap_socket(connection, server_side=True))
                lines, encrypted = opened.enter_context(connection.makefile("rb")), True
            elif command == "DATA":
                self._say(connection, "354 go on")
                self._take(lines, recipients)
                self._say(connection, "250 taken")
            elif command == "QUIT":
                self._say(connection, "221 bye")
                return
            else:
                if command == "RCPT":
                    recipients.append(rest)
                self._say(connection, "235 OK" if command == "AUTH" else "250 OK")

    def _take(self, lines: Any, recipients: list[str]) -> None:
        content = bytearray()
        while (line := lines.readline()) not in (b".\r\n", b""):
            content += line.removeprefix(b".") if line.startswith(b"..") else line
        self.recipients.append(list(recipients))
        self.mails.append(message_from_bytes(bytes(content), policy=policy.default))

    def _say(self, connection: socket.socket, *lines: str) -> None:
        for line in lines:
            if not self._slowly:
                connection.sendall(f"{line}\r\n".encode())
                continue
            while not self.closing.wait(0.05):
                # A continued reply, of which the end never comes.
                connection.sendall(f"{line[:3]}-wait\r\n".encode())


def certified(*names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for names: give what a server has of it, and what trusts its authority alone."""
    authority = trustme.CA()
    server, client = (
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    authority.issue_cert(*names).configure_cert(server)
    authority.configure_trust(client)
    return server, client
