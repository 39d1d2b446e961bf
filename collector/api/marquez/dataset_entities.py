"""Datasets and their versions as Marquez writes them: as many statements for one as for a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from collector.api.encoding import stored
from collector.api.marquez import facet_values
from collector.api.marquez.declarations import OWN_FACET
from collector.api.marquez.job_entities import read_facet
from collector.api.marquez.run_entities import Entity, Sees, run_entities
from collector.storage.facet_reads import FacetVersion, facets_of
from collector.storage.marquez.dataset_pages import DatasetRow, dataset_rows, tags_of
from collector.storage.marquez.dataset_versions import DatasetVersion, current_version, facets_at
from collector.storage.marquez.identifiers import name_uuid
from collector.storage.runs import runs_by_id
from collector.storage.visibility import Visible
from collector.times import iso
from lineage.facets import text

DEFAULT_SOURCE = "default"
"""Where Marquez puts datasets of which no event has named the source."""

Facets = Mapping[str, FacetVersion]
Tags = Mapping[str, Sequence[str]]
"""By field; those of the whole under the empty field."""


def dataset_entities(conn: Connection, ids: Sequence[int], sees: Sees) -> list[Entity]:
    """Give datasets in the order of ``ids``; what is known of them by other names is known of them."""
    rows = dataset_rows(conn, ids, sees)
    names = sorted({name for row in rows.values() for name in row.names})
    facets = facets_of(conn, names)
    tags = tags_of(conn, names)
    return [
        _entity(rows[id_], _newest(rows[id_], facets), _all_tags(rows[id_], tags), sees)
        for id_ in ids
        if id_ in rows
    ]


def version_entities(
    conn: Connection, row: DatasetRow, versions: Sequence[DatasetVersion], *, visible: Visible, sees: Sees
) -> list[Entity]:
    """Give versions of a dataset, each with the schema and facets of its time and the run that made it."""
    facets = facets_at(conn, row.names, [version.created_at for version in versions])
    tags = _all_tags(row, tags_of(conn, row.names))
    runs = runs_by_id(conn, {version.run_row for version in versions}, visible)
    written = run_entities(conn, list(runs.values()), sees)
    return [
        _version(row, version, some, tags, written.get(version.run_row))
        for version, some in zip(versions, facets, strict=True)
    ]


def _newest(row: DatasetRow, facets: Mapping[int, Facets]) -> dict[str, FacetVersion]:
    newest: dict[str, FacetVersion] = {}
    # Its own name last, so that of two seen at the same time its own counts.
    for name in sorted(row.names, key=lambda id_: id_ == row.named.id):
        for key, version in facets.get(name, {}).items():
            if key not in newest or newest[key].last_seen_at <= version.last_seen_at:
                newest[key] = version
    return newest


def _all_tags(row: DatasetRow, tags: Mapping[int, Tags]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for name in row.names:
        for field, some in tags.get(name, {}).items():
            found.setdefault(field, set()).update(some)
    return {field: sorted(some) for field, some in found.items()}


def _described(row: DatasetRow, facets: Facets, tags: Tags) -> Entity:
    """Give what a dataset and each of its versions have in common."""
    name, nothing = row.named, None
    fields: list[dict[str, Any]] = read_facet(facets, "schema", facet_values.fields, [])
    kind = read_facet(facets, "datasetType", facet_values.dataset_type, "DB_TABLE")
    shared = {
        "id": {"namespace": name.namespace, "name": name.name},
        "type": kind,
        "name": name.name,
        "physicalName": _own(facets, "physicalName") or name.name,
        "namespace": name.namespace,
        "sourceName": read_facet(facets, "dataSource", facet_values.source_name, nothing) or DEFAULT_SOURCE,
        "fields": [field | {"tags": list(tags.get(field["name"], ()))} for field in fields],
        "tags": list(tags.get("", ())),
        "description": read_facet(facets, "documentation", facet_values.description, nothing),
        "facets": stored(dict(facets)),
    }
    return shared | ({"schemaLocation": _own(facets, "schemaLocation")} if kind == "STREAM" else {})


def _entity(row: DatasetRow, facets: Facets, tags: Tags, sees: Sees) -> Entity:
    columns = read_facet(facets, "columnLineage", facet_values.column_lineage, None)
    for column in columns or ():
        column["inputFields"] = [each for each in column["inputFields"] if sees(each["namespace"] or "")]
    state = read_facet(facets, "lifecycleStateChange", facet_values.lifecycle, None)
    changed = facets["lifecycleStateChange"].last_seen_at if state else 0
    written = None if row.written is None else row.written[0]
    return _described(row, facets, tags) | {
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
        "lastModifiedAt": iso(written),
        "lastLifecycleState": state,
        "currentVersion": current_version(row).uuid,
        "columnLineage": columns,
        "deleted": state == "DROP" and (written is None or written <= changed),
    }


def _version(
    row: DatasetRow, version: DatasetVersion, facets: Facets, tags: Tags, run: Entity | None
) -> Entity:
    described = _described(row, facets, tags)
    return described | {
        "createdAt": iso(version.created_at),
        "version": version.uuid,
        "lifecycleState": read_facet(facets, "lifecycleStateChange", facet_values.lifecycle, None),
        "currentSchemaVersion": _schema_uuid(row, described["fields"]),
        "createdByRun": run,
    }


def _schema_uuid(row: DatasetRow, fields: Sequence[Mapping[str, Any]]) -> str:
    named = sorted(f"{field['name']}:{field['type'] or ''}" for field in fields)
    return name_uuid(row.named.namespace, row.named.name, *named)


def _own(facets: Facets, key: str) -> str | None:
    """Read what only Marquez's own write requests tell of a dataset."""
    body: Any = msgspec.json.decode(facets[OWN_FACET].body) if OWN_FACET in facets else {}
    return text(body.get(key)) if isinstance(body, dict) else None
