"""Query parameters as Dropwizard reads them: what is no number is 404, what is out of bounds 400."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from flask import request

from collector.api.marquez.refusals import NoSuchPath, invalid_query
from collector.api.services import services
from collector.errors import BadRequest

DEFAULT_LIMIT = 100

GREATEST = 2**31 - 1
"""What Marquez's numbers hold."""

BLANKS = str.maketrans({"-": "_", ".": "_", " ": "_"})


class Slice(NamedTuple):
    """A part of a list: from ``offset`` on, at most ``limit``."""

    limit: int
    offset: int


def page(limit: int = DEFAULT_LIMIT) -> Slice:
    """Read ``limit`` and ``offset``. Any limit may be asked for; no answer has more items than ``max_page``."""
    return Slice(min(whole("limit", limit), services().settings.max_page), whole("offset", 0))


def whole(name: str, default: int, least: int | None = 0) -> int:
    """Read a number. Raises ``NoSuchPath`` for what is none, ``BadRequest`` below ``least``."""
    value = request.args.get(name)
    if value is None or value == "":
        return default
    digits = value.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10) or abs(int(value)) > GREATEST:
        raise NoSuchPath
    if least is not None and int(value) < least:
        raise invalid_query(f"query param {name} must be greater than or equal to {least}")
    return int(value)


def required(name: str) -> str:
    """Read a text that must be there. Raises ``BadRequest``."""
    value = request.args.get(name)
    if value is None:
        raise invalid_query(f"query param {name} must not be null")
    return value


def flag(name: str) -> bool:
    """Read a truth value as Java does: ``true`` in any letter case, or not."""
    return request.args.get(name, "").lower() == "true"


def one_of(name: str, choices: Sequence[str], value: str) -> str:
    """Give the choice that is meant, whatever its letter case and its dashes. Raises ``BadRequest``."""
    meant = value.strip().translate(BLANKS).upper()
    if meant not in choices:
        raise BadRequest(f"query param {name} must be one of [{', '.join(choices)}]")
    return meant


def choice(name: str, choices: Sequence[str], default: str) -> str:
    """Read one of several words."""
    value = request.args.get(name)
    return default if value is None or value == "" else one_of(name, choices, value)


def each_choice(name: str, choices: Sequence[str]) -> list[str]:
    """Read a parameter that may be given several times, each time one of several words."""
    return [one_of(name, choices, value) for value in request.args.getlist(name)]


def uuid_of(text: str) -> uuid.UUID:
    """Read a UUID of a path. Raises ``NoSuchPath``: to Marquez a path with another text there is no path of its own."""
    if len(text) != 36:
        raise NoSuchPath
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NoSuchPath from error
