"""``/tags``, and the tags of datasets, of their fields, and of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.api.access import principal, visible
from collector.api.marquez import datasets, jobs
from collector.api.marquez.bodies import body_of
from collector.api.marquez.parameters import page
from collector.api.marquez.routing import Routes
from collector.api.services import reading, services
from collector.errors import BadRequest, NotFound
from collector.storage import notes
from collector.storage.marquez.dataset_pages import dataset_rows
from collector.times import now_us

routes = Routes()

LONGEST = 255
"""Characters of a tag, and of the name of a field that has one."""

OF_DATASET = "/namespaces/{namespace}/datasets/{dataset}/tags/{tag}"
OF_FIELD = "/namespaces/{namespace}/datasets/{dataset}/fields/{field}/tags/{tag}"
OF_JOB = "/namespaces/{namespace}/jobs/{job}/tags/{tag}"


@routes.get("/tags")
def list_tags() -> object:
    """List tags by name."""
    part = page()
    with reading() as conn:
        found = notes.list_tags(conn, limit=part.limit, offset=part.offset)
    return {"tags": [_tag(name, description) for name, description in found]}


@routes.put("/tags/{tag}")
def put_tag(tag: str) -> object:
    """Make a tag, or change what it means."""
    body = body_of()
    description = body.text("description")
    body.check()
    _check(tag)
    with services().database.write() as conn:
        notes.describe_tag(conn, tag, description)
    return _tag(tag, description)


@routes.post(OF_DATASET)
def tag_dataset(namespace: str, dataset: str, tag: str) -> object:
    """Tag a dataset; the tag is kept as it is written."""
    return _mark_dataset(namespace, dataset, "", tag, attach=True)


@routes.delete(OF_DATASET)
def untag_dataset(namespace: str, dataset: str, tag: str) -> object:
    """Take a tag off a dataset."""
    return _mark_dataset(namespace, dataset, "", tag, attach=False)


@routes.post(OF_FIELD)
def tag_field(namespace: str, dataset: str, field: str, tag: str) -> object:
    """Tag a field; the tag is kept in capitals."""
    return _mark_dataset(namespace, dataset, field, tag.upper(), attach=True)


@routes.delete(OF_FIELD)
def untag_field(namespace: str, dataset: str, field: str, tag: str) -> object:
    """Take a tag off a field."""
    return _mark_dataset(namespace, dataset, field, tag.upper(), attach=False)


@routes.post(OF_JOB)
def tag_job(namespace: str, job: str, tag: str) -> object:
    """Tag a job; the tag is kept as it is written."""
    return _mark_job(namespace, job, tag, attach=True)


@routes.delete(OF_JOB)
def untag_job(namespace: str, job: str, tag: str) -> object:
    """Take a tag off a job."""
    return _mark_job(namespace, job, tag, attach=False)


def _mark_dataset(namespace: str, name: str, field: str, tag: str, *, attach: bool) -> object:
    _check(tag)
    with services().database.write() as conn:
        dataset_id = datasets.find(conn, namespace, name, visible(conn))
        if field:
            _need_field(datasets.entity(conn, dataset_id), name, field)
        if attach:
            notes.attach_tag(conn, dataset_id, field, tag, now_us())
        else:
            # Whatever name it was put on.
            for id_ in dataset_rows(conn, [dataset_id], principal().sees)[dataset_id].names:
                notes.detach_tag(conn, id_, field, tag, now_us())
        return datasets.entity(conn, dataset_id)


def _need_field(dataset: Mapping[str, Any], name: str, field: str) -> None:
    if field not in {each["name"] for each in dataset["fields"]}:
        raise NotFound(f"Field '{field}' not found for dataset '{name}'.")
    _check(field)


def _mark_job(namespace: str, name: str, tag: str, *, attach: bool) -> object:
    _check(tag)
    with services().database.write() as conn:
        seen = visible(conn)
        job = jobs.find(conn, namespace, name, seen)
        if attach:
            notes.attach_tag(conn, job.id, "", tag, now_us())
        else:
            notes.detach_tag(conn, job.id, "", tag, now_us())
        return jobs.entity(conn, job, seen)


def _tag(name: str, description: str | None) -> dict[str, str | None]:
    return {"name": name, "description": description}


def _check(text: str) -> None:
    if len(text) > LONGEST:
        raise BadRequest(f"names of tags and of tagged fields have at most {LONGEST} characters")
