"""What a sender is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from collector.outbound.guard import Guard
from collector.outbound.http import Answer, Http
from collector.redaction import redact
from collector.storage.outbox import Kind as Kind
from triggers.messages import Message
from triggers.rules import Target

SECOND: Final = 1_000_000


class Result(StrEnum):
    """What became of an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    """It did not arrive; trying again may help."""
    UNKNOWN = "unknown"
    """It may have arrived; it is tried again, with the same key."""
    REFUSED = "refused"
    """Trying again will not help."""
    GONE = "gone"
    """The receiver wants to hear no more."""


class Acknowledgement(NamedTuple):
    """Somebody has taken a group of alerts on."""

    group: str
    """What the receiver knows the group by, as in the message."""
    by: str
    note: str | None
    at: int
    """µs UTC."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing to send."""

    kind: Kind
    key: str
    """The same at each attempt; receivers tell by it what they have got already."""
    body: Mapping[str, Any]
    attempt: int
    """1 is the first."""
    at: int
    """When it is sent, µs UTC."""

    @property
    def message(self) -> Message:
        """What a notification or a test says."""
        return Message.read(self.body)

    @property
    def acknowledgement(self) -> Acknowledgement:
        """What an acknowledgement says."""
        return Acknowledgement(**self.body)


@dataclass(frozen=True, slots=True)
class Context:
    """What senders send with. Each must come back within ``timeout`` seconds or little more."""

    guard: Guard
    http: Http
    timeout: float
    allow_commands: bool = False
    """Programs may be run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt, and what follows."""

    result: Result
    status: int | None = None
    """Of HTTP or SMTP."""
    error: str | None = None
    """For people; also what is worth knowing of something that was delivered."""
    retry_after: int | None = None
    """µs that the receiver asked to be left alone."""
    away: bool = False
    """The fault is not with what was sent: anything else would fare the same now."""
    answer: Mapping[str, Any] | None = None
    """What the target said of what it started, as JSON has it: ``run_id``, ``external_id``, ``url``, ``duplicate``,
    ``warning``."""
    looked: bool = False
    """Nothing was asked for yet: the answer is to a look-up before."""

    @property
    def may_have_arrived(self) -> bool:
        """Whether the receiver may have done what it was asked, although it did not say so.

        A server that fails does not say how far it came, and one before it does not know: the same status is given by
        proxies that could not connect, and by those whose connection broke.
        """
        if self.looked:
            return False
        failed = self.status is not None and self.status >= 500
        return self.result is Result.UNKNOWN or (self.result is Result.RETRY and failed)


class Sender(Protocol):
    """Sends things to targets of one kind."""

    def __call__(self, target: Target, parcel: Parcel, context: Context) -> Outcome:
        """Send, once. The options of the target have the values of its secrets.

        Raises:
            Unusable: the options of the target make no sense, so trying again does not either.
            Forbidden, Unreachable, NoAnswer: as ``Http.request`` does.
        """


class Unusable(Exception):
    """A target cannot be sent to as its rule has it."""


def option(target: Target, name: str) -> str:
    """Give an option that must be there; raises ``Unusable``."""
    found = target.options.get(name)
    if not isinstance(found, str) or not found:
        raise Unusable(f"Target {target.id} has no {name}.")
    return found


PAUSES: Final = frozenset({429, 502, 503, 504})
"""Statuses that say something of the receiver as a whole."""

AGAIN: Final = frozenset({408, 425, 429})
"""Statuses below 500 after which trying again may help."""

MOST_SAID: Final = 500
"""Characters of an answer that are kept."""


def outcome_of(answer: Answer, now: int) -> Outcome:
    """Say what an HTTP answer means for a notification; redirects are not followed, and so refused."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome(Result.DELIVERED, status)
    # Before it is cut: of a secret that a server repeats, the beginning would be left over.
    said = redact(" ".join(answer.body.decode("utf-8", "replace").split()))[:MOST_SAID]
    error = f"answered {status}" + (f": {said}" if said else "")
    if 300 <= status < 400:
        return Outcome(Result.REFUSED, status, f"answered {status}: redirects are not followed")
    if status == 410:
        return Outcome(Result.GONE, status, error)
    if status >= 500 or status in AGAIN:
        pause = retry_after(answer.headers.get("retry-after"), now)
        return Outcome(Result.RETRY, status, error, pause, away=status in PAUSES)
    return Outcome(Result.REFUSED, status, error)


def retry_after(header: str | None, now: int) -> int | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3): give µs from ``now``; None if it says nothing that can be read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        # Whoever writes more digits than this means for ever; the reader has its own bounds.
        return int(text[:10]) * SECOND
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0, int((when - datetime.fromtimestamp(now / SECOND, UTC)).total_seconds() * SECOND))
