"""Answers as bytes, ready for any server: what the ways in give back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from collector.errors import TidegateError
from collector.ingest.encodings import ACCEPTED

JSON = ("content-type", "application/json")
PROBLEM = ("content-type", "application/problem+json")


class Answer(NamedTuple):
    """One HTTP answer; header names are in lower case, ``content-length`` is not among them."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def json_answer(status: int, value: object, *headers: tuple[str, str]) -> Answer:
    """Answer with a value as JSON."""
    return Answer(status, (JSON, *headers), msgspec.json.encode(value))


def problem_answer(error: TidegateError, allowed: Sequence[str] = ()) -> Answer:
    """Answer with an error, in the one shape of errors, and with the headers that belong to its status.

    ``allowed`` are the methods that go with status 405.
    """
    headers = [PROBLEM]
    if error.status == 401:
        headers.append(("www-authenticate", "Bearer"))
    elif error.status == 405:
        headers.append(("allow", ", ".join(allowed)))
    elif error.status == 415:
        headers.append(("accept-encoding", ACCEPTED))
    elif error.status == 503:
        # Every client of OpenLineage that tries again heeds this, those in Java only up to five seconds.
        headers.append(("retry-after", "1"))
    return Answer(int(error.status), tuple(headers), msgspec.json.encode(error.problem()))
