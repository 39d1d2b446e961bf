"""The way in over HTTP: the same answers from the Flask view and from the ASGI front."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import pytest
from sqlalchemy import select

from collector import wiring
from collector.app import create_app
from collector.errors import DatabaseUnavailable
from collector.front import Front
from collector.ingest.log import LogWriter
from collector.ingest.projector import Projector
from collector.ingest.receive import Receiver
from collector.settings import Settings
from collector.storage import keys
from collector.storage.compression import unpack
from collector.storage.tables import event, inbox, rejected
from collector.times import now_us

LINEAGE = "/api/v1/lineage"
PATHS = [path + slash for path in (LINEAGE, f"{LINEAGE}/batch", f"{LINEAGE}/events") for slash in ("", "/")]
EVENT = {
    "eventType": "START",
    "eventTime": "2026-11-22T05:00:02Z",
    "producer": "https://example.com",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": "01a201ba-6e08-744d-ae84-5750be093100"},
    "job": {"namespace": "shop", "name": "orders"},
}


class Reply(NamedTuple):
    """An answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client(Protocol):
    """What sends requests to the server under test."""

    services: wiring.Services

    def send(
        self, path: str, body: bytes = b"", headers: dict[str, str] | None = None, method: str = "POST"
    ) -> Reply: ...

    def close(self) -> None: ...


class FlaskClient:
    """Sends requests to the Flask application."""

    def __init__(self, settings: Settings) -> None:
        self.services = wiring.services(settings)
        self._client = create_app(self.services).test_client()

    def send(
        self, path: str, body: bytes = b"", headers: dict[str, str] | None = None, method: str = "POST"
    ) -> Reply:
        answer = self._client.open(path, method=method, data=body, headers=headers)
        return Reply(answer.status_code, {k.lower(): v for k, v in answer.headers}, answer.data)

    def close(self) -> None:
        self.services.close()


class FrontClient:
    """Sends requests to the ASGI front, in an event loop of its own, the body in parts as a server does."""

    def __init__(self, settings: Settings) -> None:
        self.services = wiring.services(settings)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.front = Front(
            receiver=Receiver(settings),
            log_writer=LogWriter(self.services.database, queue_limit=settings.queue_limit),
            wsgi=create_app(self.services),
            authenticator=self.services.authenticator,
            database=self.services.database,
            settings=settings,
        )
        self.run(self.front.startup())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def send(
        self, path: str, body: bytes = b"", headers: dict[str, str] | None = None, method: str = "POST"
    ) -> Reply:
        reply: Reply = self.run(self._send(path, body, headers or {}, method))
        return reply

    async def _send(self, path: str, body: bytes, headers: dict[str, str], method: str) -> Reply:
        parts = [body[i : i + 1000] for i in range(0, len(body), 1000)] or [b""]
        messages: Iterator[dict[str, Any]] = iter(
            {"type": "http.request", "body": part, "more_body": i < len(parts) - 1}
            for i, part in enumerate(parts)
        )
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "server": ("127.0.0.1", 5000),
            "client": ("127.0.0.1", 40000),
        }
        await self.front(scope, receive, send)
        start, *rest = sent
        given = {k.decode(): v.decode() for k, v in start["headers"]}
        return Reply(start["status"], given, b"".join(message["body"] for message in rest))

    def close(self) -> None:
        self.run(self.front.shutdown())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database=database_url, max_body_bytes=200_000, max_batch_events=100, ack_timeout=0.5)


@pytest.fixture(params=[FlaskClient, FrontClient])
def client(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Client]:
    made: Client = request.param(settings)
    yield made
    made.close()


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def count(client: Client, table: Any) -> int:
    with client.services.database.read() as conn:
        return len(conn.execute(select(table)).all())


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", [LINEAGE, f"{LINEAGE}/", f"{LINEAGE}/events", f"{LINEAGE}/events/"])
def test_one_event_is_201_with_a_body(client: Client, path: str) -> None:
    reply = client.send(path, encoded(EVENT), JSON)
    assert (reply.status, reply.json) == (201, {"status": "accepted", "duplicate": False})
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert "location" not in reply.headers
    with client.services.database.read() as conn:
        (row,) = conn.execute(select(event)).all()
    assert unpack(row.body) == encoded(EVENT)
    assert (row.kind, row.event_type, row.size, row.warnings) == ("run", "START", len(encoded(EVENT)), None)
    assert count(client, inbox) == 1


def test_a_duplicate_is_accepted_and_stored_once(client: Client) -> None:
    assert client.send(LINEAGE, encoded(EVENT), JSON).json["duplicate"] is False
    again = client.send(LINEAGE, json.dumps(EVENT, indent=1, sort_keys=True).encode(), JSON)
    assert (again.status, again.json) == (201, {"status": "accepted", "duplicate": True})
    assert (count(client, event), count(client, inbox)) == (1, 1)


def test_warnings_are_told_and_kept(client: Client) -> None:
    reply = client.send(LINEAGE, encoded(EVENT | {"eventType": "start"}), JSON)
    assert reply.json["warnings"] == ["$.eventType: 'start' is not in the specification"]
    with client.services.database.read() as conn:
        assert json.loads(conn.execute(select(event.c.warnings)).scalar_one()) == reply.json["warnings"]


@pytest.mark.parametrize("path", PATHS)
def test_an_array_is_answered_by_event(client: Client, path: str) -> None:
    other = EVENT | {"eventTime": "2026-11-22T05:00:03Z"}
    reply = client.send(path, encoded([EVENT, {"run": {}}, other, EVENT, 7]), JSON)
    assert reply.status == 200
    assert reply.json == {
        "status": "partial_success",
        "summary": {"received": 5, "successful": 3, "failed": 2, "retriable": 0, "non_retriable": 2},
        "failed_events": [
            {
                "index": 1,
                "reason": "$.eventTime: is missing; $.run.runId: is missing; $.job: is missing",
                "retriable": False,
            },
            {"index": 4, "reason": "$: must be an object, not a number", "retriable": False},
        ],
    }
    assert (count(client, event), count(client, rejected)) == (2, 2)


def test_an_empty_array_is_a_success(client: Client) -> None:
    reply = client.send(LINEAGE, b"[]", JSON)
    summary = {"received": 0, "successful": 0, "failed": 0, "retriable": 0, "non_retriable": 0}
    assert (reply.status, reply.json) == (200, {"status": "success", "summary": summary, "failed_events": []})


def test_a_single_event_on_the_batch_path_is_a_batch_of_one(client: Client) -> None:
    reply = client.send(f"{LINEAGE}/batch", encoded(EVENT), JSON)
    assert (reply.status, reply.json["summary"]["successful"]) == (200, 1)


def test_a_batch_that_fails_as_a_whole_says_so_by_event(client: Client) -> None:
    reply = client.send(f"{LINEAGE}/batch", b"[1, 2]", JSON)
    assert (reply.status, reply.json["status"], reply.json["summary"]["failed"]) == (
        200,
        "partial_success",
        2,
    )


def test_lines_are_events(client: Client) -> None:
    body = encoded(EVENT) + b"\n{bad\n\n" + encoded(EVENT | {"eventType": "FAIL"}) + b"\n"
    reply = client.send(LINEAGE, body, {"Content-Type": "application/x-ndjson"})
    assert (reply.status, reply.json["summary"]["successful"], reply.json["summary"]["failed"]) == (200, 2, 1)
    assert reply.json["failed_events"][0]["index"] == 1


def test_a_refused_event_is_422_and_kept(client: Client) -> None:
    body = encoded(EVENT | {"eventTime": 5})
    for _ in range(2):
        reply = client.send(LINEAGE, body, JSON)
    assert reply.status == 422
    assert reply.headers["content-type"] == "application/problem+json"
    errors = [{"path": "$.eventTime", "reason": "must be a date-time string, not a number"}]
    assert reply.json == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "The event cannot be recorded.",
        "errors": errors,
    }
    with client.services.database.read() as conn:
        (row,) = conn.execute(select(rejected)).all()
    assert unpack(row.body) == body
    assert row._mapping["count"] == 2
    assert json.loads(row.errors) == errors
    assert row.received_at < row.last_received_at


@pytest.mark.parametrize("body", [b"{", b"not json", b"[1,", b"\xff\xfe\xfd", b"[" * 100_000])
def test_what_is_not_json_is_422_and_kept(client: Client, body: bytes) -> None:
    reply = client.send(LINEAGE, body, JSON)
    if body.startswith(b"\xff\xfe"):
        assert reply.status == 400
        return
    assert (reply.status, reply.json["detail"]) == (422, "The body is not JSON.")
    assert count(client, rejected) == 1


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(encoded(EVENT)), "gzip"),
        (zlib.compress(encoded(EVENT)), "deflate"),
        (encoded(EVENT), "identity"),
    ],
)
def test_encodings_are_undone(client: Client, body: bytes, encoding: str) -> None:
    assert client.send(LINEAGE, body, JSON | {"Content-Encoding": encoding}).status == 201
    assert count(client, event) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"junk", JSON | {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(encoded(EVENT))[:-5], JSON | {"Content-Encoding": "gzip"}, 400),
        (encoded(EVENT), JSON | {"Content-Encoding": "br"}, 415),
        (encoded(EVENT), {"Content-Type": "application/xml"}, 415),
        (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (encoded(EVENT | {"x": "x" * 200_000}), JSON, 413),
        (gzip.compress(bytes(10_000_000)), JSON | {"Content-Encoding": "gzip"}, 413),
        (encoded([EVENT] * 101), JSON, 413),
    ],
)
def test_other_errors_are_problems_and_nothing_is_kept(
    client: Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    reply = client.send(LINEAGE, body, headers)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["status"] == status
    assert reply.json["detail"]
    assert reply.headers.get("accept-encoding") == (
        "gzip, zstd, deflate, identity" if status == 415 else None
    )
    assert (count(client, event), count(client, rejected)) == (0, 0)


def test_other_methods_are_405(client: Client) -> None:
    for path in PATHS:
        # GET of the path for single events asks for lineage.
        for method in ("PUT", "DELETE", "PATCH", *(("GET",) if path.rstrip("/") != LINEAGE else ())):
            reply = client.send(path, b"", {}, method)
            assert (reply.status, reply.headers["allow"], reply.json["status"]) == (405, "POST", 405)


def test_the_root_names_the_right_path(client: Client) -> None:
    reply = client.send("/", encoded(EVENT), JSON)
    assert reply.status == 404
    assert LINEAGE in reply.json["detail"]


def make_key(client: Client, *scopes: str, namespaces: tuple[str, ...] = ()) -> str:
    with client.services.database.write() as conn:
        key, _ = keys.create(conn, "test", scopes, namespaces, now_us())
    client.services.authenticator.refresh()
    return key


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_key_lets_in(client: Client, header: str) -> None:
    key = make_key(client, "ingest")
    value = f"Bearer {key}" if header == "Authorization" else key
    assert client.send(LINEAGE, encoded(EVENT), JSON | {header: value}).status == 201


def test_without_a_key_401_and_with_the_wrong_scope_403(client: Client) -> None:
    key = make_key(client, "read")
    reply = client.send(LINEAGE, encoded(EVENT), JSON)
    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert client.send(LINEAGE, encoded(EVENT), JSON | {"X-API-Key": "wrong"}).status == 401
    assert client.send(LINEAGE, encoded(EVENT), JSON | {"X-API-Key": key}).status == 403
    assert count(client, event) == 0


def test_without_keys_no_page_of_a_stranger_sends_events(client: Client) -> None:
    body = encoded(EVENT)
    # Under a name of theirs that means this machine, even the page itself is of one origin with us.
    for origin, host in (
        ("https://evil.example", "localhost:5000"),
        ("null", "localhost:5000"),
        ("http://localhost:81", "localhost:5000"),
        ("http://evil.example:5000", "evil.example:5000"),
    ):
        for path in PATHS:
            # No browser asks beforehand whether it may send a body of no type.
            assert client.send(path, body, {"origin": origin, "host": host}).status == 403, (origin, path)
    assert (count(client, event), count(client, rejected)) == (0, 0)
    # Emitters do not say where they come from, and call this machine what their container calls it.
    for headers in (
        {"host": "host.docker.internal:5000"},
        {"origin": "http://localhost:5000", "host": "localhost:5000"},
    ):
        assert client.send(LINEAGE, body, headers).status == 201
    keyed = {"origin": "https://tools.example", "x-api-key": make_key(client, "ingest")}
    assert client.send(LINEAGE, body, keyed).status == 201


def test_a_key_of_some_namespaces_writes_only_to_those(client: Client) -> None:
    headers = JSON | {"X-API-Key": make_key(client, "ingest", namespaces=("shop*", "pg"))}
    other = EVENT | {"job": {"namespace": "other", "name": "x"}}
    dataset = {"eventTime": EVENT["eventTime"], "dataset": {"namespace": "pg", "name": "t"}}
    assert client.send(LINEAGE, encoded(EVENT), headers).status == 201
    assert client.send(LINEAGE, encoded(dataset), headers).status == 201
    refused = client.send(LINEAGE, encoded(other), headers)
    assert (refused.status, "'other'" in refused.json["detail"]) == (403, True)
    reply = client.send(LINEAGE, encoded([other, EVENT]), headers)
    assert (reply.json["summary"]["successful"], reply.json["failed_events"][0]["index"]) == (1, 0)
    assert (count(client, event), count(client, rejected)) == (2, 0)


def test_prefer_wait_answers_when_visible(client: Client) -> None:
    stop = threading.Event()
    projector = Projector(client.services.database, holder="test")
    thread = threading.Thread(target=projector.run, args=(stop,))
    thread.start()
    try:
        reply = client.send(LINEAGE, encoded(EVENT), JSON | {"Prefer": "respond-async, wait=5"})
    finally:
        stop.set()
        thread.join()
    assert (reply.status, reply.json["projected"]) == (201, True)
    assert reply.headers["preference-applied"] == "wait"


def test_prefer_wait_does_not_wait_for_ever(client: Client) -> None:
    for body, status in ((encoded(EVENT), 201), (encoded([EVENT]), 200)):
        reply = client.send(LINEAGE, body, JSON | {"Prefer": "wait=0"})
        assert (reply.status, "projected" in reply.json) == (status, False)
        reply = client.send(LINEAGE, body, JSON | {"Prefer": "wait=60"})
        assert (reply.status, reply.json["projected"]) == (status, False)


def test_a_database_that_is_away_is_503_with_retry_after(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.send(LINEAGE, encoded(EVENT), JSON)

    def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(type(client.services.database), "write", away)
    reply = client.send(LINEAGE, encoded(EVENT | {"eventType": "FAIL"}), JSON)
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert reply.headers["content-type"] == "application/problem+json"
    monkeypatch.undo()
    for _ in range(100):
        reply = client.send(LINEAGE, encoded(EVENT | {"eventType": "FAIL"}), JSON)
        if reply.status == 201:
            break
        threading.Event().wait(0.05)
    assert reply.status == 201


def test_everything_else_is_answered_by_flask(client: Client) -> None:
    assert client.send("/livez", method="GET").json == {"status": "ok"}
    assert client.send("/api/v2/jobs?limit=1", method="GET").json["items"] == []
    missing = client.send("/nothing", method="GET")
    assert (missing.status, missing.headers["content-type"]) == (404, "application/problem+json")
