"""Reading the JSON bodies of write requests: what is missing is 422 with the field's name, what is no JSON 400."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from collector.api.marquez.refusals import invalid_body
from collector.api.services import services
from collector.errors import BadRequest
from collector.ingest.decode import NotJson, parse_json, unwrap
from lineage.instants import parse_instant

Pair = tuple[str, str]
"""(namespace, name)."""


class Body:
    """The members of a JSON object. What is wrong is collected; ``check`` raises all of it at once.

    Members that are not asked for are ignored, as clients of several versions send their own.
    """

    def __init__(self, values: Mapping[str, Any], place: str = "") -> None:
        self._values = values
        self._place = place
        self._wrong: list[str] = []

    def text(self, name: str) -> str | None:
        """Give a text; None if it is not there."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            self._refuse(name, "must be a string")
            return None
        return value

    def needed(self, name: str) -> str:
        """Give a text that must be there."""
        if self._values.get(name) is None:
            self._refuse(name, "must not be null")
        return self.text(name) or ""

    def word(self, name: str, choices: Sequence[str]) -> str:
        """Give one of several words, in capitals, that must be there."""
        value = self.needed(name).upper()
        if value and value not in choices:
            self._refuse(name, f"must be one of [{', '.join(choices)}]")
        return value if value in choices else choices[0]

    def instant(self, name: str) -> int | None:
        """Give a time in µs UTC; None if it is not there."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse_instant(value)[0]
        except ValueError:
            self._refuse(name, "must be a time such as 2026-11-22T05:00:00Z")
            return None

    def texts(self, name: str) -> list[str]:
        """Give a list of texts; none if it is not there."""
        found = self._list(name)
        if all(isinstance(value, str) for value in found):
            return found
        self._refuse(name, "must be a list of strings")
        return []

    def pairs(self, name: str) -> list[Pair]:
        """Give a list of objects with ``namespace`` and ``name``."""
        return [(each.needed("namespace"), each.needed("name")) for each in self.objects(name)]

    def objects(self, name: str) -> list[Body]:
        """Give a list of objects; what is wrong in them is wrong here."""
        found = []
        for index, value in enumerate(self._list(name)):
            if isinstance(value, dict):
                inner = Body(value, f"{self._place}{name}[{index}].")
                inner._wrong = self._wrong
                found.append(inner)
            else:
                self._refuse(f"{name}[{index}]", "must be an object")
        return found

    def map(self, name: str) -> dict[str, str]:
        """Give an object of texts."""
        value = self._values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            self._refuse(name, "must be an object of strings")
            return {}
        return value

    def check(self) -> None:
        """Raise ``Unprocessable`` if anything that was asked for is wrong."""
        if self._wrong:
            raise invalid_body(*self._wrong)

    def _list(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self._refuse(name, "must be a list")
            return []
        return value

    def _refuse(self, name: str, reason: str) -> None:
        self._wrong.append(f"{self._place}{name} {reason}")


def body_of() -> Body:
    """Read the body of the request; an empty one is an object without members. Raises ``BadRequest``."""
    limit = services().settings.max_body_bytes
    data = request.stream.read(limit + 1)
    if not data:
        return Body({})
    headers = request.headers
    text = unwrap(data, headers.get("Content-Type", ""), headers.get("Content-Encoding", ""), limit).text
    try:
        value, _ = parse_json(text)
    except NotJson as error:
        raise BadRequest(f"Unable to process JSON: {error.detail}") from error
    if value is None:
        return Body({})
    if not isinstance(value, dict):
        raise BadRequest("Unable to process JSON: an object is expected.")
    return Body(value)
