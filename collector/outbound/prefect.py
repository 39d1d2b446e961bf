"""Prefect: a firing starts a run of a deployment, once for each idempotency key.

Options of a target: ``url``, of the server, with or without its ``/api``, or of a workspace of Prefect Cloud; ``key``:
an API key, or ``user:password`` where the server wants basic authentication; ``ui_url`` if people find the server
elsewhere. Options of an action: ``deployment`` ("flow/deployment"); ``parameters``, ``tags``, ``labels`` and ``name``
of the run.

The run has labels and a tag that name the firing. A worker also gets the firing as ``OPENLINEAGE_PARENT_ID`` in the
environment of the run, for what is started within. Parameters are the user's alone: flows refuse names that they do
not know.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

from collector.outbound.calling import Api, bearer, segment
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, Unusable, option
from triggers.rules import Target

PARENT: Final = "OPENLINEAGE_PARENT_ID"
"""What the integrations of OpenLineage take from the environment for the parent of a run: NAMESPACE/NAME/RUN."""

CLOUD: Final = re.compile(r"https://api\.prefect\.cloud/api/accounts/([^/]+)/workspaces/([^/]+)")

REFUSED_VARIABLES: Final = 422
"""What Prefect answers if a work pool does not take the variables of a job; wrong parameters are 409."""


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Start a run, or find that it was started before. To test a target, ask for the version of the server."""
    api = Api.of(
        api_root(option(target, "url")), context, parcel.at, _authorization(target.options.get("key"))
    )
    if parcel.kind is Kind.TEST:
        reply = api.call("GET", "/admin/version")
        return Outcome(Result.DELIVERED, reply.status) if reply.ok else reply.outcome()
    if parcel.kind is not Kind.ACTION:
        raise Unusable(f"Target {target.id} only starts work; it takes no {parcel.kind.value}s.")
    action = parcel.body["action"]
    flow, _, name = str(action.get("deployment", "")).partition("/")
    if not (flow and name):
        raise Unusable("A deployment of Prefect is written FLOW/DEPLOYMENT.")

    found = api.call("GET", f"/deployments/name/{segment(flow)}/{segment(name)}")
    deployment = found.said
    if not (found.ok and deployment.get("id")):
        return found.outcome(f"deployment {flow}/{name}: ")
    path = f"/deployments/{segment(deployment['id'])}/create_flow_run"
    asked = request(parcel)
    reply = api.call(
        "POST", path, asked | variables(parcel.body) if deployment.get("work_pool_name") else asked
    )
    if reply.status == REFUSED_VARIABLES and deployment.get("work_pool_name"):
        # Its job template may allow no environment. The run is worth more than the parent.
        reply = api.call("POST", path, asked)
    run_id = reply.said.get("id")
    if not (reply.ok and run_id):
        return reply.outcome()
    ui = target.options.get("ui_url") or ui_root(api)
    answer: dict[str, Any] = {
        "run_id": run_id,
        "url": f"{ui.rstrip('/')}/runs/flow-run/{run_id}",
        "duplicate": reply.status == 200,  # 201 if it is new
    }
    warning = None
    if deployment.get("status") == "NOT_READY":
        answer["warning"] = warning = f"Nobody runs deployment {flow}/{name} at present: its run waits."
    return Outcome(Result.DELIVERED, reply.status, warning, answer=answer)


def request(parcel: Parcel) -> dict[str, Any]:
    """Give the body that asks for a run, the same at each attempt."""
    action, firing, run = (parcel.body[part] for part in ("action", "firing", "run"))
    labels = {
        **{name: str(value) for name, value in (action.get("labels") or {}).items()},
        "tidegate.firing": firing["id"],
        "tidegate.trigger": firing["trigger"],
        "tidegate.key": firing["key"],
        "openlineage.parent_run_id": run["id"],
        "openlineage.parent_job_namespace": run["namespace"],
        "openlineage.parent_job_name": run["name"],
    }
    asked = {
        "parameters": action.get("parameters") or {},
        "tags": [*(action.get("tags") or ()), f"tidegate:{firing['trigger']}"],
        "labels": labels,
        "idempotency_key": parcel.key,
    }
    return asked | ({"name": action["name"]} if action.get("name") else {})


def variables(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the part of a request that hands the firing on to what the run starts. Only work pools know it."""
    run = body["run"]
    return {"job_variables": {"env": {PARENT: f"{run['namespace']}/{run['name']}/{run['id']}"}}}


def api_root(url: str) -> str:
    """Give the root of the API of a server whose address is written with or without it."""
    url = url.rstrip("/")
    return url if url.endswith("/api") or CLOUD.fullmatch(url) else f"{url}/api"


def ui_root(api: Api) -> str:
    """Say where people find what the API has."""
    if cloud := CLOUD.fullmatch(api.root):
        return "https://app.prefect.cloud/account/{}/workspace/{}".format(*cloud.groups())
    return api.link("").removesuffix("/api")


def _authorization(key: str | None) -> dict[str, str]:
    if not key:
        return {}
    if ":" in key:
        return {"authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}
    return bearer(key)
