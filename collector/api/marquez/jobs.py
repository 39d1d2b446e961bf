"""``/jobs`` and ``/namespaces/{namespace}/jobs``: jobs, their versions and their runs."""

from __future__ import annotations

from sqlalchemy import Connection

from collector.api.access import principal, visible
from collector.api.marquez.job_entities import job_entities, job_version_entity
from collector.api.marquez.namespaces import need
from collector.api.marquez.parameters import each_choice, page, uuid_of
from collector.api.marquez.refusals import missing
from collector.api.marquez.routing import Routes
from collector.api.marquez.run_entities import run_entities
from collector.api.services import reading
from collector.storage.marquez import job_pages, run_data
from collector.storage.marquez.job_names import JobName, find_jobs
from collector.storage.marquez.job_versions import History, JobVersion, histories, last_run_of_each
from collector.storage.runs import runs_by_id
from collector.storage.visibility import Visible

routes = Routes()

RUN_STATES = ("NEW", "RUNNING", "COMPLETED", "ABORTED", "FAILED", "OTHER")


@routes.get("/jobs")
def list_all_jobs() -> object:
    """List jobs, those of which the newest events came first."""
    return _listed(None)


@routes.get("/namespaces/{namespace}/jobs")
def list_jobs(namespace: str) -> object:
    """List the jobs of a namespace; none of one that does not exist."""
    return _listed(namespace)


@routes.get("/namespaces/{namespace}/jobs/{job}")
def get_job(namespace: str, job: str) -> object:
    """Give one job, by its own name or by the one with its parents'."""
    with reading() as conn:
        seen = visible(conn)
        found = find(conn, namespace, job, seen)
        return entity(conn, found, seen)


@routes.get("/namespaces/{namespace}/jobs/{job}/versions")
def list_versions(namespace: str, job: str) -> object:
    """List the versions of a job, the newest first."""
    part = page()
    with reading() as conn:
        seen = visible(conn)
        found = find(conn, namespace, job, seen)
        versions = _history(conn, found).versions()[part.offset : part.offset + part.limit]
        return {"versions": _versions(conn, found, versions, seen)}


@routes.get("/namespaces/{namespace}/jobs/{job}/versions/{version}")
def get_version(namespace: str, job: str, version: str) -> object:
    """Give one version of a job."""
    wanted = str(uuid_of(version))
    with reading() as conn:
        seen = visible(conn)
        found = find(conn, namespace, job, seen)
        history = _history(conn, found)
        every = [*history.versions(), history.first]
        chosen = next((each for each in every if each.uuid == wanted), None)
        if chosen is None:
            raise missing("Job version", wanted)
        return _versions(conn, found, [chosen], seen)[0]


@routes.get("/namespaces/{namespace}/jobs/{job}/runs")
def list_runs(namespace: str, job: str) -> object:
    """List the runs of a job, those first that began last."""
    part = page()
    with reading() as conn:
        seen = visible(conn)
        found = find(conn, namespace, job, seen)
        rows, total = run_data.page_of_runs(
            conn, found.id, visible=seen, limit=part.limit, offset=part.offset
        )
        written = run_entities(conn, rows, principal().sees)
    return {"runs": [written[row.id] for row in rows], "totalCount": total}


def find(conn: Connection, namespace: str, name: str, seen: Visible) -> JobName:
    """Find a job that is shown. Raises ``NotFound``: for the namespace, or for the job."""
    need(conn, namespace, seen)
    found = find_jobs(conn, [(namespace, name)], seen).get((namespace, name))
    if found is None or not job_pages.shown_jobs(conn, [found.id]):
        raise missing("Job", name)
    return found


def entity(conn: Connection, job: JobName, seen: Visible) -> dict[str, object]:
    """Give a job as answers have it."""
    return job_entities(conn, [job.id], visible=seen, sees=principal().sees)[0]


def _listed(namespace: str | None) -> object:
    part = page()
    states = each_choice("lastRunStates", RUN_STATES)
    with reading() as conn:
        seen = visible(conn)
        ids = job_pages.list_jobs(
            conn,
            namespace_name=namespace,
            last_states=states,
            visible=seen,
            limit=part.limit,
            offset=part.offset,
        )
        return {
            "jobs": job_entities(conn, ids, visible=seen, sees=principal().sees),
            "totalCount": job_pages.count_jobs(conn, namespace_name=namespace, visible=seen),
        }


def _history(conn: Connection, job: JobName) -> History:
    created = job_pages.job_times(conn, [job.id])[job.id].first
    return histories(conn, {job.id: job}, {job.id: created})[job.id]


def _versions(
    conn: Connection, job: JobName, versions: list[JobVersion], seen: Visible
) -> list[dict[str, object]]:
    latest = last_run_of_each(conn, job.id, [version.spans[-1] for version in versions])
    rows = runs_by_id(conn, [row_id for row_id in latest if row_id is not None], seen)
    written = run_entities(conn, list(rows.values()), principal().sees)
    return [
        job_version_entity(job, version, None if row_id is None else written.get(row_id), principal().sees)
        for version, row_id in zip(versions, latest, strict=True)
    ]
