"""Datasets: the list, one in detail, its schemas, updates and checks."""

from __future__ import annotations

from typing import Any

from collector.api import cursors, parameters, shapes
from collector.api.access import visible
from collector.api.encoding import stored
from collector.api.names import MOST_EDGES, named_page
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading
from collector.storage import catalog, dataset_reads
from collector.storage.dataset_names import canonical_name, list_aliases, member_ids
from collector.storage.edge_reads import dataset_edges
from collector.storage.facet_reads import current_facets, facet_history
from lineage.model import Direction

blueprint = Native(
    "datasets", "Datasets: when they were updated, their schemas and checks, who reads and writes them."
)

MOST_UPDATES = 10
MOST_ASSERTIONS = 100


@blueprint.get("/datasets", shapes.Datasets, query=parameters.NamesQuery)
def list_datasets(query: dict[str, Any]) -> object:
    """List datasets.

    Namespace by namespace, in each by name.
    """
    with reading() as conn:
        seen = visible(conn)
        page = named_page(conn, "dataset", query, seen)
        return cursors.answer(dataset_reads.summaries(conn, page, seen))


@blueprint.get("/dataset", shapes.DatasetDetail, query=parameters.NameQuery, missing=True)
def get_dataset(query: dict[str, Any]) -> object:
    """Give all about one dataset.

    Who makes and reads it, its updates and its checks are those under any of its names; the rest is what was said of
    this one.
    """
    with reading() as conn:
        seen = visible(conn)
        found = catalog.find_named(conn, "dataset", query["namespace"], query["name"], visible=seen)
        facets = current_facets(conn, found.id)
        members = member_ids(conn, found.id, visible=seen)
        aliases = list_aliases(conn, found.id, members, visible=seen, limit=MOST_EDGES + 1)
        updates = dataset_reads.list_updates(
            conn, members, visible=seen, after=None, limit=MOST_UPDATES
        ).items
        edges = {
            direction: dataset_edges(conn, members, visible=seen, limit=MOST_EDGES + 1, direction=direction)
            for direction in (Direction.INPUT, Direction.OUTPUT)
        }
        longest = max(len(aliases), *map(len, edges.values()))
        assertions = dataset_reads.last_assertions(conn, members, visible=seen, limit=MOST_ASSERTIONS)
        return {
            "namespace": found.namespace,
            "name": found.name,
            "fields_": dataset_reads.schema_fields(facets["schema"]) if "schema" in facets else None,
            "facets": stored(facets),
            "canonical": canonical_name(conn, found.id, visible=seen),
            "aliases": aliases[:MOST_EDGES],
            "deleted_at": dataset_reads.deleted_at(facets, next(iter(updates), None)),
            "producers": edges[Direction.OUTPUT][:MOST_EDGES],
            "consumers": edges[Direction.INPUT][:MOST_EDGES],
            "complete": longest <= MOST_EDGES,
            "last_updates": updates,
            "last_assertions": assertions,
        }


@blueprint.get("/dataset/schemas", shapes.SchemaVersions, query=parameters.NamePage, missing=True)
def list_schemas(query: dict[str, Any]) -> object:
    """List the schemas that a dataset has had, the newest first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME_AND_HASH)
    limit = limit_of(query)
    with reading() as conn:
        found = catalog.find_named(conn, "dataset", query["namespace"], query["name"], visible=visible(conn))
        page = facet_history(conn, found.id, "schema", after=after, limit=limit)
    return cursors.answer(
        page.map(
            lambda version: {
                "fields_": dataset_reads.schema_fields(version),
                "first_seen_at": version.first_seen_at,
                "last_seen_at": version.last_seen_at,
            }
        )
    )


@blueprint.get("/dataset/updates", shapes.Updates, query=parameters.NamePage, missing=True)
def list_updates(query: dict[str, Any]) -> object:
    """List when new data came into a dataset, the newest first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME)
    limit = limit_of(query)
    with reading() as conn:
        seen = visible(conn)
        found = catalog.find_named(conn, "dataset", query["namespace"], query["name"], visible=seen)
        members = member_ids(conn, found.id, visible=seen)
        return cursors.answer(
            dataset_reads.list_updates(conn, members, visible=seen, after=after, limit=limit)
        )


@blueprint.get("/dataset/assertions", shapes.Assertions, query=parameters.NamePage, missing=True)
def list_assertions(query: dict[str, Any]) -> object:
    """List the results of data-quality checks on a dataset, the newest first."""
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME_AND_KEY)
    limit = limit_of(query)
    with reading() as conn:
        seen = visible(conn)
        found = catalog.find_named(conn, "dataset", query["namespace"], query["name"], visible=seen)
        members = member_ids(conn, found.id, visible=seen)
        return cursors.answer(
            dataset_reads.list_assertions(conn, members, visible=seen, after=after, limit=limit)
        )
