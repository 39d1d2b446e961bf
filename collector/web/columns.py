"""The columns of a dataset as its page shows them: type, words, tags, since when, and where the values come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from collector.api import graph
from collector.errors import NotFound, Unprocessable
from collector.web.asking import ask
from collector.web.entities import facet
from lineage.changes import LONGEST_PREFIX

Document = Mapping[str, Any]

MOST: Final = 300
"""Columns of a page; ``/api/v2/dataset`` has all of them."""


@dataclass(frozen=True, slots=True)
class Source:
    """A column that a column is made from; ``indirect``: it only decides which rows there are."""

    dataset: Document
    field: str | None
    indirect: bool
    words: str
    """What is done to it on the way."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where columns come from, by name; under None, what holds for all of them."""

    by_column: Mapping[str | None, list[Source]] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """A column; of a field of a field ``name`` is the last part, and ``depth`` how deep it lies."""

    name: str
    depth: int
    type: str | None
    description: str | None
    tags: list[str]
    since: str | None
    """When it was first seen (ISO 8601); None: nobody knows."""
    sources: list[Source]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a dataset, at most ``MOST``; ``more`` are left out. ``common`` are sources of all of them."""

    shown: list[Column]
    more: int
    common: list[Source]
    traced: bool
    """Whether anything is known of where values come from."""
    complete: bool


def sources_of(dataset: Document) -> Sources:
    """Ask for the columns that those of a dataset are made from, one step upstream."""
    node = f"dataset:{dataset['namespace']}:{dataset['name']}"
    asked = {"node": node, "level": "column", "direction": "upstream", "depth": "1"}
    try:
        found = ask(graph.get_lineage, asked)
    except (NotFound, Unprocessable):
        return Sources()  # no columns are known; or names with colons can be read in more than one way
    nodes = {each["id"]: each for each in found["nodes"]}
    by_column: dict[str | None, list[Source]] = defaultdict(list)
    for edge in found["edges"]:
        target, source = nodes.get(edge["to"]), nodes.get(edge["from"])
        if target is not None and source is not None and target["depth"] == 0:
            by_column[target["field"]].append(_source(edge, source))
    return Sources(by_column, not found["truncated"])


def _source(edge: Document, node: Document) -> Source:
    done = [
        " ".join(filter(None, (each["type"], each["subtype"], "masked" if each["masking"] else None)))
        for each in edge["transformations"]
    ]
    return Source(node, node["field"], edge["indirect"], ", ".join(dict.fromkeys(filter(None, done))))


def columns_of(dataset: Document, versions: Document, sources: Sources) -> Columns:
    """Put together what is known of each column; ``versions`` are its schemas, the newest first."""
    since, tags = _since(versions["items"]), _tags(dataset["facets"])
    every = list(_fields(dataset["fields"]))
    # Facets about columns name those that no schema has told of, too.
    known = {path for path, _, _ in every}
    every += [
        (name, 0, {"name": name}) for name in sources.by_column if name is not None and name not in known
    ]
    shown = [
        Column(
            str(entry.get("name")),
            depth,
            entry["type"] if isinstance(entry.get("type"), str) else None,
            entry["description"] if isinstance(entry.get("description"), str) else None,
            tags.get(path, []),
            since.get(path),
            sources.by_column.get(path, []),
        )
        for path, depth, entry in every[:MOST]
    ]
    common = sources.by_column.get(None, [])
    return Columns(shown, len(every) - len(shown), common, bool(sources.by_column), sources.complete)


def _fields(fields: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Give the columns of a schema with their paths, those of a field behind it. Events nest as deep as they like."""
    waiting = [(prefix, depth, each) for each in reversed(fields if isinstance(fields, list) else [])]
    while waiting:
        prefix, depth, entry = waiting.pop()
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            continue
        path = prefix + entry["name"]
        yield path, depth, entry
        inner = entry.get("fields") if len(prefix) < LONGEST_PREFIX else None
        waiting += [
            (f"{path}.", depth + 1, each) for each in reversed(inner if isinstance(inner, list) else [])
        ]


def _since(versions: list[Document]) -> dict[str, str]:
    """Give since when each column of the newest schema has been there without a pause."""
    found: dict[str, str] = {}
    still: set[str] | None = None
    for version in versions:
        paths = {path for path, _, _ in _fields(version["fields"])}
        still = paths if still is None else still & paths
        found.update(dict.fromkeys(still, str(version["first_seen_at"])))
    return found


def _tags(facets: Document) -> dict[str, list[str]]:
    """Give the tags that the ``tags`` facet puts on columns."""
    found: dict[str, list[str]] = defaultdict(list)
    listed = facet(facets, "tags").get("tags")
    for entry in listed if isinstance(listed, list) else []:
        if (
            isinstance(entry, dict)
            and isinstance(entry.get("field"), str)
            and isinstance(entry.get("key"), str)
        ):
            value = entry.get("value")
            plain = value in (None, "", "true", True)
            found[entry["field"]].append(entry["key"] if plain else f"{entry['key']}:{value}")
    return found
