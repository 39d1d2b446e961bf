"""Reading bodies part by part, so that an error knows in which part it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from triggers.errors import RuleError

T = TypeVar("T")
Body = Mapping[str, Any]

WORDS: Final[Mapping[type, str]] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "keys and values",
}
"""What people call the forms that values have."""


def part(key: str | int, make: Callable[[Any], T], given: Any) -> T:
    """Make something of a part of a body. Raises RuleError, which leads into that part."""
    try:
        return make(given)
    except RuleError as error:
        error.under(key)
        raise


def each(key: str, make: Callable[[Any], T], body: Body) -> tuple[T, ...]:
    """Make something of each item of a list; nothing where there is none."""
    items = enumerate(body.get(key, ()))
    return part(key, lambda items: tuple(part(number, make, item) for number, item in items), items)
