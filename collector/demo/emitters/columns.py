"""Schemas and column lineage of what a step writes."""

from __future__ import annotations

from collections.abc import Iterator

from collector.demo.facets import Json, facet
from collector.demo.model import Step, Table
from collector.demo.occasions import Occasion


def schema(producer: str, occasion: Occasion, table: Table, *, nested: bool = True) -> Json:
    """Write the schema of a table as it was then; nothing if the tool does not know it.

    ``nested`` is for the Python client, which writes the fields of fields even where there are none.
    """
    fields = occasion.fields(table)
    if not fields:
        return {}
    more = {"fields": list[Json]()} if nested else {}
    return facet(producer, "schema", fields=[{**more, "name": name, "type": kind} for name, kind in fields])


def sources(occasion: Occasion, step: Step, table: Table) -> Iterator[tuple[str, list[tuple[Table, str]]]]:
    """Give by column of a written table which columns of read ones it is made of, where that is known."""
    for name, _ in occasion.fields(table):
        wanted = step.derives.get(name)
        found = [
            (read, field)
            for read in step.reads
            for field, _ in occasion.fields(read)
            if (f"{read.short}.{field}" in wanted if wanted else field == name)
        ]
        if found:
            yield name, found
