"""The way in, without any framework: from a request to rows, and from what became of the rows to the answer.

The servers around it (``collector.front`` and ``collector.api.ingest``) do three things in between: they find
out who asks, hand the rows to the log writer, and wait. An answer is 201 or 200 with a body, or an error;
never 202, 204 or a redirection, which clients of OpenLineage take for a failure, or for a success that it is
not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

from collector.auth import INGEST, Principal
from collector.errors import FieldError, Forbidden, NotFound, PayloadTooLarge, TidegateError, Unprocessable
from collector.ingest.answers import JSON, Answer, json_answer, problem_answer
from collector.ingest.decode import split, unwrap
from collector.ingest.intake import refuse, take
from collector.ingest.log import Item, Outcome
from collector.settings import Settings
from collector.storage.event_log import NewEvent

SINGLE: Final = "/api/v1/lineage"
BATCH: Final = "/api/v1/lineage/batch"
ALIAS: Final = "/api/v1/lineage/events"
"""Where wrappers that send arrays post them."""

PATHS: Final = frozenset(path + slash for path in (SINGLE, BATCH, ALIAS) for slash in ("", "/"))
ROOT: Final = "/"
"""Where the Java client posts if its URL ends in a slash: it is told the right path."""

QUESTIONS: Final = frozenset({SINGLE, f"{SINGLE}/"})
"""Where GET asks for lineage, as it does in Marquez."""

METHODS: Final = ("POST",)

LARGE_BODY: Final = 256 * 1024
"""Bytes above which decoding takes milliseconds, so that an event loop should leave it to a thread."""

ACCEPTED: Final = b'{"status":"accepted","duplicate":false}'

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


class MethodNotAllowed(TidegateError):
    """Events are sent with POST."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class Headers(NamedTuple):
    """What of the request's headers matters here; empty if absent."""

    content_type: str
    content_encoding: str
    prefer: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Headers:
        """Pick them from headers with names in lower case."""
        get = headers.get
        return cls(get("content-type", ""), get("content-encoding", ""), get("prefer", ""))


@dataclass(frozen=True, slots=True)
class Failure:
    """An event of a batch that was not taken: its place, and why."""

    index: int
    reason: str


@dataclass(slots=True)
class Prepared:
    """A request whose rows are to be written before it is answered."""

    items: list[Item]
    many: bool
    """Answer as for a batch."""
    wait: float
    """Seconds to wait until the read API shows the events; 0: do not."""
    prefers: bool
    """The client asked to wait."""
    error: Unprocessable | None = None
    """Why a single event is refused, once its body is kept."""
    failures: list[Failure] = field(default_factory=list)
    received: int = 1

    @property
    def hashes(self) -> list[bytes]:
        """The events to wait for."""
        return [item.hash for item in self.items if isinstance(item, NewEvent)]


def is_for_ingest(path: str, method: str) -> bool:
    """Tell whether a request is for the way in, be it to be refused there."""
    if path in PATHS:
        return method not in ("GET", "HEAD") or path not in QUESTIONS
    return path == ROOT and method == "POST"


def allowed_method(path: str, method: str) -> Answer | None:
    """Answer what is no POST to a path of ours; None if it is one."""
    if path == ROOT:
        return problem_answer(NotFound(f"Events are not taken here: send them to {SINGLE}."))
    if method not in METHODS:
        return problem_answer(MethodNotAllowed(), METHODS)
    return None


class Exchange:
    """One request on its way through the log writer: ``work`` is what that calls, ``answer`` is for
    afterwards.
    """

    __slots__ = ("_prepare", "_prepared", "_receiver")

    def __init__(self, receiver: Receiver, prepare: Callable[[], Prepared | Answer]) -> None:
        self._receiver = receiver
        self._prepare = prepare
        self._prepared: Prepared | Answer | None = None

    def work(self) -> Sequence[Item]:
        """Read the request, unless that is done, and give what is to be written."""
        prepared = self._prepared = self._prepared or self._prepare()
        return () if isinstance(prepared, Answer) else prepared.items

    def awaited(self, outcome: Outcome) -> tuple[float, list[bytes]]:
        """Tell for how many seconds to wait, and for which events, until the read API shows them."""
        if not isinstance(self._prepared, Prepared) or outcome.error:
            return 0.0, []
        return self._prepared.wait, self._prepared.hashes

    def answer(self, outcome: Outcome, projected: bool | None) -> Answer:
        """Give the answer, once everything is written or has failed."""
        if isinstance(self._prepared, Prepared):
            return self._receiver.finish(self._prepared, outcome, projected)
        if self._prepared is None:
            return problem_answer(outcome.error or TidegateError("The request was not read."))
        return self._prepared


class Receiver:
    """Turns requests into rows and outcomes into answers; holds no state but the settings."""

    def __init__(self, settings: Settings) -> None:
        self._most_bytes = settings.max_body_bytes
        self._most_events = settings.max_batch_events
        self._always_wait = settings.ack == "projected"
        self._longest_wait = settings.ack_timeout

    def exchange(
        self, path: str, headers: Headers, body: bytes, principal: Principal, received_at: int
    ) -> Exchange:
        """Begin to answer a request; the arguments are those of ``prepare``."""
        return Exchange(self, partial(self.prepare, path, headers, body, principal, received_at))

    def prepare(
        self, path: str, headers: Headers, body: bytes, principal: Principal, received_at: int
    ) -> Prepared | Answer:
        """Read a request. ``received_at`` is in microseconds since 1970-01-01 UTC.

        Gives the answer at once if nothing is to be written.
        """
        try:
            principal.require(INGEST)
            return self._read(path, headers, body, principal, received_at)
        except TidegateError as error:
            return problem_answer(error)

    def finish(self, prepared: Prepared, outcome: Outcome, projected: bool | None = None) -> Answer:
        """Answer a request whose rows were written, or were not.

        ``projected`` tells whether the events are visible in the read API; None if nobody waited for that.
        """
        if outcome.error:
            return problem_answer(outcome.error)
        if prepared.error:
            return problem_answer(prepared.error)
        applied = (("preference-applied", "wait"),) if prepared.prefers and projected is not None else ()
        if prepared.many:
            return json_answer(200, _batch_body(prepared, projected), *applied)
        warnings = [item.warnings for item in prepared.items if isinstance(item, NewEvent) and item.warnings]
        (new,) = outcome.new
        if new and not warnings and projected is None:
            return Answer(201, (JSON,), ACCEPTED)
        answer: dict[str, object] = {"status": "accepted", "duplicate": not new}
        if projected is not None:
            answer["projected"] = projected
        if warnings:
            answer["warnings"] = msgspec.Raw(warnings[0].encode())
        return json_answer(201, answer, *applied)

    def _read(
        self, path: str, headers: Headers, body: bytes, principal: Principal, received_at: int
    ) -> Prepared | Answer:
        unwrapped = unwrap(body, headers.content_type, headers.content_encoding, self._most_bytes)
        wait, prefers = self._wait(headers.prefer)
        try:
            texts, many = split(unwrapped)
        except Unprocessable as error:
            kept = refuse(unwrapped.text, error, received_at)
            return Prepared([kept], many=False, wait=0, prefers=False, error=error)
        many = many or path.startswith(BATCH)
        if len(texts) > self._most_events:
            raise PayloadTooLarge(f"More than {self._most_events} events in one request.")
        prepared = Prepared([], many, wait, prefers, received=len(texts))
        for index, text in enumerate(texts):
            try:
                taken = take(text, received_at)
            except Unprocessable as error:
                prepared.items.append(refuse(text, error, received_at))
                prepared.failures.append(Failure(index, _reason(error.errors) or error.detail))
                prepared.error = error
                continue
            if principal.sees(taken.inspected.namespace):
                prepared.items.append(taken.row)
                continue
            # Not kept: whoever may look at refused bodies could read what this key must not write.
            reason = f"This API key does not write to the namespace {taken.inspected.namespace!r}."
            if not many:
                raise Forbidden(reason)
            prepared.failures.append(Failure(index, reason))
        if many:
            prepared.error = None
        if not prepared.items:
            return self.finish(prepared, Outcome(()))
        return prepared

    def _wait(self, prefer: str) -> tuple[float, bool]:
        asked = _WAIT.search(prefer) if prefer else None
        if asked is None:
            return (self._longest_wait if self._always_wait else 0.0), False
        return min(float(asked[1]), self._longest_wait), True


def _batch_body(prepared: Prepared, projected: bool | None) -> dict[str, object]:
    failed = len(prepared.failures)
    body: dict[str, object] = {
        "status": "partial_success" if failed else "success",
        "summary": {
            "received": prepared.received,
            "successful": prepared.received - failed,
            "failed": failed,
            "retriable": 0,
            "non_retriable": failed,
        },
        "failed_events": [
            {"index": failure.index, "reason": failure.reason, "retriable": False}
            for failure in prepared.failures
        ],
    }
    if projected is not None:
        body["projected"] = projected
    return body


def _reason(errors: tuple[FieldError, ...]) -> str:
    return "; ".join(f"{error.path}: {error.reason}" for error in errors)
