"""Documents that people write in YAML: read, checked against a schema, every mistake with its line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from marshmallow import Schema, ValidationError

from collector.api.native import flat
from collector.errors import FieldError, Unprocessable


def read_document(text: str, schema: Schema, source: str) -> dict[str, Any]:
    """Read a YAML document; ``source`` is its name in the errors, such as that of its file.

    Raises:
        Unprocessable: it is no YAML, has a key twice, or is not as the schema says.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _wrong(source, [FieldError(f"{source}:{line}", f"No YAML: {error.problem}.")]) from error
    except yaml.YAMLError as error:
        raise _wrong(source, [FieldError(source, f"No YAML: {error}.")]) from error
    lines: dict[str, int] = {}
    twice = [
        FieldError(f"{source}:{line}: {path}", "There is another one above.")
        for path, line in _places(node, "$", set())
        if lines.setdefault(path, line) != line
    ]
    if twice:
        raise _wrong(source, twice)
    if not isinstance(data, dict):
        raise _wrong(source, [FieldError(f"{source}:1: $", "Keys and values are needed.")])
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        wrong = [
            FieldError(f"{source}:{_line(each.path, lines)}: {each.path}", each.reason)
            for each in flat({"json": error.messages})
        ]
        raise _wrong(source, wrong) from error
    return loaded


def _wrong(source: str, errors: list[FieldError]) -> Unprocessable:
    return Unprocessable(f"{source} cannot be used.", errors=tuple(errors))


def _places(node: yaml.Node | None, path: str, above: set[int]) -> Iterator[tuple[str, int]]:
    """Give the path of each part, as errors write it, and its line."""
    # A document may refer to a part of itself many times, even from within.
    if node is None or id(node) in above:
        return
    above.add(id(node))
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = f"{path}.{key.value}"
            yield place, key.start_mark.line + 1
            yield from ((inner, line) for inner, line in _places(value, place, above) if inner != place)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _places(item, f"{path}[{number}]", above)


def _line(path: str, lines: dict[str, int]) -> int:
    """Give the line of a part, or of what it is missing in."""
    while path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["))]
    return lines[path]
