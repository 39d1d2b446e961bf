"""dbt Cloud: a firing starts a run of a job.

Options of a target: ``url``, where the account is not at ``https://cloud.getdbt.com``; ``account``, its id; ``token``.
Options of an action: ``job_id``; ``cause``, the words for people; whatever else dbt Cloud takes for a run, such as
``git_branch``, ``schema_override``, ``steps_override`` (a list of commands).

From the documentation, not from a recorded exchange: ``POST /api/v2/accounts/ACCOUNT/jobs/JOB/run/`` wants a ``cause``
and answers ``{"status": …, "data": {"id": …, "href": …}}`` (https://docs.getdbt.com/dbt-cloud/api-v2, Trigger Job Run);
``GET /api/v2/accounts/ACCOUNT/runs/`` takes ``job_definition_id``, ``order_by=-id`` (the newest first) and
``include_related=trigger``, which has the cause (the same, List Runs; so do the hooks of Airflow and Dagster).

There is no idempotency. The cause has the key of what is sent, and before each attempt we look whether one of the
latest runs of the job has it; if several have, the oldest counts. Before the first as well: what is tried again by hand
counts its attempts anew. dbt Cloud gives a run no environment variables
but those of its environment and job, so the firing cannot be handed on as the parent: its runs are recognised by the
job (``job`` of the action), if they send events at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from collector.outbound.calling import Api, Reply, segment
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, Unusable, option
from triggers.action_options import KINDS
from triggers.rules import Target

URL: Final = "https://cloud.getdbt.com"

FIELDS: Final = KINDS["dbt_cloud"].options.keys() - {"job_id", "cause"}
"""Options of an action that go to dbt Cloud as they are."""

LATEST: Final = 100
"""Runs of a job that are looked through; attempts follow each other within hours."""

LONGEST_CAUSE: Final = 200
"""Characters of the words of people, so that the key is never what is cut off."""


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Start a run, or find that it was started before. To test a target, ask for the account."""
    headers = {"authorization": f"Token {option(target, 'token')}"}
    api = Api.of(target.options.get("url") or URL, context, parcel.at, headers)
    account = str(target.options.get("account") or "")
    if not account:
        raise Unusable(f"Target {target.id} has no account.")
    root = f"/api/v2/accounts/{segment(account)}"
    if parcel.kind is Kind.TEST:
        reply = api.call("GET", f"{root}/")
        return Outcome(Result.DELIVERED, reply.status) if reply.ok else reply.outcome()
    if parcel.kind is not Kind.ACTION:
        raise Unusable(f"Target {target.id} only starts work; it takes no {parcel.kind.value}s.")
    job = str(parcel.body["action"].get("job_id") or "")
    if not job.isdecimal():
        raise Unusable(f"The id of a job of dbt Cloud is a number, not {job[:64]!r}.")
    question = {"job_definition_id": job, "order_by": "-id", "limit": LATEST, "include_related": "trigger"}
    looked = api.call("GET", f"{root}/runs/?{urlencode(question)}")
    runs = looked.said.get("data")
    if not (looked.ok and isinstance(runs, list)):
        return looked.outcome("runs: ")
    ours = [run for run in runs if parcel.key in str((run.get("trigger") or {}).get("cause"))]
    if ours:
        return _started(api, account, looked, ours[-1], known=True)
    reply = api.call("POST", f"{root}/jobs/{job}/run/", request(parcel))
    run = reply.said.get("data")
    if not (reply.ok and isinstance(run, dict) and run.get("id")):
        return reply.outcome(repeatable=False)
    return _started(api, account, reply, run, known=False)


def request(parcel: Parcel) -> dict[str, Any]:
    """Give the body that asks for a run, the same at each attempt."""
    action, firing = parcel.body["action"], parcel.body["firing"]
    about = f" for {firing['key']}" if firing["key"] else ""
    cause = str(action.get("cause") or f"{firing['trigger']} fired{about}")
    asked = {name: action[name] for name in sorted(FIELDS) if action.get(name) is not None}
    return {"cause": f"{cause[:LONGEST_CAUSE]} [tidegate:{parcel.key}]", **asked}


def _started(api: Api, account: str, reply: Reply, run: Mapping[str, Any], *, known: bool) -> Outcome:
    id_ = str(run["id"])
    url = run.get("href") or api.link(f"/deploy/{account}/projects/{run.get('project_id')}/runs/{id_}/")
    return Outcome(Result.DELIVERED, reply.status, answer={"run_id": id_, "url": url, "duplicate": known})
