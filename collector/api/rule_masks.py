"""What targets spell out and may be a secret: the rest of an address, headers, arguments.

Only whoever may do everything sees it; to others ``…`` stands in its place. They may put the rules again all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from collector.api.target_shapes import TARGETS
from collector.errors import FieldError, Unprocessable
from collector.outbound.secrets import Step
from collector.redaction import HIDDEN
from triggers.alerting_documents import ADDRESSES, is_reference
from triggers.documents import Row
from triggers.errors import dotted


def masked(rules: Iterable[Row]) -> list[Row]:
    """Give rules without what their targets spell out; where a secret is, ``env:NAME`` or ``file:PATH``, stays."""
    return [Row(row.kind, row.id, _target(row.body)) if row.kind == "target" else row for row in rules]


def unmasked(rules: Iterable[Row], known: Iterable[Row]) -> list[Row]:
    """Give rules with those targets as they are ``known`` that are just as ``masked`` has them.

    Raises ``Unprocessable`` if another one holds what stands for something hidden.
    """
    targets = {row.id: row for row in known if row.kind == "target"}
    seen = {row.id: row for row in masked(targets.values())}
    found = [targets[row.id] if row == seen.get(row.id) else row for row in rules]
    errors = tuple(
        FieldError(f"$.targets.{row.id}{dotted(path)}", "Is hidden from your key: write it, or `env:NAME`.")
        for row in found
        if row.kind == "target" and row is not targets.get(row.id)
        for path in _hidden(row.body)
    )
    if errors:
        raise Unprocessable("; ".join(f"{each.path}: {each.reason}" for each in errors), errors=errors)
    return found


def _target(body: Mapping[str, Any]) -> dict[str, Any]:
    kind = body["kind"]
    if kind not in TARGETS:
        # Of one of somebody's own nobody here knows what its options mean.
        return {key: value if key in ("id", "kind") else _text(value) for key, value in body.items()}
    found = dict(body)
    for key in ADDRESSES.get(kind, ()):
        if key in found:
            found[key] = _address(found[key])
    if "headers" in found:
        found["headers"] = _text(found["headers"])
    if "command" in found:
        first, *arguments = found["command"]
        found["command"] = [first, *_text(arguments)]
    return found


def _address(url: str) -> str:
    if is_reference(url):
        return url
    parts = urlsplit(url)
    rest = f"{parts.path.strip('/')}{parts.query}{parts.fragment}"
    return f"{parts.scheme}://{parts.netloc}/{HIDDEN}" if rest else url


def _text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_text(inner) for inner in value]
    return HIDDEN if isinstance(value, str) and not is_reference(value) else value


def _hidden(value: Any, *path: Step) -> Iterator[tuple[Step, ...]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _hidden(inner, *path, key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _hidden(inner, *path, number)
    elif isinstance(value, str) and (value == HIDDEN or value.endswith(f"/{HIDDEN}")):
        yield path
