"""Calls of the JSON APIs of orchestrators: what several calls of one attempt share, and what their answers mean.

An attempt may take several calls: look up what is to be started, start it, look whether it will run. All of them
together get the time of one request.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from collector.outbound.guard import Deadline, Unreachable
from collector.outbound.http import Answer, Http, NoAnswer
from collector.outbound.sending import Context, Outcome, Result, outcome_of

MOST_READ: Final = 4 * 1024 * 1024
"""Bytes of an answer that are read: what was looked up is no use when it is cut off."""

UNSURE: Final = frozenset({500, 502, 504})
"""Statuses of a request that may have been carried out all the same; after 503 and 429 it was not."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    answer: Answer
    at: int
    """When the attempt began, µs UTC."""
    reads: bool = False
    """The call only looked."""

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def said(self) -> Mapping[str, Any]:
        """The JSON object that it answered; an empty one for anything else."""
        try:
            found = json.loads(self.answer.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def outcome(self, about: str = "", *, repeatable: bool = True) -> Outcome:
        """Say what an answer means that is not the one hoped for, with ``about`` before the error.

        A request that is not ``repeatable`` would be carried out twice if it was sent twice: what may have been
        carried out is unknown then, and not merely to be tried again. 410 refuses this one thing, not the receiver
        as a whole.
        """
        found = outcome_of(self.answer, self.at)
        result = Result.REFUSED if found.result is Result.GONE else found.result
        if self.status in UNSURE and not (repeatable or self.reads):
            result = Result.UNKNOWN
        if self.ok:
            # Success of a call whose answer makes no sense: something else than the orchestrator is there.
            return Outcome(
                Result.REFUSED, self.status, f"{about}answered {self.status} without what was asked"
            )
        return dataclasses.replace(found, result=result, error=f"{about}{found.error}", looked=self.reads)


@dataclass(frozen=True, slots=True)
class Api:
    """One server, for one attempt."""

    root: str
    """What paths are added to."""
    http: Http
    deadline: Deadline
    at: int
    """When the attempt began, µs UTC."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, root: str, context: Context, at: int, headers: Mapping[str, str] | None = None) -> Api:
        """Begin an attempt: from now on the time of the context runs."""
        return cls(root.rstrip("/"), context.http, Deadline.after(context.timeout), at, headers or {})

    def call(self, method: str, path: str, body: object = None, *, reads: bool = False) -> Reply:
        """Call, with ``body`` as JSON if there is one.

        Raises:
            Forbidden: as ``Http.request`` does.
            Unreachable: nothing was changed: the server was not reached, no time was left, or there was no answer to
                a call that only ``reads``, as ``GET`` does.
            NoAnswer: nobody knows whether the call was carried out.
        """
        headers = {"accept": "application/json", **self.headers}
        content = b""
        if body is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            http = dataclasses.replace(self.http, timeout=self.deadline.left())
        except TimeoutError as error:
            raise Unreachable("No time was left for all calls that this takes.") from error
        url = f"{self.root}{path}"
        reads = reads or method == "GET"
        try:
            answer = http.request(method, url, headers=headers, content=content, most=MOST_READ)
            return Reply(answer, self.at, reads)
        except NoAnswer as error:
            if reads:
                raise Unreachable(str(error)) from error
            raise

    def authorized(self, headers: Mapping[str, str]) -> Api:
        """Give the same with these headers in addition."""
        return dataclasses.replace(self, headers={**self.headers, **headers})

    def link(self, path: str) -> str:
        """Give an address for people, without the password that the root may have."""
        parts = urlsplit(self.root)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], f"{parts.path}{path}", "", ""))


def bearer(token: str) -> dict[str, str]:
    """Give the header for a token."""
    return {"authorization": f"Bearer {token}"}


def segment(name: str) -> str:
    """Give a name as one segment of a path, whatever is in it; ``.`` and ``..`` would be taken for steps."""
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe="")
