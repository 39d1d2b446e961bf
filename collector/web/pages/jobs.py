"""Jobs: the list, and the page of one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response

from collector.api import freshness, jobs, runs
from collector.times import now_us
from collector.web import entities
from collector.web.asking import ask, parameters, twin
from collector.web.drawing.charts import bars
from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("jobs")

DRAWN = 30
"""The newest runs that are drawn; those that made the job's days of late, and still wide enough to be pointed at."""

MOST_CHILDREN = 50
MOST_STANDINGS = 50


@blueprint.get("/jobs")
def index() -> tuple[str, HTTPStatus]:
    """List jobs."""
    return entities.listing("catalog/jobs.html", jobs.list_jobs)


@blueprint.get("/job")
def show() -> str:
    """Show one job."""
    asked = parameters(jobs.get_job)
    job = ask(jobs.get_job, asked)
    of_job = {"job_namespace": job["namespace"], "job_name": job["name"]}
    newest = ask(runs.list_runs, of_job | {"limit": entities.at_most(DRAWN)})
    drawn = entities.bars_of(newest["items"], now_us())
    parent = {"parent_namespace": job["namespace"], "parent_name": job["name"]}
    return page(
        "catalog/job.html",
        job=job,
        facets=entities.folded(job["facets"]),
        told=entities.told(job["facets"]),
        sql=entities.text_of(job["facets"], "sql", "query"),
        code=entities.text_of(job["facets"], "sourceCode", "sourceCode"),
        runs=newest,
        drawn=drawn,
        chart=bars([each.seconds for each in drawn]),
        children=ask(jobs.list_jobs, parent | {"limit": entities.at_most(MOST_CHILDREN)})
        if job["children"]["count"]
        else None,
        parent=parent,
        of_job=of_job,
        before=entities.before(job),
        standings=_expected(of_job) if job["outputs"] else [],
        twin=twin(jobs.get_job, asked),
    )


def _expected(of_job: dict[str, str]) -> Any:
    """Give how what a job writes stands to what is expected of it."""
    asked = of_job | {"history": 30, "limit": entities.at_most(MOST_STANDINGS)}
    return ask(freshness.list_freshness, asked)["items"]


@blueprint.get("/job/facet")
def facet() -> Response:
    """Give one facet of a job as a file."""
    return entities.download(ask(jobs.get_job, parameters(jobs.get_job))["facets"])
