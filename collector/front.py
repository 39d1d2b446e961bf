"""The server's face: an ASGI application that takes events itself and leaves everything else to Flask.

Waiting for a commit in a thread each costs more than the work of the request, so the way in waits in the
event loop: it reads and checks a request, hands its rows to the log writer, and answers when that has
committed. The loop is woken once a commit, not once a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from collector.auth import Authenticator, Principal, check_emitter
from collector.errors import PayloadTooLarge, TidegateError
from collector.ingest.answers import Answer, problem_answer
from collector.ingest.log import Done, LogWriter, Outcome
from collector.ingest.receive import LARGE_BODY, Headers, Receiver, allowed_method, is_for_ingest
from collector.ingest.visible import POLL_SECONDS, is_visible
from collector.settings import Settings
from collector.storage.engine import Database
from collector.times import now_us
from collector.wsgi import Application, call_wsgi

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NEEDED = {
    name.encode(): name
    for name in ("authorization", "x-api-key", "content-type", "content-encoding", "prefer", "host", "origin")
}
"""The headers that matter to the way in; decoding all of them takes longer than all else here."""

log = structlog.get_logger(__name__)


class ClientGone(Exception):
    """The client went away before it had sent its request."""


class Front:
    """The ASGI application of one worker process. ``log_writer`` and ``database`` are closed at its
    shutdown.
    """

    def __init__(
        self,
        *,
        receiver: Receiver,
        log_writer: LogWriter,
        wsgi: Application,
        authenticator: Authenticator,
        database: Database,
        settings: Settings,
    ) -> None:
        self._receiver = receiver
        self._log = log_writer
        self._wsgi = wsgi
        self._authenticator = authenticator
        self._database = database
        self._settings = settings
        self._refreshing: asyncio.Future[object] | None = None
        self._active = 0
        self._idle = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop
        # Two pools: requests to Flask that take long must not keep events from being decoded.
        self._requests = ThreadPoolExecutor(settings.request_threads, thread_name_prefix="request")
        self._ingest = ThreadPoolExecutor(2, thread_name_prefix="ingest")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the start and stop of the server."""
        kind = scope["type"]
        if kind == "http":
            self._active += 1
            try:
                await self._handle(scope, receive, send)
            finally:
                self._active -= 1
                if not self._active:
                    self._idle.set()
        elif kind == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def startup(self) -> None:
        """Bind the log writer to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._log.deliver = self._deliver

    async def shutdown(self) -> None:
        """Finish what was accepted, for as long as the settings allow."""
        seconds = self._settings.shutdown_timeout
        closing = self._loop.run_in_executor(None, self._log.close, seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._active:
                    self._idle.clear()
                    await self._idle.wait()
        if not await closing or self._active:
            log.warning("stopping with requests unanswered", requests=self._active)
        self._requests.shutdown(wait=False, cancel_futures=True)
        self._ingest.shutdown(wait=False, cancel_futures=True)
        self._database.close()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.startup()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        try:
            if is_for_ingest(path, scope["method"]):
                answer = await self._take(scope, receive)
            else:
                body = await self._body(scope, receive)
                call = functools.partial(call_wsgi, self._wsgi, scope, body)
                answer = await self._loop.run_in_executor(self._requests, call)
        except ClientGone:
            return
        except TidegateError as error:
            answer = problem_answer(error)
        except Exception:
            log.exception("request failed", path=path)
            answer = problem_answer(TidegateError("Something went wrong here; the server's log has it."))
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _take(self, scope: Scope, receive: Receive) -> Answer:
        path = scope["path"]
        refused = allowed_method(path, scope["method"])
        if refused:
            return refused
        headers = {
            NEEDED[name]: value.decode("latin-1") for name, value in scope["headers"] if name in NEEDED
        }
        principal = await self._authenticate(headers)
        check_emitter(principal, self._settings, headers.get("host"), headers.get("origin"))
        body = await self._body(scope, receive)
        exchange = self._receiver.exchange(path, Headers.of(headers), body, principal, now_us())
        if len(body) > LARGE_BODY:
            await self._loop.run_in_executor(self._ingest, exchange.work)
        written: asyncio.Future[Outcome] = self._loop.create_future()
        self._log.submit(exchange.work, len(body), functools.partial(_settle, written))
        outcome = await written
        seconds, hashes = exchange.awaited(outcome)
        return exchange.answer(outcome, await self._projected(seconds, hashes) if seconds else None)

    async def _authenticate(self, headers: dict[str, str]) -> Principal:
        if self._authenticator.due():
            # One look at the keys for all requests that come meanwhile, and not in the event loop.
            if self._refreshing is None or self._refreshing.done():
                self._refreshing = self._loop.run_in_executor(self._ingest, self._authenticator.refresh)
            await asyncio.shield(self._refreshing)
        return self._authenticator.authenticate(headers)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._settings.max_body_bytes
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise PayloadTooLarge(f"The body is larger than {limit} bytes.")
            chunks.append(chunk)
            if not message.get("more_body"):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _projected(self, seconds: float, hashes: list[bytes]) -> bool:
        deadline = time.monotonic() + seconds
        look = functools.partial(is_visible, self._database, hashes)
        while not await self._loop.run_in_executor(self._requests, look):
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    def _deliver(self, answers: Sequence[tuple[Done, Outcome]]) -> None:
        self._loop.call_soon_threadsafe(_settle_all, answers)


def _settle(written: asyncio.Future[Outcome], outcome: Outcome) -> None:
    # The request may have been cancelled because its client went away.
    if not written.done():
        written.set_result(outcome)


def _settle_all(answers: Sequence[tuple[Done, Outcome]]) -> None:
    for done, outcome in answers:
        done(outcome)
