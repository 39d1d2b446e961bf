"""``/namespaces/{namespace}/datasets``: datasets and their versions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api.access import principal, visible
from collector.api.marquez.dataset_entities import dataset_entities, version_entities
from collector.api.marquez.namespaces import need
from collector.api.marquez.parameters import page, uuid_of
from collector.api.marquez.refusals import missing
from collector.api.marquez.routing import Routes
from collector.api.services import reading
from collector.storage.marquez import dataset_pages, dataset_versions
from collector.storage.visibility import Visible

routes = Routes()


@routes.get("/namespaces/{namespace}/datasets")
def list_datasets(namespace: str) -> object:
    """List the datasets of a namespace by name."""
    part = page()
    with reading() as conn:
        seen = visible(conn)
        need(conn, namespace, seen)
        ids = dataset_pages.list_datasets(conn, namespace, visible=seen, limit=part.limit, offset=part.offset)
        return {
            "datasets": dataset_entities(conn, ids, principal().sees),
            "totalCount": dataset_pages.count_datasets(conn, namespace, visible=seen),
        }


@routes.get("/namespaces/{namespace}/datasets/{dataset}")
def get_dataset(namespace: str, dataset: str) -> object:
    """Give one dataset."""
    with reading() as conn:
        return entity(conn, find(conn, namespace, dataset, visible(conn)))


@routes.get("/namespaces/{namespace}/datasets/{dataset}/versions")
def list_versions(namespace: str, dataset: str) -> object:
    """List the versions of a dataset, the newest first."""
    part = page()
    with reading() as conn:
        seen = visible(conn)
        row = _row(conn, find(conn, namespace, dataset, seen))
        versions, total = dataset_versions.page_of_versions(conn, row, limit=part.limit, offset=part.offset)
        return {
            "versions": version_entities(conn, row, versions, visible=seen, sees=principal().sees),
            "totalCount": total,
        }


@routes.get("/namespaces/{namespace}/datasets/{dataset}/versions/{version}")
def get_version(namespace: str, dataset: str, version: str) -> object:
    """Give one version of a dataset."""
    wanted = uuid_of(version)
    with reading() as conn:
        seen = visible(conn)
        row = _row(conn, find(conn, namespace, dataset, seen))
        found = dataset_versions.find_version(conn, row, wanted)
        if found is None:
            raise missing("Dataset version", wanted)
        return version_entities(conn, row, [found], visible=seen, sees=principal().sees)[0]


def find(conn: Connection, namespace: str, name: str, seen: Visible) -> int:
    """Find the id of a dataset that is shown. Raises ``NotFound``: for the namespace, or for the dataset."""
    need(conn, namespace, seen)
    found = dataset_pages.find_dataset(conn, namespace, name, seen)
    if found is None:
        raise missing("Dataset", name)
    return found


def entity(conn: Connection, dataset_id: int) -> dict[str, Any]:
    """Give a dataset as answers have it."""
    return dataset_entities(conn, [dataset_id], principal().sees)[0]


def _row(conn: Connection, dataset_id: int) -> dataset_pages.DatasetRow:
    return dataset_pages.dataset_rows(conn, [dataset_id], principal().sees)[dataset_id]
