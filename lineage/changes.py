"""What has changed in a schema or in the code of a job, in words."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

CODE: Final = ("sql", "sourceCode", "sourceCodeLocation")
"""Job facets that say what a job does. Others (``documentation``, ``ownership``) change without it doing otherwise."""

SCHEMA: Final = "schema"

LONGEST_PREFIX: Final = 10_000
"""Characters of the names before that of a column up to which what is in it is read: of names of any length, in events
of any depth, each path would be as long as all those before."""

SHOWN: Final = 5
"""Columns that a sentence names."""


class SchemaChange(NamedTuple):
    """Columns that came, went, or have another type (name, before, after); fields of fields as ``address.city``."""

    added: list[str]
    removed: list[str]
    retyped: list[tuple[str, str | None, str | None]]


def schema_change(before: object, after: object) -> SchemaChange:
    """Compare two ``schema`` facets; None, or what is none, has no columns.

    Tools write the same type in small letters and in capitals; that is no change.
    """
    old, new = dict(columns(before)), dict(columns(after))
    return SchemaChange(
        [name for name in new if name not in old],
        [name for name in old if name not in new],
        [
            (name, old[name], new[name])
            for name in new
            if name in old and (old[name] or "").lower() != (new[name] or "").lower()
        ],
    )


def columns(facet: object) -> Iterator[tuple[str, str | None]]:
    """Give the columns of a ``schema`` facet with their types."""
    waiting: deque[tuple[str, Any]] = deque([("", facet.get("fields") if isinstance(facet, dict) else None)])
    while waiting:
        prefix, fields = waiting.popleft()
        for field in fields if isinstance(fields, list) else []:
            name = field.get("name") if isinstance(field, dict) else None
            if isinstance(name, str) and name:
                kind = field.get("type")
                yield prefix + name, kind if isinstance(kind, str) else None
                if len(prefix) < LONGEST_PREFIX:
                    waiting.append((f"{prefix}{name}.", field.get("fields")))


def schema_words(change: SchemaChange) -> str:
    """Say how a schema has changed."""
    parts = []
    for word, names in (("added", change.added), ("removed", change.removed)):
        if names:
            parts.append(f"{word} {_some(names)}")
    if change.retyped:
        parts.append(
            "changed "
            + _some([f"{name} from {old or '?'} to {new or '?'}" for name, old, new in change.retyped])
        )
    return "; ".join(parts) or "the columns are the same, something else about them has changed"


def _some(words: list[str]) -> str:
    more = len(words) - SHOWN
    return ", ".join(words[:SHOWN]) + (f" and {more} more" if more > 0 else "")
