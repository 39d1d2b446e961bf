"""Documents that people write in YAML: read, checked against a schema, every mistake with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from marshmallow import Schema, ValidationError

from collector.api.native import flat
from collector.errors import BadRequest, FieldError, Unprocessable


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml, where it is there
    """Reads scalars as YAML 1.2 does: 1.1 takes ``17:30`` for 1050, ``NO`` for false, and a day for more than text."""


class _Dumper(yaml.SafeDumper):
    """Puts texts in quotes that either of the two would take for something else, and refers to nothing above."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] in ("null", "merge")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    for _side in (_Loader, _Dumper):
        _side.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first)
        )
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))


@dataclass(frozen=True, slots=True)
class Written:
    """A document that somebody has written: its data, as a schema has read them, and the line of each part."""

    source: str
    """Its name in errors, such as that of its file."""
    data: dict[str, Any]
    lines: Mapping[str, int]

    def place(self, path: str) -> str:
        """Say where a part is (``$.rules[0].host``), or what it is missing in."""
        known = path
        while known not in self.lines:
            known = known[: max(known.rfind("."), known.rfind("["))]
        return f"{self.source}:{self.lines[known]}: {path}"


def read_document(text: str, schema: Schema, source: str) -> dict[str, Any]:
    """Read a YAML document; ``source`` is its name in the errors, such as that of its file.

    Raises:
        Unprocessable: it is no YAML, has a key twice, or is not as the schema says.
    """
    return read_written(text, schema, source).data


def read_written(text: str, schema: Schema, source: str) -> Written:
    """Read a YAML document as ``read_document`` does, and keep where its parts are, for what is found out later."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        # What is missing at the end is found by some a line further on.
        line = min(error.problem_mark.line, text.count("\n")) + 1 if error.problem_mark else 1
        raise wrong(source, [FieldError(f"{source}:{line}", f"No YAML: {error.problem}.")]) from error
    except yaml.YAMLError as error:
        raise wrong(source, [FieldError(source, f"No YAML: {error}.")]) from error
    lines: dict[str, int] = {}
    twice = [
        FieldError(f"{source}:{line}: {path}", "There is another one above.")
        for path, line in _places(node, "$", set())
        if lines.setdefault(path, line) != line
    ]
    if twice:
        raise wrong(source, twice)
    if not isinstance(data, dict):
        raise wrong(source, [FieldError(f"{source}:1: $", "Keys and values are needed.")])
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        written = Written(source, data, lines)
        raise wrong(
            source,
            [FieldError(written.place(each.path), each.reason) for each in flat({"json": error.messages})],
        ) from error
    return Written(source, loaded, lines)


def write_document(data: Mapping[str, Any]) -> str:
    """Write a document that ``read_document`` reads as the same data."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def read_text(path: Path) -> str:
    """Read a file that somebody has written. Raises BadRequest if it cannot be read, or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{path} is not UTF-8.") from error


def wrong(source: str, errors: list[FieldError]) -> Unprocessable:
    """Make the error that says what is wrong with a document, or with several."""
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
