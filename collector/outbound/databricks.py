"""Databricks: a firing starts a run of a job, once for each idempotency token.

Options of a target: ``url`` of the workspace; ``token``. Options of an action: ``job_id``; ``job_parameters``, whose
values are texts.

From the documentation, not from a recorded exchange: ``POST /api/2.2/jobs/run-now`` answers ``{"run_id": …}``; with an
``idempotency_token`` of a run that exists it answers the id of that run, and "Databricks guarantees that exactly one
run is launched with that idempotency token", which has at most 64 characters; an error is ``{"error_code": …,
"message": …}`` (https://docs.databricks.com/api/workspace/jobs/runnow; knowledge base, "How to ensure idempotency for
jobs").

A run is handed nothing of the firing but the parameters of the action. For a job with OpenLineage's Spark listener
one of them may be ``{{ run.namespace }}/{{ run.name }}/{{ run.id }}``, for it to take as its parent.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from collector.outbound.calling import Api, bearer
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, Unusable, option
from triggers.rules import Target

PASSING: Final = frozenset(
    {"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED"}
)
"""Error codes after which trying again may help, whatever the status."""

LONGEST_TOKEN: Final = 64


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Start a run, or be told which one was started before. To test a target, ask who we are."""
    api = Api.of(option(target, "url"), context, parcel.at, bearer(option(target, "token")))
    if parcel.kind is Kind.TEST:
        reply = api.call("GET", "/api/2.0/preview/scim/v2/Me")
        return Outcome(Result.DELIVERED, reply.status) if reply.ok else reply.outcome()
    if parcel.kind is not Kind.ACTION:
        raise Unusable(f"Target {target.id} only starts work; it takes no {parcel.kind.value}s.")
    asked = request(parcel)
    reply = api.call("POST", "/api/2.2/jobs/run-now", asked)
    run_id = reply.said.get("run_id")
    if reply.ok and run_id:
        url = api.link(f"/jobs/{asked['job_id']}/runs/{run_id}")
        return Outcome(Result.DELIVERED, reply.status, answer={"run_id": str(run_id), "url": url})
    outcome = reply.outcome()
    code = reply.said.get("error_code")
    if code in PASSING:
        return dataclasses.replace(outcome, result=Result.RETRY)
    return outcome


def request(parcel: Parcel) -> dict[str, Any]:
    """Give the body that asks for a run, the same at each attempt; raises ``Unusable``."""
    action = parcel.body["action"]
    job = str(action.get("job_id") or "")
    if not job.isdecimal():
        raise Unusable(f"The id of a job of Databricks is a number, not {job[:64]!r}.")
    asked: dict[str, Any] = {"job_id": int(job), "idempotency_token": parcel.key[:LONGEST_TOKEN]}
    if parameters := action.get("job_parameters"):
        asked["job_parameters"] = {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in parameters.items()
        }
    return asked
