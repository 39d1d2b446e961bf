"""Datasets: the list, one in detail, its schemas, updates and checks."""

from __future__ import annotations

from typing import Any

import msgspec

from collector.api import cursors, detail_shapes, parameters, shapes
from collector.api.access import visible
from collector.api.addresses import addresses
from collector.api.encoding import stored
from collector.api.jobs import marks, owners_of
from collector.api.names import MOST_EDGES, named_page
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading
from collector.storage import catalog, dataset_reads, labels
from collector.storage.dataset_names import canonical_name, list_aliases, member_ids
from collector.storage.edge_reads import EdgeRow, dataset_edges
from collector.storage.facet_reads import FacetVersion, current_facets, facet_history
from collector.storage.node_facts import canonical, newest_runs
from collector.storage.pages import Page
from collector.storage.run_origins import waiting_for
from collector.storage.runs import RunRow
from collector.storage.trigger_reads import states_of
from lineage.changes import schema_change
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


@blueprint.get("/dataset", detail_shapes.DatasetDetail, query=parameters.NameQuery, missing=True)
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
        last = newest_runs(conn, sorted({edge.other.id for each in edges.values() for edge in each}), seen)
        stands_for_all = canonical(conn, [found.id])[found.id]
        awaiting = waiting_for(conn, [stands_for_all])
        bodies = stored(facets)
        return {
            "namespace": found.namespace,
            "name": found.name,
            "fields_": dataset_reads.schema_fields(facets["schema"]) if "schema" in facets else None,
            "facets": bodies,
            "links": addresses(bodies),
            "owners": owners_of(facets),
            "tags": sorted(labels.tags(conn, [stands_for_all], visible=seen).get(stands_for_all, ())),
            "canonical": canonical_name(conn, found.id, visible=seen),
            "aliases": aliases[:MOST_EDGES],
            "deleted_at": dataset_reads.deleted_at(facets, next(iter(updates), None)),
            "producers": _with_runs(edges[Direction.OUTPUT], last),
            "consumers": _with_runs(edges[Direction.INPUT], last),
            "complete": longest <= MOST_EDGES,
            "last_updates": updates,
            "last_assertions": assertions,
            "awaited_by": marks(states_of(conn, awaiting, seen), awaiting),
        }


def _with_runs(edges: list[EdgeRow], last: dict[int, RunRow]) -> list[dict[str, Any]]:
    return [
        {
            "job": edge.other,
            "valid_from": edge.valid_from,
            "implied": edge.implied,
            "last_run": last.get(edge.other.id),
        }
        for edge in edges[:MOST_EDGES]
    ]


@blueprint.get("/dataset/schemas", detail_shapes.SchemaVersions, query=parameters.NamePage, missing=True)
def list_schemas(query: dict[str, Any]) -> object:
    """List the schemas that a dataset has had, the newest first, each with what is new in it.

    One that came back, as after a mistake, is where it was first seen.
    """
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME_AND_HASH)
    limit = limit_of(query)
    with reading() as conn:
        found = catalog.find_named(conn, "dataset", query["namespace"], query["name"], visible=visible(conn))
        page = facet_history(conn, found.id, "schema", after=after, limit=limit)
        # The last one on the page is compared with the first one on the next.
        older = facet_history(conn, found.id, "schema", after=page.next, limit=1).items if page.next else []
    before = [*page.items[1:], older[0] if older else None]
    items = [_schema_version(*pair) for pair in zip(page.items, before, strict=False)]
    return cursors.answer(Page(items, page.next))


def _schema_version(version: FacetVersion, before: FacetVersion | None) -> dict[str, Any]:
    change = None
    if before is not None:
        added, removed, retyped = schema_change(
            msgspec.json.decode(before.body), msgspec.json.decode(version.body)
        )
        names = ("name", "before", "after")
        change = {
            "added": added,
            "removed": removed,
            "retyped": [dict(zip(names, each, strict=True)) for each in retyped],
        }
    return {
        "fields_": dataset_reads.schema_fields(version),
        "first_seen_at": version.first_seen_at,
        "last_seen_at": version.last_seen_at,
        "change": change,
    }


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
