"""The deprecated requests that declare namespaces, datasets and jobs, and those that hide them.

What is declared of datasets and jobs becomes events; owners and tags, which no event has, are written beside the log.
"""

from __future__ import annotations

from sqlalchemy import Connection

from collector.api.access import principal, visible
from collector.api.marquez import datasets, jobs, namespaces, runs
from collector.api.marquez.bodies import Body, Pair, body_of
from collector.api.marquez.declarations import (
    PROCESSING,
    Json,
    dataset_event,
    dataset_facets,
    job_event,
    job_facets,
    run_event,
)
from collector.api.marquez.routing import Routes
from collector.api.marquez.sources import find_source
from collector.api.recording import recorder
from collector.api.services import reading, services
from collector.auth import INGEST
from collector.errors import Forbidden
from collector.storage import notes
from collector.storage.marquez.job_names import find_jobs
from collector.storage.marquez.namespaces import ANONYMOUS
from collector.storage.runs import RunRow
from collector.storage.visibility import Visible
from collector.times import now_us
from lineage.model import DatasetRef

routes = Routes()


@routes.put("/namespaces/{namespace}")
def put_namespace(namespace: str) -> object:
    """Say whose a namespace is."""
    body = body_of()
    owner, description = body.needed("ownerName"), body.text("description")
    body.check()
    _need_access(namespace)
    with services().database.write() as conn:
        notes.note_namespace(conn, namespace, owner, description, now_us())
    return namespaces.get_namespace(namespace)


@routes.delete("/namespaces/{namespace}")
def delete_namespace(namespace: str) -> object:
    """Hide a namespace, its jobs and its datasets, until events name them again."""
    with services().database.write() as conn:
        row = namespaces.find(conn, namespace, visible(conn))
        notes.hide_namespace(conn, namespace, ANONYMOUS, now_us())
    return namespaces.entity(row)


@routes.put("/namespaces/{namespace}/datasets/{dataset}", INGEST)
def put_dataset(namespace: str, dataset: str) -> object:
    """Declare a dataset; with ``runId``, as written by that run."""
    body = body_of()
    kind = body.word("type", ("DB_TABLE", "STREAM"))
    physical, source_name = body.needed("physicalName"), body.needed("sourceName")
    location = body.needed("schemaLocation") if kind == "STREAM" else None
    description, run_id, tags = body.text("description"), body.text("runId"), body.texts("tags")
    fields = [_field(each) for each in body.objects("fields")]
    body.check()
    _need_access(namespace)
    with reading() as conn:
        seen = visible(conn)
        namespaces.need(conn, namespace, seen)
        source = find_source(conn, source_name)
        run = None if run_id is None else runs.find(conn, run_id, seen)[0]
    facets = dataset_facets(
        kind=kind,
        physical_name=physical,
        schema_location=location,
        fields=fields,
        source=(source.name, source.url),
        description=description,
    )
    now, name = now_us(), (namespace, dataset)
    if run is None:
        recorder().record([dataset_event(now, name, facets)], principal())
    else:
        recorder().record([_told(now, run, outputs=[(name, facets)])], principal())
    marks = [("", tag) for tag in tags] + [(each["name"], tag) for each in fields for tag in each["tags"]]
    _attach(DatasetRef(*name).id, marks)
    return datasets.get_dataset(namespace, dataset)


@routes.delete("/namespaces/{namespace}/datasets/{dataset}")
def delete_dataset(namespace: str, dataset: str) -> object:
    """Hide a dataset until an event names it again."""
    with services().database.write() as conn:
        dataset_id = datasets.find(conn, namespace, dataset, visible(conn))
        before = datasets.entity(conn, dataset_id)
        notes.hide(conn, [dataset_id], now_us())
    return before


@routes.put("/namespaces/{namespace}/jobs/{job}", INGEST)
def put_job(namespace: str, job: str) -> object:
    """Declare a job with what it reads and writes; with ``runId``, as that run did."""
    body = body_of()
    kind = body.word("type", ("BATCH", *PROCESSING))
    inputs, outputs = body.pairs("inputs"), body.pairs("outputs")
    location, description = body.text("location"), body.text("description")
    run_id, tags = body.text("runId"), body.texts("tags")
    body.check()
    _need_access(namespace)
    with reading() as conn:
        seen = visible(conn)
        namespaces.need(conn, namespace, seen)
        for place, name in (*inputs, *outputs):
            datasets.find(conn, place, name, seen)
        run = None if run_id is None else runs.find(conn, run_id, seen)[0]
        own = _own_name(conn, (namespace, job), seen)
    now = now_us()
    facets = job_facets(kind=kind, location=location, description=description)
    events = [job_event(now, (namespace, own), facets, inputs, outputs)]
    if run is not None:
        events.append(_told(now, run, inputs=inputs, outputs=[(pair, {}) for pair in outputs]))
    recorder().record(events, principal())
    with reading() as conn:
        found = jobs.find(conn, namespace, job, visible(conn))
    _attach(found.id, [("", tag) for tag in tags])
    return jobs.get_job(namespace, job)


@routes.delete("/namespaces/{namespace}/jobs/{job}")
def delete_job(namespace: str, job: str) -> object:
    """Hide a job until an event names it again."""
    with services().database.write() as conn:
        seen = visible(conn)
        found = jobs.find(conn, namespace, job, seen)
        before = jobs.entity(conn, found, seen)
        notes.hide(conn, [found.id], now_us())
    return before


def _field(body: Body) -> Json:
    return {
        "name": body.needed("name"),
        "type": body.text("type"),
        "description": body.text("description"),
        "tags": body.texts("tags"),
    }


def _told(
    now: int, run: RunRow, *, inputs: list[Pair] | None = None, outputs: list[tuple[Pair, Json]]
) -> Json:
    """Say of a run what it reads and writes, and nothing of its state."""
    job = (run.job.namespace, run.job.name)
    return run_event(now, job, run.run_id, "OTHER", inputs=inputs or (), outputs=outputs)


def _own_name(conn: Connection, job: Pair, seen: Visible) -> str:
    """Give the name that events have for a job, which may be asked for by that with its parents'."""
    found = find_jobs(conn, [job], seen).get(job)
    return job[1] if found is None else found.own


def _attach(owner_id: int, marks: list[tuple[str, str]]) -> None:
    if not marks:
        return
    with services().database.write() as conn:
        for field, tag in marks:
            notes.attach_tag(conn, owner_id, field, tag, now_us())


def _need_access(namespace: str) -> None:
    if not principal().sees(namespace):
        raise Forbidden(f"This API key does not write to the namespace {namespace!r}.")
