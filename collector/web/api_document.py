"""The OpenAPI document of the API, cut up as its page shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "put", "post")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table of parameters or of an answer; ``depth`` is how far it is indented."""

    name: str
    type: str
    words: str
    depth: int = 0
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Line]
    body: list[Line]
    answer: list[Line]
    errors: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Section:
    """The operations of one tag."""

    name: str
    description: str
    operations: list[Operation]


def sections(document: Document) -> Iterator[Section]:
    """Give the operations of an OpenAPI document, tag by tag."""
    schemas: Document = document["components"]["schemas"]
    for tag in document["tags"]:
        operations = [
            _operation(schemas, path, method, item[method])
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item and tag["name"] in item[method]["tags"]
        ]
        yield Section(tag["name"], tag["description"], operations)


def _operation(schemas: Document, path: str, method: str, item: Document) -> Operation:
    content = item.get("requestBody", {}).get("content", {}).get("application/json", {})
    answer = item["responses"]["200"]["content"]["application/json"]["schema"]
    return Operation(
        anchor=re.sub(r"[/{}]+", "-", f"{method}{path.removeprefix('/api/v2')}").strip("-"),
        method=method.upper(),
        path=path,
        summary=item.get("summary", ""),
        description=item.get("description", ""),
        parameters=[
            Line(
                parameter["name"],
                _type(parameter["schema"]),
                parameter.get("description", ""),
                required=parameter.get("required", False),
            )
            for parameter in item.get("parameters", ())
        ],
        body=list(_lines(schemas, content["schema"])) if content else [],
        answer=list(_lines(schemas, answer)),
        errors=[(code, _reason(reply)) for code, reply in sorted(item["responses"].items()) if code >= "4"],
    )


def _reason(reply: Document) -> str:
    name = reply.get("$ref", "").rpartition("/")[2] or reply.get("description", "")
    return str(name).replace("_", " ").lower()


def _lines(
    schemas: Document, schema: Document, depth: int = 0, above: tuple[str, ...] = ()
) -> Iterator[Line]:
    reference = _reference(schema)
    if reference in above:
        return
    resolved = schemas[reference] if reference else schema
    for name, item in resolved.get("properties", {}).items():
        yield Line(
            name, _type(item), item.get("description", ""), depth, name in resolved.get("required", ())
        )
        inner = item.get("items", item)
        yield from _lines(schemas, inner, depth + 1, (*above, reference) if reference else above)


def _reference(schema: Document) -> str:
    """Give the name of the schema that this one is, or is beside null."""
    for part in (schema, *schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if "$ref" in part:
            return str(part["$ref"]).rpartition("/")[2]
    return ""


def _type(schema: Document) -> str:
    kinds = schema.get("type", "object" if _reference(schema) else "any")
    words = [kinds] if isinstance(kinds, str) else list(kinds)
    if "array" in words:
        words[words.index("array")] = f"list of {_type(schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        words[words.index("string")] = "time"
    if "enum" in schema:
        words = [str(value) for value in schema["enum"] if value is not None]
    null_beside = any(
        part.get("type") == "null" for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    )
    return " | ".join([*words, "null"] if null_beside and "null" not in words else words)
