"""The freshness board, what is expected of datasets, and why they stand as they do."""

from __future__ import annotations

from typing import Any, Final

import yaml
from flask import request

from collector.api import alerts, freshness, runs
from collector.errors import FieldError, Unprocessable
from collector.times import iso, now_us
from collector.web import board
from collector.web.asking import ask, parameters, twin
from collector.web.drawing import swimlane
from collector.web.drawing.labels import shown
from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("freshness")

DUE_TIMES: Final = 30
"""Due times that a strip shows."""

VIEWS: Final = ("table", "swimlane")

TRAITS: Final = (
    ("owner", "Owner"),
    ("tool", "Tool"),
    ("tag", "Tag"),
    ("namespace", "Namespace"),
    ("expectation", "Expectation"),
)
"""What the board can be narrowed by, besides the state."""

MOST_DATASETS: Final = 50
"""Datasets of an expectation that its page shows at a time."""

DECISIONS: Final = 20
"""Decisions about a dataset that the page of an expectation shows at a time."""


@blueprint.get("/freshness")
def show() -> str:
    """Show the board: what is violated, what can become so next, and how it has gone lately."""
    view = request.args.get("view", "table")
    if view not in VIEWS:
        reason = f"Must be one of {', '.join(VIEWS)}."
        raise Unprocessable(f"?view: {reason}", errors=(FieldError("?view", reason),))
    asked = {"sort": "next"} | parameters(freshness.list_freshness) | {"history": DUE_TIMES}
    found = ask(freshness.list_freshness, asked)
    counts = ask(freshness.get_summary, parameters(freshness.get_summary) | {"values": "true"})
    now = now_us()
    return page(
        "freshness/board.html",
        view=view,
        board=found,
        groups=board.grouped(found["items"]),
        counts=counts,
        traits=TRAITS,
        narrowed=[name for name in request.args if name in FILTERS and request.args[name]],
        now=iso(now),
        axis=swimlane.axis(),
        lane=lambda standing: board.lane_of(standing, now),
        row_id=board.row_id,
        sort=asked["sort"],
        twin=twin(freshness.list_freshness, asked),
    )


FILTERS: Final = ("name", "job_namespace", "job_name", *(name for name, _ in TRAITS))
"""What narrows the board, and the counts by state above it."""


@blueprint.get("/expectations")
def expectations() -> str:
    """List what is expected of datasets."""
    asked = parameters(freshness.list_expectations)
    return page(
        "freshness/expectations.html",
        expectations=ask(freshness.list_expectations, asked),
        twin=twin(freshness.list_expectations, asked),
    )


@blueprint.get("/expectations/<expectation_id>")
def expectation(expectation_id: str) -> str:
    """Show what is expected, how the datasets stand to it, and what was decided of one of them."""
    path = {"expectation_id": expectation_id}
    asked = {"limit": MOST_DATASETS} | parameters(freshness.get_expectation) | {"history": DUE_TIMES}
    found = ask(freshness.get_expectation, asked, **path)
    return page(
        "freshness/expectation.html",
        expectation=found,
        definition=_as_yaml(found["definition"]),
        chosen=(chosen := _chosen(found)),
        decisions=chosen and ask(freshness.list_decisions, chosen | {"limit": DECISIONS}, **path),
        now=iso(now_us()),
        row_id=board.row_id,
        twin=twin(freshness.get_expectation, asked, **path),
    )


@blueprint.get("/why")
def why() -> str:
    """Show why a dataset stands as it does: the sentence first, then the cause and the way from there."""
    asked = parameters(freshness.get_why)
    found = ask(freshness.get_why, asked)
    causes = [each["cause"]["alert"] for each in found["alerts"] if each["cause"]]
    cause = ask(alerts.get_alert, alert_id=causes[0]) if causes and causes[0] is not None else None
    return page(
        "freshness/why.html",
        why=found,
        cause=cause,
        run=_failed_run(cause),
        now=iso(now_us()),
        twin=twin(freshness.get_why, asked),
    )


def _failed_run(cause: Any) -> Any:
    """Give the newest run that failed of a job that is the cause, if a job is."""
    if cause is None or cause["type"] != "job":
        return None
    job = {"job_namespace": cause["namespace"], "job_name": cause["name"]}
    found = ask(runs.list_runs, job | {"state": "FAIL", "limit": 1})["items"]
    return found[0] if found else None


def _chosen(found: Any) -> dict[str, str] | None:
    """Give the dataset of which decisions are shown: the one asked for, else the first."""
    if "name" in request.args and "namespace" in request.args:
        return {name: request.args[name] for name in ("namespace", "name")}
    items = found["items"]
    return dict(items[0]["dataset"]) if items else None


def _as_yaml(definition: Any) -> str | None:
    """Write an expectation as in a rule file, to be copied; where characters hide in it, they are escaped."""
    if definition is None:
        return None
    written = ""
    for readable in (True, False):
        written = yaml.safe_dump([definition], sort_keys=False, allow_unicode=readable)
        if all(shown(line) == line for line in written.splitlines()):
            break
    return written
