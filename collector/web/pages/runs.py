"""Runs: the list, and the page of one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response

from collector.api import graph, runs
from collector.errors import NotFound, Unprocessable
from collector.times import now_us
from collector.web import entities
from collector.web.asking import ask, parameters, twin
from collector.web.entry import Page
from collector.web.rendering import page
from collector.web.run_times import Relatives, steps_of

blueprint = Page("runs")


@blueprint.get("/runs")
def index() -> tuple[str, HTTPStatus]:
    """List runs."""
    return entities.listing("catalog/runs.html", runs.list_runs)


@blueprint.get("/run")
def show() -> str:
    """Show one run, or those that may be meant."""
    asked = parameters(runs.get_run)
    try:
        run = ask(runs.get_run, asked)
    except Unprocessable:
        same = {"run_id": asked.get("run_id")}
        if "job_name" in asked or not same["run_id"]:
            raise
        found = ask(runs.list_runs, same)
        return page(
            "catalog/candidates.html", found=found, run_id=same["run_id"], twin=twin(runs.list_runs, same)
        )
    named = {
        "run_id": run["run_id"],
        "job_namespace": run["job"]["namespace"],
        "job_name": run["job"]["name"],
    }
    events = ask(runs.list_run_events, named | {"body": "false"})
    now = now_us()
    children = ask(runs.list_runs, {"parent_run_id": run["run_id"]}) if run["children"]["count"] else None
    siblings = ask(runs.list_runs, {"parent_run_id": run["parent"]["run_id"]}) if run["parent"] else None
    return page(
        "catalog/run.html",
        run=run,
        named=named,
        facets=entities.folded(run["facets"]),
        told=entities.told(run["facets"]),
        error=entities.error_of(run),
        events=events,
        steps=steps_of(run, events["items"], now),
        relatives=Relatives(run, siblings, children).drawn(now),
        children=children,
        read=_read(run) if run["inputs"] else {},
        now=now,
        twin=twin(runs.get_run, asked),
        events_twin=twin(runs.list_run_events, named),
    )


def _read(run: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Give, by dataset, what the graph of runs says that a run read: the version, and the run that brought it."""
    job = run["job"]
    node = f"run:{run['run_id']}:job:{job['namespace']}:{job['name']}"
    try:
        graph_ = ask(graph.get_lineage, {"node": node, "direction": "upstream", "depth": "1"})
    except (NotFound, Unprocessable):
        return {}  # names with colons may be read in more than one way
    nodes = {each["id"]: each for each in graph_["nodes"]}
    start = next((each for each in graph_["nodes"] if each["depth"] == 0), None)
    inputs = (start or {}).get("inputs") or []
    return {(each["namespace"], each["name"]): each | {"run": nodes.get(each["writer"])} for each in inputs}


@blueprint.get("/run/facet")
def facet() -> Response:
    """Give one facet of a run as a file."""
    return entities.download(ask(runs.get_run, parameters(runs.get_run))["facets"])
